"""Feeds that begin neither live nor at a position, which no query can say: left, and entered again there. Pure."""

from pulse_radar.client.beginning import Beginning
from pulse_radar.protocol.frames import (
    ClientFrame,
    Connected,
    EventFrame,
    GapFrame,
    ServerFrame,
    SnapshotFrame,
    Subscribe,
    Subscribed,
    UnknownFrame,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed

__all__ = ["Reentry"]


class Reentry:
    """What a greeting is answered with, and which frames are of before that."""

    def __init__(self, beginning: Beginning) -> None:
        self._beginning = beginning
        # Asked to be left: what still comes of them is not ours.
        self._leaving: set[Feed] = set()
        # Nothing of them has come since they were entered again.
        self._entering: set[Feed] = set()

    @property
    def is_done(self) -> bool:
        """Whether each feed has begun where it was asked for."""
        return not (self._leaving or self._entering)

    def greeted(self, frame: Connected) -> tuple[ClientFrame, ...]:
        """What to say to the server."""
        if self._beginning.is_live:
            return ()
        self._leaving.update(frame.topics)
        self._entering.update(frame.topics)
        after, last = self._beginning.after, self._beginning.last
        return tuple(
            asked for feed in frame.topics for asked in (Unsubscribe(feed), Subscribe(feed, after, last))
        )

    def is_ours(self, frame: ServerFrame | UnknownFrame) -> bool:
        """Whether it is of what was asked for."""
        match frame:
            case Unsubscribed(feed) if feed in self._leaving:
                self._leaving.remove(feed)
                return False
            case EventFrame(topic=topic, key=key):
                feed = Feed.of_event(self._entering, topic, key)
            case Subscribed(feed) | GapFrame(feed) | SnapshotFrame(feed):
                pass
            case _:
                return True
        if feed not in self._leaving:
            self._entering.discard(feed)
        return feed not in self._leaving

    def __repr__(self) -> str:
        return f"<Reentry, {len(self._leaving)} feeds to leave, {len(self._entering)} to enter>"
