"""Where a follower is in each topic, and what it asks a server for: pure, told frames, answering frames."""

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

import msgspec

from pulse_radar.protocol.cursor import format_cursor
from pulse_radar.protocol.frames import (
    ClientFrame,
    Connected,
    ErrorFrame,
    EventFrame,
    GapFrame,
    Ping,
    Pong,
    ServerFrame,
    Subscribe,
    Subscribed,
    UnknownFrame,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed

__all__ = ["Beginning", "Following", "Heeded"]


class Beginning(msgspec.Struct, frozen=True):
    """Where to begin in every topic: after a position, or with the `last` newest events. Neither: live."""

    after: int | None = None
    last: int | None = None

    @property
    def is_live(self) -> bool:
        return self.after is None and self.last is None


class Heeded(msgspec.Struct, frozen=True):
    """What a frame leads to: whether it is to be shown, and what is answered."""

    is_shown: bool = False
    replies: tuple[ClientFrame, ...] = ()


class Following:
    """The feeds, and the position up to which each was shown; survives any number of connections.

    A server begins live where no cursor is given. To begin elsewhere in topics whose names only the server knows,
    each feed is left and entered again, and what comes in between is not ours yet.
    """

    def __init__(self, feeds: Iterable[Feed], positions: Mapping[Feed, int], beginning: Beginning) -> None:
        self.positions: dict[Feed, int] = dict(positions)
        self._feeds = tuple(feeds)
        self._beginning = beginning
        # Left, and not yet entered again.
        self._left: set[Feed] = set()
        # As the server names them; of this connection.
        self._refused: set[str | None] = set()

    @property
    def query(self) -> str:
        """The query of the address to connect to: what is followed, and where to go on."""
        asked = {"topics": ",".join(map(str, self._feeds)), "lastSeq": format_cursor(self.positions)}
        return urlencode({name: text for name, text in asked.items() if text}, safe=",:/=")

    @property
    def is_refused(self) -> bool:
        """Whether nothing is followed, because the server refused all that was asked for."""
        return bool(self._feeds) and self._refused >= {str(feed) for feed in self._feeds}

    def heed(self, frame: ServerFrame | UnknownFrame) -> Heeded:
        match frame:
            case EventFrame():
                return self._advance(self._feed_of(frame), frame.sequence)
            case GapFrame(feed, _, last):
                return self._advance(feed, last)
            case Ping(_, last_seq):
                self.positions.update(last_seq)
                return Heeded(replies=(Pong(),))
            case Connected(topics=feeds):
                return self._begin(frame, feeds)
            case Subscribed(feed, sequence):
                if feed not in self._left:
                    self.positions[feed] = sequence
            case Unsubscribed(feed):
                self._left.discard(feed)
            case ErrorFrame(topic=topic):
                self._refused.add(topic)
            case _:
                pass
        return Heeded()

    def _begin(self, frame: Connected, feeds: Iterable[Feed]) -> Heeded:
        self._left.clear()
        self._refused.clear()
        replies: list[ClientFrame] = []
        for feed in feeds:
            if feed in self.positions:
                continue
            if self._beginning.is_live:
                self.positions.update({feed: frame.last_seq[feed]} if feed in frame.last_seq else {})
            else:
                self._left.add(feed)
                replies += [Unsubscribe(feed), Subscribe(feed, self._beginning.after, self._beginning.last)]
        return Heeded(replies=tuple(replies))

    def _advance(self, feed: Feed, position: int) -> Heeded:
        if feed in self._left:
            return Heeded()
        self.positions[feed] = position
        return Heeded(is_shown=True)

    def _feed_of(self, event: EventFrame) -> Feed:
        keyed = Feed(event.topic, event.key)
        return keyed if keyed in self._feeds else keyed.whole

    def __repr__(self) -> str:
        return f"<Following {format_cursor(self.positions) or 'from now on'}>"
