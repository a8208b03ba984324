"""A WebSocket that nothing but the event loop carries: no task, no parser of requests, no scope.

It takes over when the handshake is done. What is left of a connection is this object and the loop's transport, and
writing to it is one call of the loop.
"""

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any, Final

from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server.allowance import NO_FRAMES, Allowance
from pulse_radar.server.batch import Batch
from pulse_radar.server.cutoff import CLOSE_SECONDS, Cutoff
from pulse_radar.server.ending import SHUTDOWN_SECONDS, end
from pulse_radar.server.sockets import SocketPlace
from pulse_radar.server.transport import CONGESTED_BYTES, LOW_WATER_BYTES, Listener
from pulse_radar.server.websocket_frames import (
    PONG,
    Binary,
    ClientFrames,
    Closing,
    Pinged,
    Ponged,
    Said,
    Text,
    TooLong,
    Violation,
    close_frame,
    frame,
)

__all__ = ["LeanWebSocket"]

# So many frames of one client are heeded before others have their turn: a millisecond's worth.
_FRAMES_A_TURN: Final = 8

_NOTHING: Final[Iterator[Said | None]] = iter(())


class LeanWebSocket(asyncio.Protocol):
    """One upgraded connection; a `Transport`. To uvicorn it is one of its connections, which it asks to shut down."""

    __slots__ = (
        "_answer",
        "_connections",
        "_cutoff",
        "_deflates",
        "_early",
        "_farewell",
        "_fileno",
        "_frames",
        "_has_ended",
        "_is_clear",
        "_is_deaf",
        "_is_mute",
        "_is_paused",
        "_is_waiting",
        "_listener",
        "_patience_seconds",
        "_place",
        "_said",
        "_transport",
    )

    def __init__(
        self,
        transport: asyncio.Transport,
        connections: set[Any],
        patience_seconds: float | None,
        *,
        answer: bytes = b"",
        early: bytes = b"",
        deflates: bool = False,
        place: SocketPlace | None = None,
    ) -> None:
        """`connections`: those that uvicorn waits for before it ends, and `patience_seconds` how long it does.

        `answer`: to its handshake, which is not written yet. `early`: what it said before it had that. `deflates`: it
        was agreed that messages may be compressed. `place`: of its socket, until it is let in.
        """
        self._transport = transport
        self._connections = connections
        self._patience_seconds = patience_seconds
        self._place = place
        self._listener: Listener | None = None
        self._answer = answer
        self._early = early
        self._deflates = deflates
        self._frames = ClientFrames(takes_deflated=deflates)
        # Nothing is written any more: a close frame was, or the connection is closing.
        self._is_mute = transport.is_closing()
        # Where bytes go that need not wait; -1 where only the loop may write.
        self._fileno = _fileno(transport)
        # Nothing waits in the loop's own buffer, so that a write may go past it.
        self._is_clear = False
        # It said too much: among so many more frames its answer to our close may be found.
        self._farewell: Allowance | None = None
        # What still comes is thrown away unread, until it closes or is cut off.
        self._is_deaf = False
        # What came and was not heard yet; while there is any, its turn is waited for.
        self._said: Iterator[Said | None] = _NOTHING
        self._is_waiting = False
        # Nothing more is read until then.
        self._is_paused = False
        # The connection is gone.
        self._has_ended = False
        self._cutoff = Cutoff()
        connections.add(self)
        transport.set_protocol(self)

    # What a transport does.

    @property
    def unsent_bytes(self) -> int:
        return 0 if self._has_ended else self._transport.get_write_buffer_size()

    def listen(self, listener: Listener) -> None:
        self._listener = listener
        if self._place is not None and not self._is_mute:
            # It was let in, and has a place among the connections; one that is turned away is closed by now.
            self._place.give_back()
        if self._has_ended:
            listener.closed()
        elif not self._transport.is_closing():
            # Above the low-water mark writing is paused, so that its end is told by resume_writing.
            self._transport.set_write_buffer_limits(high=LOW_WATER_BYTES)
            self._transport.resume_reading()
            # In this turn it is greeted, and has both in one write, unless that has to wait.
            asyncio.get_running_loop().call_soon(self._open)
            if self._early:
                early, self._early = self._early, b""
                self.data_received(early)

    def write(self, batch: Batch) -> int:
        if self._is_mute:
            return 0
        wire = batch.deflated if self._deflates else batch.wire
        if not self._is_clear:
            return self._write_in_line(wire)
        try:
            sent = os.write(self._fileno, wire)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._is_mute = True
            self._transport.abort()
            return 0
        if sent == len(wire):
            return 0
        return self._write_in_line(memoryview(wire)[sent:])

    def close(self, code: int, reason: str = "") -> None:
        # Whatever else has happened to it, it ends.
        self._cutoff.after(CLOSE_SECONDS, self._transport)
        if not self._is_mute:
            self._write_in_line(close_frame(code, reason))
            self._is_mute = True

    async def carry(self) -> None:
        """The loop does."""

    # What the event loop and uvicorn call.

    def data_received(self, data: bytes) -> None:
        listener = self._listener
        assert listener is not None, "it is not read before somebody listens"
        if self._is_deaf:
            return
        said = self._frames.feed(data, listener.max_frame_bytes)
        if self._is_waiting:
            self._said = chain(self._said, said)
            return
        self._said, self._is_waiting = said, True
        listener.hear_in_turn(self._hear)
        if self._is_waiting:
            self._pause(listener)

    def eof_received(self) -> None:
        # The loop closes the transport now, and that waits for what is unsent.
        self._is_mute = True
        self._cutoff.after(CLOSE_SECONDS, self._transport)

    def resume_writing(self) -> None:
        if self._listener is not None:
            self._listener.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_mute = self._has_ended = True
        self._connections.discard(self)
        self._cutoff.over()
        if self._place is not None:
            self._place.give_back()
        self._said = _NOTHING
        # Whoever listens knows us, too: so both go without the garbage collector.
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.closed()

    def shutdown(self) -> None:
        """The server ends."""
        if self._listener is None:
            self.close(CloseCode.SERVICE_RESTART)
            self._cutoff.after(SHUTDOWN_SECONDS, self._transport)
            return
        seconds = end(self, self._listener, self._patience_seconds)
        if seconds is not None:
            self._cutoff.after(seconds, self._transport)

    # How.

    def _hear(self) -> None:
        """It is its turn: heed some of what came. For more it needs another one."""
        listener = self._listener
        if listener is None:
            # It went while it waited.
            return
        self._is_waiting = self._hear_some(listener)
        if self._is_waiting:
            listener.hear_in_turn(self._hear)
            return
        self._said = _NOTHING
        if self._is_paused:
            self._is_paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _hear_some(self, listener: Listener) -> bool:
        """Whether there may be more."""
        heard = 0
        try:
            for said in islice(self._said, _FRAMES_A_TURN):
                heard += 1
                if not self._may_say_more(listener):
                    self._is_deaf = True
                    return False
                if said is not None:
                    self._heed(said, listener)
        except Violation as violation:
            self.close(violation.close_code, str(violation))
            self._end_deaf()
            return False
        return heard == _FRAMES_A_TURN

    def _pause(self, listener: Listener) -> None:
        """Read no more until it was heard. What it said may be that it is there: that cannot wait."""
        listener.alive()
        if not self._transport.is_closing():
            self._is_paused = True
            self._transport.pause_reading()

    def _may_say_more(self, listener: Listener) -> bool:
        now = time.monotonic()
        if self._farewell is not None:
            return self._farewell.spend(now)
        if not listener.allowance.spend(now):
            self._farewell = NO_FRAMES.allowance(now)
            listener.too_many()
        return True

    def _heed(self, said: Said, listener: Listener) -> None:
        match said:
            case Closing(code):
                if not self._is_mute:
                    self._write_in_line(close_frame(code))
                    self._is_mute = True
                self._cutoff.close(self._transport)
            case _ if self._is_mute:
                # We closed: what it said meanwhile is not heeded.
                pass
            case Text(data):
                listener.received(data)
            case Binary():
                listener.received_binary()
            case TooLong(size):
                listener.too_long(size)
            case Pinged(data):
                self._pong(data)
                listener.alive()
            case Ponged():
                listener.alive()

    def _open(self) -> None:
        if self._answer and not self._is_mute:
            self._write_in_line(b"")

    def _pong(self, data: bytes) -> None:
        # Of the pings of who does not read a later one will be answered, as RFC 6455 allows (section 5.5.3).
        if self._transport.get_write_buffer_size() <= CONGESTED_BYTES:
            self._write_in_line(frame(PONG, data))

    def _write_in_line(self, data: bytes | memoryview) -> int:
        """Write behind all that was written; the loop keeps what the system does not take at once."""
        if self._answer:
            data, self._answer = self._answer + data, b""
        self._transport.write(data)
        unsent = self._transport.get_write_buffer_size()
        self._is_clear = unsent == 0 and self._fileno >= 0
        return unsent

    def _end_deaf(self) -> None:
        """End it, and throw away what still comes: closed at once it would be reset, and the peer never know why.

        Source: RFC 6455, section 7.1.1.
        """
        if not self._transport.can_write_eof():
            self._cutoff.close(self._transport)
            return
        self._is_deaf = True
        self._transport.write_eof()
        self._cutoff.after(CLOSE_SECONDS, self._transport)

    def __repr__(self) -> str:
        state = "ended" if self._has_ended else "closing" if self._is_mute else "open"
        return f"<LeanWebSocket {state}, {self.unsent_bytes} bytes unsent>"


def _fileno(transport: asyncio.Transport) -> int:
    """The socket's number, -1 where bytes are not written to it as they are: under TLS, and on Windows.

    A loop closes a socket after `connection_lost`, never before (uvloop and asyncio alike), so that until then the
    number is this connection's and no other's.
    """
    if sys.platform == "win32" or transport.get_extra_info("sslcontext") is not None:
        return -1
    fileno: int = transport.get_extra_info("socket").fileno()
    return fileno
