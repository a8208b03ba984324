"""The texts of the query: `topics=messages,monitoring/3f9c`, `lastSeq=messages:142` and `last=monitoring/3f9c:50`."""

import functools
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from pulse_radar.errors import InvalidCursor, InvalidKey, UsageError
from pulse_radar.protocol.frames import ErrorCode, ErrorFrame, Subscribe
from pulse_radar.protocol.grammar import Feed, check_sequence

__all__ = [
    "Cursor",
    "format_cursor",
    "format_position",
    "parse_cursor",
    "parse_positions",
    "parse_sequence",
    "parse_topics",
    "refusal",
]

# What was asked for is kept of so many texts of this length at most.
_KEPT_TEXTS: Final = 1_024
_KEPT_LENGTH: Final = 512


class Cursor(msgspec.Struct, frozen=True):
    """Where a client stands: the last sequence it processed, per feed.

    `newest`: with how many of the newest events it begins a feed of which it knows no position.
    """

    positions: Mapping[Feed, int] = {}
    newest: Mapping[Feed, int] = {}

    def of(self, feed: Feed) -> int | None:
        """The position for this feed; a topic's position serves its keys where no keyed one is given."""
        return _serving(feed, self.positions)

    def request(self, feed: Feed) -> Subscribe:
        """The frame that would ask for this feed: a client that comes back has had its newest events."""
        after = self.of(feed)
        return Subscribe(feed, after, _serving(feed, self.newest) if after is None else None)


def parse_topics(text: str) -> tuple[tuple[Feed, ...], tuple[ErrorFrame, ...]]:
    """The feeds asked for, in order and once each, and a refusal for each item that is none."""
    # Whoever looks at the same page asks for the same.
    return _parsed_topics(text) if len(text) <= _KEPT_LENGTH else _parse_topics(text)


def _parse_topics(text: str) -> tuple[tuple[Feed, ...], tuple[ErrorFrame, ...]]:
    feeds: dict[Feed, None] = {}
    refused: list[ErrorFrame] = []
    for item in _items(text):
        try:
            feeds[Feed.parse(item)] = None
        except UsageError as error:
            refused.append(refusal(error, item))
    return tuple(feeds), tuple(refused)


_parsed_topics: Final = functools.lru_cache(_KEPT_TEXTS)(_parse_topics)


def parse_cursor(last_seq: str, last: str = "") -> tuple[Cursor, tuple[ErrorFrame, ...]]:
    """What is given for each feed, the last of it where one is named twice, and a refusal for each bad item."""
    refused: list[ErrorFrame] = []
    positions, newest = (_parse_numbers(text, refused) for text in (last_seq, last))
    return Cursor(positions, newest), tuple(refused)


def parse_positions(text: str) -> dict[Feed, int]:
    """The same positions. Raises: InvalidCursor, InvalidTopic or InvalidKey, at the first bad item."""
    return dict(map(_parse_position, _items(text)))


def format_cursor(positions: Mapping[Feed, int]) -> str:
    """The text of `lastSeq` for these positions."""
    return ",".join(format_position(feed, sequence) for feed, sequence in positions.items())


def format_position(feed: Feed, sequence: int) -> str:
    """One item of that text."""
    return f"{feed}:{sequence}"


def parse_sequence(digits: str, item: str) -> int:
    """The sequence that `digits` spell. Raises: InvalidCursor, naming `item`."""
    # 16 digits hold 2^53; int() of a million digits would take its time.
    if digits.isascii() and digits.isdigit() and len(digits) <= 16:
        try:
            return check_sequence(int(digits))
        except ValueError:
            pass
    raise _invalid(item)


def refusal(error: UsageError, topic: str | None = None) -> ErrorFrame:
    """The frame that tells a client why what it asked for was refused."""
    match error:
        case InvalidCursor():
            code = ErrorCode.INVALID_CURSOR
        case InvalidKey():
            code = ErrorCode.INVALID_KEY
        case _:
            code = ErrorCode.INVALID_TOPIC
    # Half of a surrogate pair is no text that a frame could carry.
    return ErrorFrame(code, str(error), topic and topic[:200].encode(errors="replace").decode())


def _parse_numbers(text: str, refused: list[ErrorFrame]) -> dict[Feed, int]:
    numbers: dict[Feed, int] = {}
    for item in _items(text):
        try:
            feed, number = _parse_position(item)
            numbers[feed] = number
        except UsageError as error:
            refused.append(refusal(error, item))
    return numbers


def _serving(feed: Feed, numbers: Mapping[Feed, int]) -> int | None:
    """The number for this feed, else that of its topic."""
    number = numbers.get(feed)
    return numbers.get(feed.whole) if number is None else number


def _parse_position(item: str) -> tuple[Feed, int]:
    # The last colon: keys may hold colons, sequences never do.
    name, colon, digits = item.rpartition(":")
    if not colon:
        raise _invalid(item)
    return Feed.parse(name), parse_sequence(digits, item)


def _invalid(item: str) -> InvalidCursor:
    return InvalidCursor(f"invalid cursor {item[:80]!a}: it reads topic:sequence or topic/key:sequence")


def _items(text: str) -> Iterator[str]:
    return (item.strip() for item in text.split(",") if item.strip())
