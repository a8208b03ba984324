"""The rules of a client's cursor, as the protocol document tells them: nothing else and nothing more."""

from collections import defaultdict
from collections.abc import Mapping
from typing import assert_never

from pulse_radar.protocol.frames import (
    AuthAccepted,
    Connected,
    ErrorFrame,
    EventFrame,
    GapFrame,
    Ping,
    Pong,
    ServerFrame,
    SnapshotFrame,
    Subscribed,
    UnknownFrame,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed

__all__ = ["ReferenceClient"]


class ReferenceClient:
    """Where a client stands after what it was sent, what it handed on, and what it knows it missed."""

    def __init__(self, cursor: Mapping[Feed, int]) -> None:
        self.cursor = dict(cursor)
        self.events: defaultdict[Feed, list[int]] = defaultdict(list)
        self.missed: list[GapFrame] = []
        self._followed: set[Feed] = set()

    def receive(self, frame: ServerFrame | UnknownFrame) -> None:
        match frame:
            case Connected():
                self._followed = set(frame.topics)
                self.cursor |= frame.last_seq
            case EventFrame():
                feed = self._feed_of(frame)
                self.events[feed].append(frame.sequence)
                self.cursor[feed] = frame.sequence
            case GapFrame():
                self.missed.append(frame)
                self.cursor[frame.feed] = frame.last
            case SnapshotFrame(feed):
                self.cursor.pop(feed, None)
            case Subscribed(feed, sequence):
                self._followed.add(feed)
                self.cursor[feed] = sequence
            case Unsubscribed(feed):
                self._followed.discard(feed)
                self.cursor.pop(feed, None)
            case Ping():
                self.cursor |= frame.last_seq
            case Pong() | AuthAccepted() | ErrorFrame() | UnknownFrame():
                pass
            case _:
                assert_never(frame)

    def subscribe(self, feed: Feed) -> None:
        """It asked for this feed."""
        self._followed.add(feed)

    def _feed_of(self, event: EventFrame) -> Feed:
        """A whole topic and keys of it never share a connection, so one of the two is followed."""
        whole = Feed(event.topic)
        return whole if whole in self._followed else Feed(event.topic, event.key)
