"""The WebSocket protocol class for uvicorn: writes that never wait, unsent bytes, a close that comes to an end.

Taken by `uvicorn --ws pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol`; `pulse-radar serve` has it
built in. It carries every WebSocket of the server; routes other than ours see uvicorn's own behaviour.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import Frame
from websockets.http11 import Request

from pulse_radar.server.ending import RETRY_AFTER_SECONDS, SHUTDOWN_SECONDS, end
from pulse_radar.server.transport import CONGESTED_BYTES, EXTENSION, LOW_WATER_BYTES, Batch, Listener

__all__ = ["PulseWebSocketProtocol"]

# So long a peer may take to answer our close, or to read what is still unsent, before it is cut off.
_CLOSE_SECONDS: Final = 5.0

# The header of a frame has at most so many (RFC 6455, section 5.2).
_FRAME_HEADER_BYTES: Final = 14


class PulseWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own protocol, and a `Transport` for an endpoint that takes it from the scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Whoever took the connection over; None while it is an ordinary ASGI WebSocket.
        self._listener: Listener | None = None
        # The fragments of a text message so far.
        self._message = bytearray()
        self._gone = asyncio.Event()
        self._abort_timer: asyncio.TimerHandle | None = None

    # What an endpoint of ours uses.

    @property
    def unsent_bytes(self) -> int:
        return self.transport.get_write_buffer_size()

    def listen(self, listener: Listener) -> None:
        self._listener = listener
        # Fragments of a message that began before there was anybody to read it.
        self._message = bytearray(b"".join(self.frames))
        # Above the low-water mark writing is paused, so that its end is told by resume_writing.
        self.transport.set_write_buffer_limits(high=LOW_WATER_BYTES)
        self.stop_keepalive()
        while not self.queue.empty():
            message = self.queue.get_nowait()
            if message["type"] == "websocket.receive":
                self._pass_on(message.get("text"))
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if self.disconnected:
            listener.closed()

    def write(self, batch: Batch) -> None:
        if not self.close_sent and not self.transport.is_closing():
            self.transport.write(batch.wire)

    def close(self, code: int, reason: str = "") -> None:
        # Whatever else has happened to it, it ends.
        self._abort_after(_CLOSE_SECONDS)
        if self.close_sent or self.transport.is_closing():
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            # The peer was faster.
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True

    async def wait_closed(self) -> None:
        await self._gone.wait()

    # What uvicorn and the event loop call.

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            extensions: Any = self.scope["extensions"]
            extensions[EXTENSION] = self

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # uvicorn overlooks a request that is no handshake, and would leave it open for ever.
            self.transport.write(
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
            )
            self._end()
        self._refuse_too_long()

    def handle_text(self, event: Frame) -> None:
        if self._listener is None:
            super().handle_text(event)
        else:
            self._message = bytearray()
            self._gather(self._listener, event)

    def handle_bytes(self, event: Frame) -> None:
        if self._listener is None:
            super().handle_bytes(event)
        elif not self.close_sent:
            self._listener.received_binary()

    def handle_cont(self, event: Frame) -> None:
        if self._listener is None:
            super().handle_cont(event)
        else:
            self._gather(self._listener, event)

    def _gather(self, listener: Listener, fragment: Frame) -> None:
        """Put a message together, no further than a listener would read it."""
        if self.close_sent:
            return
        self._message += fragment.data
        if fragment.fin or len(self._message) > listener.max_frame_bytes:
            listener.received(bytes(self._message))
            self._message = bytearray()

    def _refuse_too_long(self) -> None:
        """A frame that is too long is refused while it comes: it would be held whole, up to uvicorn's 16 MiB."""
        begun = self.conn.reader.buffer
        if (
            self._listener is not None
            and not self.close_sent
            and len(begun) > self._listener.max_frame_bytes + _FRAME_HEADER_BYTES
        ):
            self._listener.received(bytes(begun))

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._abort_after(_CLOSE_SECONDS)

    def eof_received(self) -> None:
        # The loop closes the transport now, and that waits for what is unsent.
        self._abort_after(_CLOSE_SECONDS)

    def _pass_on(self, text: str | bytes | None) -> None:
        assert self._listener is not None
        if text is None:
            self._listener.received_binary()
        else:
            self._listener.received(text)

    def handle_ping(self) -> None:
        if self._listener is not None and self.unsent_bytes > CONGESTED_BYTES:
            # It does not read: of its pings a later one will be answered, as RFC 6455 allows (section 5.5.3).
            self.conn.data_to_send()
        else:
            super().handle_ping()
        if self._listener is not None:
            self._listener.alive()

    def handle_pong(self, event: Frame) -> None:
        super().handle_pong(event)
        if self._listener is not None:
            self._listener.alive()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._end()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._listener is not None:
            self._listener.writable()

    def shutdown(self) -> None:
        if self._listener is None:
            if self.handshake_initiated and not self.handshake_complete:
                self._refuse()
            else:
                super().shutdown()
            self._abort_after(SHUTDOWN_SECONDS)
            return
        seconds = end(self, self._listener, self.config.timeout_graceful_shutdown)
        if seconds is not None:
            self._abort_after(seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        self._gone.set()
        if self._listener is not None:
            self._listener.closed()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if self.initial_response is not None and self.close_sent:
            # uvicorn takes a refusal for a handshake left undone, and logs an error for each.
            self.handshake_complete = True

    def _refuse(self) -> None:
        """Refuse a handshake under way: uvicorn would answer 500, and fail when its endpoint answers, too."""
        response = self.conn.reject(HTTPStatus.SERVICE_UNAVAILABLE, "this process is about to end\n")
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        # What the endpoint still says goes nowhere.
        self.disconnected = True
        self.transport.close()

    def _end(self) -> None:
        self.transport.close()
        # Closing waits for what is unsent, which this peer may never read.
        self._abort_after(_CLOSE_SECONDS)

    def _abort_after(self, seconds: float) -> None:
        due = self.loop.time() + seconds
        if self._abort_timer is not None:
            if self._abort_timer.when() <= due:
                return
            self._abort_timer.cancel()
        self._abort_timer = self.loop.call_at(due, self.transport.abort)
