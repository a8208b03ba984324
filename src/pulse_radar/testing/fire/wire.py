"""One WebSocket of a client: websockets' sans-I/O core on a transport, with the client's own timer."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, cast

import msgspec
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from pulse_radar.testing.fire.follower import Unreadable

__all__ = ["Ended", "Wire"]

# An event of the run has at most some tens of thousands.
_MAX_FRAME_BYTES: Final = 4 * 1024 * 1024

_LOST: Final = 1006
_UNREADABLE: Final = 1007

# What a handshake may be refused with for a while (docs/PROTOCOL.md, "Who may connect").
_OVERLOAD: Final = 503


class Ended(msgspec.Struct, frozen=True):
    """How a connection ended. `stop` says what was so wrong that the client cannot go on by itself."""

    code: int
    reason: str = ""
    stop: str | None = None
    # The client's own port; 0 where there was no connection.
    port: int = 0


class Wire(asyncio.Protocol):
    """Tells `hear` each text frame and sends what it answers, until `ended` is done."""

    def __init__(
        self, url: str, hear: Callable[[bytes, int], str | None], silence: Callable[[], float]
    ) -> None:
        """`hear`: told a frame and our own port. `silence`: seconds without a frame after which it is given up."""
        self._hear = hear
        self._silence = silence
        self._loop = asyncio.get_running_loop()
        self._core = ClientProtocol(parse_uri(url), max_size=_MAX_FRAME_BYTES)
        self._transport: asyncio.Transport
        self._message = bytearray()
        self._heard_at = time.monotonic()
        self._timer: asyncio.TimerHandle | None = None
        # The silence that the timer waits for.
        self._patience = 0.0
        self.port = 0
        self.ended: asyncio.Future[Ended] = self._loop.create_future()

    def hang_up(self, *, politely: bool) -> None:
        """End it from our side: with a close frame, or as a page that is gone."""
        if self.ended.done():
            return
        if politely and self._core.state is State.OPEN:
            self._core.send_close(1000)
            self._flush()
            self._transport.close()
        else:
            self._transport.abort()
        self._end(Ended(_LOST, "hung up"))

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's is one, though not by its class.
        self._transport = cast(asyncio.Transport, transport)
        self.port = transport.get_extra_info("sockname")[1]
        self._core.send_request(self._core.connect())
        self._flush()
        self._watch()

    def data_received(self, data: bytes) -> None:
        self._core.receive_data(data)
        self._flush()
        for event in self._core.events_received():
            if self.ended.done():
                return
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Response):
                self._heard_at = time.monotonic()
        if self._core.handshake_exc is not None:
            self._end(_refused(self._core.handshake_exc))
        elif self._core.state is not State.CONNECTING and self._core.close_expected():
            self._end(self._closed())

    def eof_received(self) -> None:
        self._core.receive_eof()

    def connection_lost(self, error: Exception | None) -> None:
        self._end(self._closed())

    # What we do about it.

    def _frame(self, frame: Frame) -> None:
        self._heard_at = time.monotonic()
        if frame.opcode is Opcode.BINARY:
            self._end(Ended(_UNREADABLE, stop="a binary frame"))
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._message += frame.data
            if frame.fin:
                text, self._message = bytes(self._message), bytearray()
                self._tell(text)

    def _tell(self, text: bytes) -> None:
        try:
            answer = self._hear(text, self.port)
        except Unreadable as error:
            self._core.fail(_UNREADABLE)
            self._flush()
            self._end(Ended(_UNREADABLE, stop=str(error)))
            return
        if self._silence() != self._patience and self._timer is not None:
            # The greeting has just said how long a silence may be.
            self._timer.cancel()
            self._watch()
        if answer is not None and self._core.state is State.OPEN:
            self._core.send_text(answer.encode())
            self._flush()

    def _flush(self) -> None:
        for data in self._core.data_to_send():
            if data and not self._transport.is_closing():
                self._transport.write(data)

    def _closed(self) -> Ended:
        """What the core says about the end: the server's close frame, or what was wrong with its frames."""
        received, sent = self._core.close_rcvd, self._core.close_sent
        if received is not None:
            return Ended(received.code, received.reason)
        error = self._core.parser_exc
        if sent is not None and error is not None and not isinstance(error, EOFError):
            return Ended(sent.code, stop=f"the server's frames: {error!r}")
        return Ended(_LOST)

    def _end(self, ended: Ended) -> None:
        if not self.ended.done():
            self.ended.set_result(msgspec.structs.replace(ended, port=self.port))
        if self._timer is not None:
            self._timer.cancel()
        # With what is still to be sent, a close frame: the far side may be dead, and nobody waits for it.
        self._transport.close()

    def _watch(self) -> None:
        self._patience = self._silence()
        due = self._heard_at + self._patience
        if time.monotonic() >= due:
            # Not close(): a dead side would never take what is unsent.
            self._transport.abort()
            self._end(Ended(_LOST, "silence"))
        else:
            self._timer = self._loop.call_later(due - time.monotonic() + 0.01, self._watch)

    def __repr__(self) -> str:
        return f"<Wire from {self.port}, {self._core.state.name.lower()}>"


def _refused(error: Exception) -> Ended:
    if isinstance(error, InvalidStatus) and error.response.status_code == _OVERLOAD:
        return Ended(_LOST, "503")
    if isinstance(error, InvalidHandshake) and not isinstance(error.__cause__, EOFError):
        return Ended(_LOST, stop=f"the handshake: {error!r}")
    # The connection was lost before its end.
    return Ended(_LOST)
