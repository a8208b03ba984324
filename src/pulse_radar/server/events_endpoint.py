"""GET /events: the same as /ws for networks that break WebSockets, and for `curl`, as server-sent events.

Who may not follow gets an HTTP status, at which a browser's EventSource stops. Whoever should come back later gets a
stream that says so and ends: after a 503 an EventSource never comes back (HTML standard, section 9.2.3).
"""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Final

from fastapi import Header, HTTPException, Query, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pulse_radar.protocol.close_codes import CloseCode, retry_reason
from pulse_radar.protocol.cursor import parse_topics
from pulse_radar.protocol.event_stream import MAX_CURSOR_BYTES, longest_cursor
from pulse_radar.server.allowance import NO_FRAMES
from pulse_radar.server.answers import shared_with
from pulse_radar.server.door import Door, Guest, Refused
from pulse_radar.server.reception import QueryTexts, close_code
from pulse_radar.server.runner import Runner
from pulse_radar.server.session import Session
from pulse_radar.server.sse_transport import SseTransport
from pulse_radar.server.transport import SOCKET_EXTENSION, Socket
from pulse_radar.server.turning_away import turn_away

__all__ = ["EVENTS_SCHEMA", "EventsEndpoint"]

_log: Final = logging.getLogger("pulse_radar.server")

EVENTS_SCHEMA: Final[dict[int | str, dict[str, object]]] = {
    200: {"description": "events as they come", "content": {"text/event-stream": {}}},
    400: {"description": "the cursor would be too long"},
}

_HEADERS: Final = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    # nginx would collect the stream until it ends.
    "X-Accel-Buffering": "no",
}


class EventsEndpoint:
    """Lets a reader in, or tells it why not, and hands it to the runner."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._has_warned = False

    async def serve(
        self,
        request: Request,
        topics: Annotated[str, Query()] = "",
        last_seq: Annotated[str, Query(alias="lastSeq")] = "",
        last: Annotated[str, Query()] = "",
        last_event_id: Annotated[str, Header(alias="Last-Event-ID")] = "",
    ) -> Response:
        """A stream that goes on until one side ends it. Raises: HTTPException, for whoever may not be here."""
        query = QueryTexts(topics, last_event_id or last_seq, last)
        # Before anything is made of them: a megabyte of cursor costs seconds, a thousand keys a thousand look-ups.
        if query.longest > MAX_CURSOR_BYTES or longest_cursor(parse_topics(topics)[0]) > MAX_CURSOR_BYTES:
            return _too_long()
        runner = self._door.knock(request)
        if isinstance(runner, Refused):
            return self._refuse(request, runner)
        try:
            guest = await self._door.admit(request, runner, query)
        except HTTPException as error:
            if close_code(error) is not CloseCode.TRY_AGAIN_LATER:
                raise
            return self._stream(request, _send_away)
        # Who names no topics follows all that it may, which only now are known.
        if longest_cursor(guest.opened.feeds) > MAX_CURSOR_BYTES:
            return _too_long()
        return self._stream(request, partial(_serve, runner, guest))

    def _refuse(self, request: Request, refused: Refused) -> Response:
        if refused.retry_seconds is None:
            return PlainTextResponse(f"{refused.reason}\n", refused.status)
        reason = retry_reason(refused.retry_seconds * 1_000)
        return self._stream(request, partial(_send_away, reason=reason))

    def _stream(self, request: Request, carry: "_Carry") -> "_Stream":
        return _Stream(carry, self._socket(request.scope), origin=request.headers.get("origin"))

    def _socket(self, scope: Scope) -> Socket | None:
        socket: Socket | None = scope.get("extensions", {}).get(SOCKET_EXTENSION)
        if socket is None and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "this server waits for streams of events before it ends, and cannot cut off a stalled one: "
                "use `pulse-radar serve`, or uvicorn --http pulse_radar.server.uvicorn_http:PulseHttpProtocol"
            )
        return socket


# Carries a stream from its first block to its last.
_Carry = Callable[[SseTransport], Awaitable[None]]


class _Stream(Response):
    """The response that carries a connection, or sends it away to come back later."""

    def __init__(self, carry: _Carry, socket: Socket | None, *, origin: str | None) -> None:
        super().__init__(headers=_HEADERS | shared_with(origin))
        # The length of a body that is not there.
        del self.headers["content-length"]
        self._carry = carry
        self._socket = socket

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        await self._carry(SseTransport(receive, send, self._socket))


async def _serve(runner: Runner, guest: Guest, transport: SseTransport) -> None:
    session = Session(
        guest.opened.connection_id, transport, runner, bounds=NO_FRAMES, visitor=None, whose=guest.whose
    )
    await runner.serve(session, guest.opened)


async def _send_away(transport: SseTransport, reason: str = "") -> None:
    await turn_away(transport, CloseCode.TRY_AGAIN_LATER, reason)


def _too_long() -> Response:
    reason = f"a cursor has at most {MAX_CURSOR_BYTES} bytes: follow fewer topics and keys, or use /ws"
    return PlainTextResponse(f"{reason}\n", 400)
