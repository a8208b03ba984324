"""One WebSocket of a client: websockets' sans-I/O core on a wire."""

from collections.abc import Callable
from typing import Final

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import State
from websockets.uri import parse_uri

from pulse_radar.testing.fire.follower import Unreadable
from pulse_radar.testing.fire.wire import LOST, OVERLOAD, UNREADABLE, Ended, Hear, Wire

__all__ = ["WebSocket"]

# An event of the run has at most some hundreds of thousands.
_MAX_FRAME_BYTES: Final = 4 * 1024 * 1024


class WebSocket(Wire):
    """Tells `hear` each text frame and sends what it answers."""

    def __init__(self, url: str, hear: Hear, silence: Callable[[], float]) -> None:
        super().__init__(hear, silence)
        self._core = ClientProtocol(parse_uri(url), max_size=_MAX_FRAME_BYTES)
        self._message = bytearray()

    # What the event loop calls.

    def data_received(self, data: bytes) -> None:
        self._core.receive_data(data)
        self._flush()
        for event in self._core.events_received():
            if self.ended.done():
                return
            if isinstance(event, Frame):
                self._frame(event)
            elif isinstance(event, Response):
                self._heard()
        if self._core.handshake_exc is not None:
            self._end(_refused(self._core.handshake_exc))
        elif self._core.state is not State.CONNECTING and self._core.close_expected():
            self._end(self._closed())

    def eof_received(self) -> None:
        self._core.receive_eof()

    # What a wire must know.

    def _begin(self) -> None:
        self._core.send_request(self._core.connect())
        self._flush()

    def _farewell(self) -> bool:
        if self._core.state is not State.OPEN:
            return False
        self._core.send_close(1000)
        self._flush()
        return True

    def _answer(self, text: str) -> None:
        if self._core.state is State.OPEN:
            self._core.send_text(text.encode())
            self._flush()

    def _closed(self) -> Ended:
        """What the core says about the end: the server's close frame, or what was wrong with its frames."""
        received, sent = self._core.close_rcvd, self._core.close_sent
        if received is not None:
            return Ended(received.code, received.reason)
        error = self._core.parser_exc
        if sent is not None and error is not None and not isinstance(error, EOFError):
            return Ended(sent.code, stop=f"the server's frames: {error!r}")
        return Ended(LOST)

    # What we do about it.

    def _frame(self, frame: Frame) -> None:
        self._heard()
        if frame.opcode is Opcode.BINARY:
            self._end(Ended(UNREADABLE, stop="a binary frame"))
        elif frame.opcode in (Opcode.TEXT, Opcode.CONT):
            self._message += frame.data
            if frame.fin:
                text, self._message = bytes(self._message), bytearray()
                self._read(text)

    def _read(self, text: bytes) -> None:
        try:
            self._tell(text)
        except Unreadable as error:
            self._core.fail(UNREADABLE)
            self._flush()
            self._end(Ended(UNREADABLE, stop=str(error)))

    def _flush(self) -> None:
        for data in self._core.data_to_send():
            if data and not self._transport.is_closing():
                self._transport.write(data)


def _refused(error: Exception) -> Ended:
    if isinstance(error, InvalidStatus) and error.response.status_code == OVERLOAD:
        return Ended(LOST, "503")
    if isinstance(error, InvalidHandshake) and not isinstance(error.__cause__, EOFError):
        return Ended(LOST, stop=f"the handshake: {error!r}")
    # The connection was lost before its end.
    return Ended(LOST)
