"""Writes an export as Telegram Desktop does, piece by piece: a gigabyte takes no more memory than a page."""

from collections.abc import Iterator
from random import Random
from typing import BinaryIO, Final

import msgspec

from pulse_radar.errors import UsageError
from pulse_radar.testing.telegram_exports.chats import ACCOUNT, LEFT, TEAM, ChatPlan, messages_of, shares
from pulse_radar.testing.telegram_exports.old import as_old
from pulse_radar.testing.telegram_exports.speech import JsonObject

__all__ = ["write_export"]

_PERSON: Final[JsonObject] = {"user_id": 5120400000, "first_name": "Sam", "last_name": "Reed"}

# What an export of an account holds beside the chats; none of it is read.
_ACCOUNT_SECTIONS: Final[JsonObject] = {
    "about": "Here is the data you requested. It is made up by a program, for tests.",
    "personal_information": {**_PERSON, "phone_number": "+44 20 7946 0000", "bio": "{[\"'}"},
    "profile_pictures": [{"date": "2024-01-01T10:00:00", "photo": "profile_pictures/photo_1.jpg"}],
    "stories": [],
    "contacts": {"about": "", "list": [{**_PERSON, "date": "2024-01-01T10:00:00"}]},
    "frequent_contacts": {"about": "", "list": [{"id": 411200300, "category": "people", "name": None}]},
    "sessions": {"about": "", "list": [{"last_ip": "192.0.2.7", "application_name": "Telegram Desktop"}]},
    "web_sessions": {"about": "", "list": []},
    "other_data": {"drafts": [{"chat": "Pulse team", "text": "not sent"}], "help": {"nested": [[[]]]}},
}


def write_export(
    out: BinaryIO, *, messages: int, seed: int = 0, full: bool = False, old: bool = False
) -> None:
    """Write an export of `messages` messages; the same arguments write the same bytes.

    One chat, or with `full` an account of several; with `old` as Telegram Desktop wrote until about 2021. From
    some 400 messages on (2,000 with `full`) every shape occurs that an export of that sort can hold.

    Cost: constant memory; about 35,000 messages (19 MB) a second.
    Raises: UsageError for less than no messages.
    """
    if messages < 0:
        raise UsageError(f"messages is {messages}, it must be at least 0")
    random = Random(seed)  # noqa: S311 - it shall be the same each time
    if full:
        out.writelines(_account(messages, seed, random, old=old))
    else:
        out.writelines(_chat(TEAM.of_seed(seed), messages, random, depth=0, old=old))
    out.write(b"\n")


def _account(messages: int, seed: int, random: Random, *, old: bool) -> Iterator[bytes]:
    counts = shares(ACCOUNT + LEFT, messages)
    chats, left = (tuple(plan.of_seed(seed) for plan in plans) for plans in (ACCOUNT, LEFT))
    yield _json(_ACCOUNT_SECTIONS, 0)[:-2]
    yield from _chats("chats", chats, counts, random, old=old)
    yield from _chats("left_chats", left, counts[len(chats) :], random, old=old)
    yield b"\n}"


def _chats(
    section: str, plans: tuple[ChatPlan, ...], counts: list[int], random: Random, *, old: bool
) -> Iterator[bytes]:
    yield b',\n "%b": {\n  "about": "",\n  "list": [' % section.encode()
    for number, (plan, count) in enumerate(zip(plans, counts, strict=False)):
        yield b",\n   " if number else b"\n   "
        yield from _chat(plan, count, random, depth=3, old=old)
    yield b"\n  ]\n }"


def _chat(plan: ChatPlan, count: int, random: Random, *, depth: int, old: bool) -> Iterator[bytes]:
    outside = b"\n" + b" " * depth
    yield _json(plan.about(), depth)[: -len(outside) - 1]
    yield b"," + outside + b' "messages": ['
    for number, message in enumerate(messages_of(plan, count, random)):
        yield (b"," if number else b"") + outside + b"  "
        yield _json(as_old(message) if old else message, depth + 2)
    yield outside + b" ]" + outside + b"}"


def _json(value: JsonObject, depth: int) -> bytes:
    """JSON indented by a blank for each level, as it stands `depth` levels deep."""
    json = msgspec.json.format(msgspec.json.encode(value), indent=1)
    return json.replace(b"\n", b"\n" + b" " * depth)
