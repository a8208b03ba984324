"""The WebSocket protocol class for uvicorn: it lets go of a connection that an endpoint of ours wants for itself.

Taken by `uvicorn --ws pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol`; `pulse-radar serve` has it
built in. It carries every WebSocket of the server; routes other than ours see uvicorn's own behaviour, but that none of
them can hold up the end of the process.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request

from pulse_radar.server.cutoff import CLOSE_SECONDS, Cutoff
from pulse_radar.server.deflate import AGREED, is_offered
from pulse_radar.server.ending import RETRY_AFTER_SECONDS, SHUTDOWN_SECONDS
from pulse_radar.server.lean_websocket import LeanWebSocket
from pulse_radar.server.sockets import SocketPlace
from pulse_radar.server.transport import EXTENSION

__all__ = ["PulseWebSocketProtocol"]

_EXTENSIONS: Final = "Sec-WebSocket-Extensions"


class PulseWebSocketProtocol(WebSocketsSansIOProtocol):
    """uvicorn's own protocol, and the `Upgrade` of an endpoint that takes it from the scope."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cutoff = Cutoff()
        # Of the socket among those of the server, until it is let in; None where nobody counts them.
        self.place: SocketPlace | None = None
        # An endpoint of ours will take it over.
        self._is_held = False
        # The one who takes it over compresses.
        self._deflates = False

    # What an endpoint of ours uses.

    def hold(self, *, deflate: bool) -> None:
        self._is_held = True
        if not self.disconnected:
            self.transport.pause_reading()
        # Not uvicorn's, which would be this connection's own.
        self.conn.extensions = []
        self.response.headers.pop(_EXTENSIONS, None)
        self._deflates = deflate and is_offered(self.request.headers.get_all(_EXTENSIONS))
        if self._deflates:
            self.response.headers[_EXTENSIONS] = AGREED

    def hand_over(self) -> LeanWebSocket:
        self.stop_keepalive()
        self.connections.discard(self)
        lean = LeanWebSocket(
            self.transport,
            self.connections,
            self.config.timeout_graceful_shutdown,
            deflates=self._deflates,
            place=self.place,
        )
        # What uvicorn closes when the endpoint has returned.
        self.transport = _HANDED_OVER
        if self.disconnected:
            lean.connection_lost(None)
        return lean

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
            self._cutoff.close(self.transport)

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._cutoff.after(CLOSE_SECONDS, self.transport)

    def eof_received(self) -> None:
        # The loop closes the transport now, and that waits for what is unsent.
        self._cutoff.after(CLOSE_SECONDS, self.transport)

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        self._cutoff.close(self.transport)

    def shutdown(self) -> None:
        if self.handshake_initiated and not self.handshake_complete:
            self._refuse()
        else:
            super().shutdown()
        self._cutoff.after(SHUTDOWN_SECONDS, self.transport)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._cutoff.over()
        self._give_back()

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if self.transport is _HANDED_OVER:
            # It is over, and is gone with that, but for circles that only the garbage collector would find.
            self.scope["extensions"].pop(EXTENSION, None)
            self.conn.parser.close()

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept" and not self._is_held:
            # Of a route of the app's own: how many there may be is its affair.
            self._give_back()
        if self.initial_response is not None and self.close_sent:
            # uvicorn takes a refusal for a handshake left undone, and logs an error for each.
            self.handshake_complete = True

    def _give_back(self) -> None:
        if self.place is not None:
            self.place.give_back()

    def _refuse(self) -> None:
        """Refuse a handshake under way: uvicorn would answer 500, and fail when its endpoint answers, too."""
        response = self.conn.reject(HTTPStatus.SERVICE_UNAVAILABLE, "this process is about to end\n")
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        # What the endpoint still says goes nowhere.
        self.disconnected = True
        self.transport.close()


class _HandedOver:
    """What uvicorn has of a transport that it has no more."""

    def close(self) -> None:
        """It is not uvicorn's to close."""

    def is_closing(self) -> bool:
        return True


_HANDED_OVER: Final = cast(asyncio.Transport, _HandedOver())
