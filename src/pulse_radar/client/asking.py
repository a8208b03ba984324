"""How a server is asked for many feeds: as many as fit into the query, the others by frames, a few at a time. Pure."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

from pulse_radar.protocol.cursor import format_cursor
from pulse_radar.protocol.grammar import Feed

__all__ = ["QUERY_LENGTH", "Asking", "uncovered"]

# A request line may have 4 KiB, and a path and a prefix want their part of it.
QUERY_LENGTH: Final = 3_400

# A position and the signs around it and its feed.
_POSITION_LENGTH: Final = 20

# A server that looks up each permission keeps 256 frames in line: a feed is asked for when another one is there.
_ASKED_AT_ONCE: Final = 32


class Asking:
    """What is asked for, and what is still to be. `feeds`: none means all topics."""

    def __init__(self, feeds: Sequence[Feed], query_length: int) -> None:
        self._query_length = query_length
        self._in_query = _fitting(feeds, query_length)
        self._beyond_query = feeds[len(self._in_query) :]
        # To be asked for by frames, and asked for but not there yet.
        self._unasked: deque[Feed] = deque()
        self._asked: set[Feed] = set()

    def query(self, positions: Mapping[Feed, int]) -> str:
        """The query of the address to connect to, with the positions that fit into it."""
        named = self._in_query or _fitting(list(positions), self._query_length)
        cursor = format_cursor({feed: positions[feed] for feed in named if feed in positions})
        asked = {"topics": ",".join(map(str, self._in_query)), "lastSeq": cursor}
        return urlencode({name: text for name, text in asked.items() if text}, safe=",:/=")

    def begin(self, again: Iterable[Feed]) -> None:
        """A connection begins: asked for by frames are these, and what had no room in the query."""
        self._asked.clear()
        self._unasked = deque((*again, *self._beyond_query))

    def due(self) -> Iterator[Feed]:
        """What to ask for now: as much as may be under way."""
        while self._unasked and len(self._asked) < _ASKED_AT_ONCE:
            feed = self._unasked.popleft()
            self._asked.add(feed)
            yield feed

    def arrived(self, feed: Feed) -> None:
        """The server serves it: there is room for another one."""
        self._asked.discard(feed)

    def __repr__(self) -> str:
        return f"<Asking, {len(self._unasked)} feeds to ask for, {len(self._asked)} asked for>"


def uncovered(feeds: Iterable[Feed]) -> list[Feed]:
    """The feeds, once each, without keys whose whole topic is among them: a connection cannot follow both."""
    wanted = dict.fromkeys(feeds)
    return [feed for feed in wanted if feed.key is None or feed.whole not in wanted]


def _fitting(feeds: Sequence[Feed], length: int) -> Sequence[Feed]:
    """The first feeds, as many as fit into a query of this length with their positions."""
    free = length
    for count, feed in enumerate(feeds):
        free -= 2 * len(str(feed)) + _POSITION_LENGTH
        if free < 0:
            return feeds[:count]
    return feeds
