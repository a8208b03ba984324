"""The two texts of the query: `topics=messages,monitoring/3f9c` and `lastSeq=messages:142`."""

from collections.abc import Iterator, Mapping

import msgspec

from pulse_radar.errors import InvalidCursor, InvalidKey, UsageError
from pulse_radar.protocol.frames import ErrorCode, ErrorFrame
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


class Cursor(msgspec.Struct, frozen=True):
    """Where a client stands: the last sequence it processed, per feed."""

    positions: Mapping[Feed, int] = {}

    def of(self, feed: Feed) -> int | None:
        """The position for this feed; a topic's position serves its keys where no keyed one is given."""
        position = self.positions.get(feed)
        return self.positions.get(feed.whole) if position is None else position


def parse_topics(text: str) -> tuple[tuple[Feed, ...], tuple[ErrorFrame, ...]]:
    """The feeds asked for, in order and once each, and a refusal for each item that is none."""
    feeds: dict[Feed, None] = {}
    refused: list[ErrorFrame] = []
    for item in _items(text):
        try:
            feeds[Feed.parse(item)] = None
        except UsageError as error:
            refused.append(refusal(error, item))
    return tuple(feeds), tuple(refused)


def parse_cursor(text: str) -> tuple[Cursor, tuple[ErrorFrame, ...]]:
    """The positions given, the last one where a feed is named twice, and a refusal for each bad item."""
    positions: dict[Feed, int] = {}
    refused: list[ErrorFrame] = []
    for item in _items(text):
        try:
            feed, sequence = _parse_position(item)
            positions[feed] = sequence
        except UsageError as error:
            refused.append(refusal(error, item))
    return Cursor(positions), tuple(refused)


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
