"""What the hub wants done, and the list in which one turn's wishes are collected."""

import msgspec

from pulse_radar.protocol.grammar import Feed

__all__ = ["Action", "Agenda", "AwaitWritable", "Close", "Measure", "Read", "Send"]


class Send(msgspec.Struct, frozen=True):
    """Write these frames, in order, to each of these connections."""

    connections: tuple[str, ...]
    texts: tuple[bytes, ...]


class AwaitWritable(msgspec.Struct, frozen=True):
    """Tell `Writable` when this connection has sent most of what was written."""

    connection_id: str


class Close(msgspec.Struct, frozen=True):
    """Close this connection; nothing more is written to it."""

    connection_id: str
    code: int
    reason: str = ""


class Read(msgspec.Struct, frozen=True):
    """Read history from the broker; answer with this ticket."""

    ticket: int
    feed: Feed
    after: int
    limit: int


class Measure(msgspec.Struct, frozen=True):
    """Ask the broker how far this topic reaches."""

    topic: str


Action = Send | AwaitWritable | Close | Read | Measure


class Agenda:
    """The actions of one turn, in order. What goes to one connection in a row becomes one write."""

    def __init__(self) -> None:
        self._actions: list[Action] = []
        # The single connection of the send that is still growing, and its frames.
        self._to: str | None = None
        self._texts: list[bytes] = []

    def say(self, connection_id: str, text: bytes) -> None:
        """Send one frame to one connection."""
        if self._to != connection_id:
            self._flush()
            self._to = connection_id
        self._texts.append(text)

    def put(self, action: Action) -> None:
        """Do this after all that was put or said before."""
        self._flush()
        self._actions.append(action)

    def take(self) -> list[Action]:
        """All actions so far; the agenda is empty again."""
        self._flush()
        actions, self._actions = self._actions, []
        return actions

    def _flush(self) -> None:
        if self._to is not None:
            self._actions.append(Send((self._to,), tuple(self._texts)))
            self._to = None
            self._texts = []
