"""uvicorn's own WebSocket protocol, for every WebSocket that no endpoint of ours takes over.

Routes of the app's own see uvicorn's behaviour, but that none of them can hold up the end of the process.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from pulse_radar.server.cutoff import CLOSE_SECONDS, Cutoff
from pulse_radar.server.ending import RETRY_AFTER_SECONDS, SHUTDOWN_SECONDS
from pulse_radar.server.sockets import SocketPlace

__all__ = ["MOST_EARLY_BYTES", "OrdinaryWebSocket"]

# Of what a client says before it may, so much is kept, and no more is read. Until then it is seen to leave.
MOST_EARLY_BYTES: Final = 16 * 1024


class OrdinaryWebSocket(WebSocketsSansIOProtocol):
    """A WebSocket as uvicorn carries it, from its handshake to its end."""

    def __init__(self, *args: Any, place: SocketPlace | None, **kwargs: Any) -> None:
        """`place`: of the socket among those of the server, until it is let in; None where nobody counts them."""
        super().__init__(*args, **kwargs)
        self._place = place
        self._cutoff = Cutoff()
        # What its client said before it was accepted: uvicorn fails at it.
        self._early = b""
        # Of an application that ran before.
        self._outcome: asyncio.Future[None] = self.loop.create_future()

    def go_on(self, scope: Any, head: bytes, early: bytes) -> None:
        """Carry what an application has to do with already, in this scope; it was told that somebody connects."""
        self.app = self._run_on
        self.begin(head, early)
        if self.handshake_initiated:
            self.scope = scope
            self.queue.get_nowait()
        else:
            # It was refused after all.
            self.disconnected = True

    def begin(self, head: bytes, early: bytes) -> None:
        """Read the request, and after it what has to wait for an answer."""
        self.data_received(head)
        if early:
            self.data_received(early)

    def ran(self, error: BaseException | None) -> None:
        """That application is done, or failed with this."""
        if error is None:
            self._outcome.set_result(None)
        else:
            self._outcome.set_exception(error)
            # Known to be known, also where nobody waits for it.
            self._outcome.exception()

    def data_received(self, data: bytes) -> None:
        if self.handshake_initiated and not self.handshake_complete:
            self._early += data
            if len(self._early) > MOST_EARLY_BYTES:
                self.transport.pause_reading()
            return
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

    async def send(self, message: Any) -> None:
        await super().send(message)
        if message["type"] == "websocket.accept":
            # How many there may be of the app's own routes is its affair.
            self._give_back()
            self._hear_early()
        if self.initial_response is not None and self.close_sent:
            # uvicorn takes a refusal for a handshake left undone, and logs an error for each.
            self.handshake_complete = True

    async def _run_on(self, *_: Any) -> None:
        await self._outcome

    def _hear_early(self) -> None:
        early, self._early = self._early, b""
        if early and not self.transport.is_closing():
            self.transport.resume_reading()
            self.data_received(early)

    def _give_back(self) -> None:
        if self._place is not None:
            self._place.give_back()

    def _refuse(self) -> None:
        """Refuse a handshake under way: uvicorn would answer 500, and fail when its endpoint answers, too."""
        response = self.conn.reject(HTTPStatus.SERVICE_UNAVAILABLE, "this process is about to end\n")
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        self.conn.send_response(response)
        self.transport.write(b"".join(self.conn.data_to_send()))
        # What the endpoint still says goes nowhere.
        self.disconnected = True
        self.transport.close()
