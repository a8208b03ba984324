"""What to follow and where to begin, as people write it: pure."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pulse_radar.errors import InvalidCursor
from pulse_radar.protocol.cursor import parse_positions, parse_sequence
from pulse_radar.protocol.grammar import Feed

__all__ = ["Beginning", "parse_beginning", "parse_feeds"]


class Beginning(msgspec.Struct, frozen=True):
    """Where to begin in a feed without a position: after one, or with the `last` newest events. Neither: live."""

    after: int | None = None
    last: int | None = None

    @property
    def is_live(self) -> bool:
        return self.after is None and self.last is None


def parse_feeds(topics: Iterable[str] | str | None) -> tuple[Feed, ...]:
    """The feeds that are named, once each; none means all. Raises: InvalidTopic, InvalidKey."""
    texts = [topics] if isinstance(topics, str) else topics or ()
    return tuple(dict.fromkeys(Feed.parse(item) for text in texts for item in text.split(",")))


def parse_beginning(
    feeds: Sequence[Feed], after: str | int | None, last: int | None
) -> tuple[Beginning, Mapping[Feed, int]]:
    """Where each feed begins that has no position, and the positions of those that have. Raises: InvalidCursor."""
    if last is not None and (after is not None or last < 0):
        raise InvalidCursor("begin after a position, or with the newest events, of which 0 or more: not both")
    if after is None or after == "":
        return Beginning(last=last), {}
    text = str(after)
    if ":" in text:
        return Beginning(), parse_positions(text)
    position = parse_sequence(text, text)
    if position != 0 and len(feeds) != 1:
        raise InvalidCursor(
            f"{position} is a position in one topic: follow that one only, or write topic:{position} for each"
        )
    # Where topics are not named nobody knows them yet.
    return Beginning(after=None if feeds else position), dict.fromkeys(feeds, position)
