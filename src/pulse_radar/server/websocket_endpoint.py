"""GET /ws, as the decision record spells it: `/ws?topics=messages,knowledge&lastSeq=messages:142`."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import HTTPException, Query, WebSocket
from fastapi.responses import PlainTextResponse

from pulse_radar.hub.inputs import Opened
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.cursor import parse_cursor, parse_topics
from pulse_radar.protocol.frames import ErrorFrame
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.admission import Admission
from pulse_radar.server.asgi_transport import AsgiTransport
from pulse_radar.server.policy import Policy
from pulse_radar.server.runner import Runner
from pulse_radar.server.session import MayRead, Session, forbidden, turn_away
from pulse_radar.server.transport import EXTENSION, Transport

__all__ = ["WebSocketEndpoint"]

_log: Final = logging.getLogger("pulse_radar.server")

# What we answer when a client offers it; other offers may carry its credentials and are never echoed.
_SUBPROTOCOL: Final = "pulse.v1"

# By then another process answers, or this one's successor.
_RETRY_AFTER_SECONDS: Final = "1"


class WebSocketEndpoint:
    """Lets a client in, or tells it why not, and hands it to the runner."""

    def __init__(
        self, runner: Callable[[], Runner], admission: Admission, policy: Policy, *, max_frame_bytes: int
    ) -> None:
        """`runner` answers the running one, which does not exist yet when routes are made."""
        self._runner = runner
        self._admission = admission
        self._policy = policy
        self._max_frame_bytes = max_frame_bytes
        self._has_warned = False

    async def serve(
        self,
        websocket: WebSocket,
        topics: Annotated[str, Query()] = "",
        last_seq: Annotated[str, Query(alias="lastSeq")] = "",
    ) -> None:
        """One connection, from its upgrade to its end."""
        runner = self._runner()
        refused = self._admission.refusal(websocket.headers)
        if refused is not None:
            _log.warning("refused %s: %s", websocket.client, refused)
            await _deny(websocket, 403, refused)
            return
        if runner.hub.is_draining:
            # Before the upgrade: whoever balances load sends the next one elsewhere.
            await _deny(websocket, 503, "this process is about to end", {"Retry-After": _RETRY_AFTER_SECONDS})
            return
        principal, code = await self._identify(websocket)
        transport = await self._accept(websocket)
        if code is not None:
            # Only after the upgrade: browsers show a refused one as 1006, without a reason.
            await turn_away(transport, code)
            return
        may_read = partial(self._may_read, principal) if self._policy.authorize else None
        session = Session(
            runner.new_connection_id(),
            transport,
            runner.tell,
            max_frame_bytes=self._max_frame_bytes,
            may_read=may_read,
        )
        opened = await self._opened(session.connection_id, runner.hub.topics, may_read, topics, last_seq)
        await runner.serve(session, opened)

    async def _identify(self, websocket: WebSocket) -> tuple[object, CloseCode | None]:
        try:
            principal = await self._policy.identify(websocket)
        except HTTPException as error:
            return None, _close_code(error.status_code)
        return principal, CloseCode.UNAUTHENTICATED if principal is None else None

    async def _may_read(self, principal: object, feed: Feed) -> bool:
        return await self._policy.may(principal, "read", feed)

    async def _accept(self, websocket: WebSocket) -> Transport:
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(subprotocol=_SUBPROTOCOL if _SUBPROTOCOL in offered else None)
        direct: Transport | None = websocket.scope.get("extensions", {}).get(EXTENSION)
        if direct is not None:
            return direct
        if not self._has_warned:
            self._has_warned = True
            _log.warning(
                "this server cannot cut off a stalled client, which may hold up its shutdown: "
                "use `pulse-radar serve`, or uvicorn --ws pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol"
            )
        return AsgiTransport(websocket)

    async def _opened(
        self,
        connection_id: str,
        declared: tuple[str, ...],
        may_read: MayRead | None,
        topics: str,
        last_seq: str,
    ) -> Opened:
        """What this client asked for, less what it may not read."""
        asked, refused_topics = parse_topics(topics)
        cursor, refused_cursors = parse_cursor(last_seq)
        wants_all = not asked and not refused_topics
        allowed: list[Feed] = []
        refused: list[ErrorFrame] = [*refused_topics, *refused_cursors]
        for feed in [Feed(topic) for topic in declared] if wants_all else asked:
            if may_read is None or feed.topic not in declared or await may_read(feed):
                allowed.append(feed)
            elif not wants_all:
                refused.append(forbidden(feed))
        return Opened(connection_id, tuple(allowed), cursor, tuple(refused))


def _close_code(status: int) -> CloseCode:
    """The close code that says what an HTTP status says."""
    if status >= 500 or status == 429:
        return CloseCode.TRY_AGAIN_LATER
    return CloseCode.FORBIDDEN if status == 403 else CloseCode.UNAUTHENTICATED


async def _deny(
    websocket: WebSocket, status: int, reason: str, headers: Mapping[str, str] | None = None
) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(PlainTextResponse(f"{reason}\n", status, headers))
    else:
        await websocket.close()
