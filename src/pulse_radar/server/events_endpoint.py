"""GET /events: the same as /ws for networks that break WebSockets, and for `curl`, as server-sent events.

Who may not follow gets an HTTP status, at which a browser's EventSource stops. Whoever should come back later gets a
stream that says so and ends: after a 503 an EventSource never comes back (HTML standard, section 9.2.3).
"""

import logging
from collections.abc import Callable
from typing import Annotated, Final

from fastapi import Header, HTTPException, Query, Request, Response
from fastapi.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from pulse_radar.errors import NotRunning
from pulse_radar.hub.inputs import Opened
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.cursor import parse_topics
from pulse_radar.protocol.event_stream import MAX_CURSOR_BYTES, longest_cursor
from pulse_radar.server.allowance import NO_FRAMES
from pulse_radar.server.answers import shared_with
from pulse_radar.server.places import FULL_REASON, NOBODY
from pulse_radar.server.reception import Reception, close_code, opened, whose
from pulse_radar.server.runner import Runner
from pulse_radar.server.session import Session, turn_away
from pulse_radar.server.sse_transport import SseTransport
from pulse_radar.server.transport import SOCKET_EXTENSION, Socket

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

    def __init__(self, runner: Callable[[], Runner], reception: Reception) -> None:
        """`runner` answers the running one, which does not exist yet when routes are made."""
        self._runner = runner
        self._reception = reception
        self._has_warned = False

    async def serve(
        self,
        request: Request,
        topics: Annotated[str, Query()] = "",
        last_seq: Annotated[str, Query(alias="lastSeq")] = "",
        last_event_id: Annotated[str, Header(alias="Last-Event-ID")] = "",
    ) -> Response:
        """A stream that goes on until one side ends it. Raises: HTTPException, for whoever may not be here."""
        refused = self._reception.refusal(request)
        if refused is not None:
            return PlainTextResponse(f"{refused}\n", 403)
        try:
            runner = self._runner()
        except NotRunning as error:
            return PlainTextResponse(f"{error}\n", 503)
        cursor = last_event_id or last_seq
        # Before anything is made of them: a megabyte of cursor costs seconds, a thousand keys a thousand look-ups.
        if max(len(cursor), len(topics), longest_cursor(parse_topics(topics)[0])) > MAX_CURSOR_BYTES:
            return _too_long()
        stream = _Stream(runner, self._socket(request.scope), origin=request.headers.get("origin"))
        if runner.refuses(whose(request)):
            stream.reason = FULL_REASON
            return stream
        try:
            visitor = await self._reception.receive(request, takes_tickets=True)
            stream.whose = whose(request, visitor)
            stream.asked = await opened(
                runner.new_connection_id(), runner.hub.topics, visitor, topics, cursor
            )
        except HTTPException as error:
            if close_code(error) is not CloseCode.TRY_AGAIN_LATER:
                raise
        # Who names no topics follows all that it may, which only now are known.
        if stream.asked is not None and longest_cursor(stream.asked.feeds) > MAX_CURSOR_BYTES:
            return _too_long()
        return stream

    def _socket(self, scope: Scope) -> Socket | None:
        socket: Socket | None = scope.get("extensions", {}).get(SOCKET_EXTENSION)
        if socket is None and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "this server waits for streams of events before it ends, and cannot cut off a stalled one: "
                "use `pulse-radar serve`, or uvicorn --http pulse_radar.server.uvicorn_http:PulseHttpProtocol"
            )
        return socket


class _Stream(Response):
    """The response that carries a connection, or sends it away to come back later where nothing could be `asked`."""

    def __init__(self, runner: Runner, socket: Socket | None, *, origin: str | None) -> None:
        super().__init__(headers=_HEADERS | shared_with(origin))
        # The length of a body that is not there.
        del self.headers["content-length"]
        self._runner = runner
        self.asked: Opened | None = None
        self.whose = NOBODY
        # Said to whoever is sent away.
        self.reason = ""
        self._socket = socket

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        transport = SseTransport(receive, send, self._socket)
        if self.asked is None:
            await turn_away(transport, CloseCode.TRY_AGAIN_LATER, self.reason)
            return
        session = Session(
            self.asked.connection_id,
            transport,
            self._runner,
            bounds=NO_FRAMES,
            visitor=None,
            whose=self.whose,
        )
        await self._runner.serve(session, self.asked)


def _too_long() -> Response:
    reason = f"a cursor has at most {MAX_CURSOR_BYTES} bytes: follow fewer topics and keys, or use /ws"
    return PlainTextResponse(f"{reason}\n", 400)
