"""What the runner needs of a connection's wire, and what a wire tells back."""

import functools
import math
from collections.abc import Sequence
from typing import Final, Protocol

from pulse_radar.protocol.codec import FRAME_SEPARATOR
from pulse_radar.protocol.event_stream import Block
from pulse_radar.server.allowance import Allowance
from pulse_radar.server.deflate import deflated
from pulse_radar.server.websocket_frames import DEFLATED, TEXT, frame, header

__all__ = [
    "CONGESTED_BYTES",
    "EXTENSION",
    "LOW_WATER_BYTES",
    "SOCKET_EXTENSION",
    "Batch",
    "Listener",
    "Socket",
    "Transport",
    "Upgrade",
]

# Where an endpoint finds the `Upgrade` that the server itself offers: scope["extensions"][EXTENSION].
EXTENSION: Final = "pulse_radar.transport"

# The same for the `Socket` under an HTTP response.
SOCKET_EXTENSION: Final = "pulse_radar.socket"

# With this much unsent or less a connection is ready for the next page of a replay.
LOW_WATER_BYTES: Final = 64 * 1024


# What was compressed is kept of so many texts of this length at most: 16 MB and what they were compressed to.
_KEPT_FRAMES: Final = 1_024
_KEPT_BYTES: Final = 16 * 1024

# With more than this unsent a connection is slow: of a state topic it is no longer sent every change. A quarter of the
# bound beyond which it is evicted, and as much as one step of a replay.
CONGESTED_BYTES: Final = 256 * 1024


class Batch:
    """Frames that go out together, to one connection or to many.

    Each representation is made once and shared by all.
    """

    __slots__ = ("_blocks", "_deflated", "_joined", "texts", "wire")

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.texts: Final = texts
        # As WebSocket frames, headers included, in one piece. An attribute, for it is read once a delivery.
        self.wire: Final = b"".join([part for text in texts for part in (header(TEXT, len(text)), text)])
        self._blocks: tuple[Block, ...] | None = None
        self._joined: Batch | None = None
        self._deflated: bytes | None = None

    def then(self, other: "Batch") -> "Batch":
        """These frames, and the others after them."""
        return Batch((*self.texts, *other.texts))

    @property
    def joined(self) -> "Batch":
        """The same frames as one message, for whoever asked for it."""
        if self._joined is None:
            self._joined = self if len(self.texts) == 1 else Batch((FRAME_SEPARATOR.join(self.texts),))
        return self._joined

    @property
    def deflated(self) -> bytes:
        """The same as `wire` for whoever reads compressed messages."""
        if self._deflated is None:
            self._deflated = b"".join(map(_deflated_frame, self.texts))
        return self._deflated

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The texts as blocks of an event stream."""
        if self._blocks is None:
            self._blocks = tuple(map(Block.of, self.texts))
        return self._blocks


def _deflated_frame(text: bytes) -> bytes:
    # An event goes out again to whoever catches up on it: once more, in another batch.
    return _kept_frame(text) if len(text) <= _KEPT_BYTES else _made_frame(text)


def _made_frame(text: bytes) -> bytes:
    payload = deflated(text)
    return frame(TEXT, text) if payload is None else frame(TEXT | DEFLATED, payload)


_kept_frame: Final = functools.lru_cache(_KEPT_FRAMES)(_made_frame)


class Listener(Protocol):
    """Who is told what happens on a wire."""

    @property
    def max_frame_bytes(self) -> int:
        """The length of a message from which on it is `too_long`."""

    @property
    def allowance(self) -> Allowance:
        """The frames that may still come before they are `too_many`."""

    def received(self, text: str | bytes) -> None:
        """A text frame came."""

    def received_binary(self) -> None:
        """A binary frame came; there are none in our protocol."""

    def too_long(self, size: int) -> None:
        """A message of so many bytes begins, or more, which are more than it may have."""

    def too_many(self) -> None:
        """More frames came than may come; of what follows nothing is told but the end."""

    def alive(self) -> None:
        """A sign of life below the frames: a protocol ping or pong."""

    def writable(self) -> None:
        """Most of what was unsent is gone."""

    def ending(self, within_seconds: float = math.inf) -> None:
        """The server ends, and gives the connection so much time."""

    def closed(self) -> None:
        """The connection is gone. Said once, and nothing after it."""


class Transport(Protocol):
    """One accepted WebSocket, or one stream of events. No method but the last waits."""

    @property
    def unsent_bytes(self) -> int:
        """Bytes that were written but not yet taken by the network."""

    def listen(self, listener: Listener) -> None:
        """Tell this listener from now on, beginning with what came before."""

    def write(self, batch: Batch) -> int:
        """Write the frames, in order; answer how much is unsent now. After `close` it does nothing."""

    def close(self, code: int, reason: str = "") -> None:
        """Close after what was written; a peer that does not take it is cut off where that is possible."""

    async def carry(self) -> None:
        """Do what somebody must while the connection lasts; where nobody must, this returns at once."""


class Upgrade(Protocol):
    """A WebSocket of a server that lets go of it."""

    def hold(self, *, deflate: bool) -> None:
        """It will be taken over: before it is accepted nothing is read.

        `deflate`: compression is agreed on where the client offers it, else no extension is.
        """

    def hand_over(self) -> Transport:
        """The transport of a held and accepted connection. The server, and whatever awaits it, have it no more."""


class Socket(Protocol):
    """The connection under an HTTP response, where the server shows it."""

    def attend(self, transport: Transport, listener: Listener) -> None:
        """End this stream when the server ends."""

    def abort(self) -> None:
        """Drop the connection with all that is unsent."""
