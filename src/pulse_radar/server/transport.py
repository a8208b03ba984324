"""What the runner needs of a connection's wire, and what a wire tells back."""

import math
from collections.abc import Callable
from typing import Final, Protocol

from pulse_radar.server.allowance import Allowance
from pulse_radar.server.batch import Batch

__all__ = [
    "CONGESTED_BYTES",
    "EXTENSION",
    "LOW_WATER_BYTES",
    "SOCKET_EXTENSION",
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

# With more than this unsent a connection is slow: of a state topic it is no longer sent every change. A quarter of the
# bound beyond which it is evicted, and as much as one step of a replay.
CONGESTED_BYTES: Final = 256 * 1024


class Listener(Protocol):
    """Who is told what happens on a wire."""

    @property
    def max_frame_bytes(self) -> int:
        """The length of a message from which on it is `too_long`."""

    @property
    def allowance(self) -> Allowance:
        """The frames that may still come before they are `too_many`."""

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        """Something came: call this once, now or when others had their turn. Until then nothing more is to be read."""

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
        """The transport of a held and accepted connection. The server, and whatever awaits it, have it no more.

        Raises: OSError, where a middleware kept what was accepted to itself.
        """


class Socket(Protocol):
    """The connection under an HTTP response, where the server shows it."""

    def attend(self, transport: Transport, listener: Listener) -> None:
        """End this stream when the server ends."""

    def abort(self) -> None:
        """Drop the connection with all that is unsent."""
