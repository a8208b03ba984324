"""The cursor of a reader that keeps none itself, moved by each frame that it is sent."""

from typing import assert_never

from pulse_radar.protocol.cursor import format_position
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

__all__ = ["Bookmark"]


class Bookmark:
    """Where a reader stands after the last frame it was sent, as the text of a cursor.

    Cost: each text is joined from the items of all feeds, which are written when they change.
    """

    def __init__(self) -> None:
        self._followed: tuple[Feed, ...] = ()
        # Those of state topics among them.
        self._states: tuple[Feed, ...] = ()
        # Each feed's item of the cursor, as it is written.
        self._items: dict[Feed, bytes] = {}

    @property
    def text(self) -> bytes:
        """The cursor. Never empty while a state is followed: who has none comes back with what its address says.

        So does who has had nothing of "the last n" yet, which is what its address says.
        """
        return b",".join(self._items.values() or (_item(feed, 0) for feed in self._states))

    def move(self, frame: ServerFrame | UnknownFrame) -> bool:
        """Heed a frame; answer whether it can have changed the cursor."""
        match frame:
            case EventFrame(topic=topic, key=key, sequence=sequence):
                self._set(Feed.of_event(self._followed, topic, key), sequence)
            case Subscribed(feed, sequence) | GapFrame(feed=feed, last=sequence):
                self._set(feed, sequence)
            case SnapshotFrame(feed) | Unsubscribed(feed):
                self._items.pop(feed, None)
            case Connected(topics=followed, last_seq=positions, state_topics=states):
                self._followed = followed
                self._states = tuple(feed for feed in followed if feed.topic in states)
                self._set_all(positions)
            case Ping(last_seq=positions) if positions:
                self._set_all(positions)
            case Ping() | Pong() | AuthAccepted() | ErrorFrame() | UnknownFrame():
                return False
            case _:
                assert_never(frame)
        return True

    def __repr__(self) -> str:
        return f"<Bookmark {self.text.decode()}>"

    def _set_all(self, positions: dict[Feed, int]) -> None:
        for feed, sequence in positions.items():
            self._set(feed, sequence)

    def _set(self, feed: Feed, sequence: int) -> None:
        self._items[feed] = _item(feed, sequence)


def _item(feed: Feed, sequence: int) -> bytes:
    return format_position(feed, sequence).encode()
