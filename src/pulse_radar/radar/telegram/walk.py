"""The way through an export: from its root over its chats to each message, in the order of the file.

    a single chat    {"name", "type", "id", "messages": [message, ...]}
    a whole account  {..., "chats": {"list": [chat, ...]}, "left_chats": {"list": [chat, ...]}, ...}

Everything else in it (contacts, sessions, stories, …) is skipped.
"""

from collections.abc import Iterator
from typing import Final

from pulse_radar.radar.telegram.errors import NOT_THE_SHAPE, Fault
from pulse_radar.radar.telegram.scanner import Scanner
from pulse_radar.radar.telegram.shapes import decode_chat
from pulse_radar.radar.telegram.values import Chat

__all__ = ["walk"]

_CHATS: Final = frozenset({"chats", "left_chats"})
_ABOUT_CHAT: Final = frozenset({"id", "type", "name"})

_NO_CHATS: Final = "export a chat, or tick what chats to export in Telegram Desktop's settings of the export"


def walk(scanner: Scanner) -> Iterator[Chat]:
    """Yields the chat each time that a message of it comes next, which must then be taken or skipped.

    Raises: Fault.
    """
    scanner.begin()
    about: dict[str, bytes] = {}
    has_messages = False
    for name in scanner.members("the export"):
        has_messages |= name == "messages" or name in _CHATS
        if name in _CHATS:
            yield from _chats(scanner, name)
        else:
            yield from _member_of_chat(scanner, name, about)
    if not has_messages:
        raise Fault("there are no messages and no chats in it", scanner.offset, _NO_CHATS)
    scanner.finish()


def _chats(scanner: Scanner, section: str) -> Iterator[Chat]:
    for name in scanner.members(f"'{section}'"):
        if name == "list":
            for _ in scanner.items(f"the list of '{section}'"):
                yield from _chat(scanner)
        else:
            scanner.skip()


def _chat(scanner: Scanner) -> Iterator[Chat]:
    about: dict[str, bytes] = {}
    for name in scanner.members("a chat"):
        yield from _member_of_chat(scanner, name, about)


def _member_of_chat(scanner: Scanner, name: str, about: dict[str, bytes]) -> Iterator[Chat]:
    """Go past a member: note it when it is `about` the chat, stop at each message when it is them."""
    if name in _ABOUT_CHAT:
        about[name] = scanner.take()
    elif name == "messages":
        chat = _identify(scanner, about)
        for _ in scanner.items("'messages'"):
            yield chat
    else:
        scanner.skip()


def _identify(scanner: Scanner, about: dict[str, bytes]) -> Chat:
    # Telegram Desktop writes name, type and id before the messages. A tool that sorts names puts type after
    # them; a name alone is not looked for, for saved messages have none.
    known = about if {"id", "type"} <= about.keys() else _look_ahead(scanner) | about
    if "id" not in known:
        raise Fault("a chat has no id", scanner.offset, NOT_THE_SHAPE)
    try:
        raw = decode_chat(known)
    except ValueError as error:  # all of msgspec's errors
        problem = f"the id, type or name of a chat is not as it should be: {error}"
        raise Fault(problem, scanner.offset, NOT_THE_SHAPE) from None
    return Chat(raw.id, raw.type or None, raw.name or None)


def _look_ahead(scanner: Scanner) -> dict[str, bytes]:
    """What is said of the chat after its messages. Cost: the messages are read twice, and not kept."""
    place = scanner.mark()
    if place is None:
        return {}
    about: dict[str, bytes] = {}
    try:
        scanner.skip()
        for name in scanner.further_members():
            if name in _ABOUT_CHAT:
                about[name] = scanner.take()
            else:
                scanner.skip()
    except Fault:
        pass  # it will be met again, after the messages before it
    scanner.return_to(place)
    return about
