"""GET /ws, as the decision record spells it: `/ws?topics=messages,knowledge&lastSeq=messages:142`."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Final

from fastapi import HTTPException, Query, WebSocket
from fastapi.responses import PlainTextResponse

from pulse_radar.errors import NotRunning
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server.allowance import FrameBounds
from pulse_radar.server.asgi_transport import AsgiTransport
from pulse_radar.server.ending import RETRY_AFTER_SECONDS
from pulse_radar.server.places import FULL_RETRY_SECONDS
from pulse_radar.server.reception import Reception, close_code, opened, whose
from pulse_radar.server.runner import Runner
from pulse_radar.server.session import Session, turn_away
from pulse_radar.server.transport import EXTENSION, Transport, Upgrade

__all__ = ["WebSocketEndpoint"]

_log: Final = logging.getLogger("pulse_radar.server")

# What we answer when a client offers it; other offers may carry its credentials and are never echoed.
_SUBPROTOCOL: Final = "pulse.v1"


class WebSocketEndpoint:
    """Lets a client in, or tells it why not, and hands it to the runner."""

    def __init__(
        self, runner: Callable[[], Runner], reception: Reception, *, bounds: FrameBounds, compresses: bool
    ) -> None:
        """`runner` answers the running one, which does not exist yet when routes are made."""
        self._runner = runner
        self._reception = reception
        self._bounds = bounds
        self._compresses = compresses
        self._has_warned = False

    async def serve(
        self,
        websocket: WebSocket,
        topics: Annotated[str, Query()] = "",
        last_seq: Annotated[str, Query(alias="lastSeq")] = "",
        joined: Annotated[str, Query()] = "",
    ) -> None:
        """One connection, from its upgrade to its end."""
        refused = self._reception.refusal(websocket)
        if refused is not None:
            await _deny(websocket, 403, refused)
            return
        try:
            runner = self._runner()
        except NotRunning as error:
            await _deny(websocket, 503, str(error))
            return
        if runner.hub.is_draining:
            # Before the upgrade: whoever balances load sends the next one elsewhere.
            await _deny(websocket, 503, "this process is about to end", {"Retry-After": RETRY_AFTER_SECONDS})
            return
        if runner.refuses(whose(websocket)):
            reason = "there are as many connections as there may be"
            await _deny(websocket, 503, reason, {"Retry-After": str(FULL_RETRY_SECONDS)})
            return
        try:
            visitor = await self._reception.receive(websocket, takes_tickets=True)
        except HTTPException as error:
            # Only after the upgrade: browsers show a refused one as 1006, without a reason.
            await _close((await self._accept(websocket))(), error)
            return
        take_over = await self._accept(websocket)
        connection_id = runner.new_connection_id()
        try:
            asked = await opened(connection_id, runner.hub.topics, visitor, topics, last_seq)
        except HTTPException as error:
            await _close(take_over(), error)
        except Exception:  # noqa: BLE001 the application's own function: whatever it raises
            _log.exception("authorize failed; connection %s is closed", connection_id)
            await turn_away(take_over(), CloseCode.INTERNAL_ERROR)
        else:
            session = Session(
                connection_id,
                take_over(),
                runner,
                bounds=self._bounds,
                visitor=visitor,
                whose=whose(websocket, visitor),
                reads_joined=joined == "1",
            )
            await runner.serve(session, asked)

    async def _accept(self, websocket: WebSocket) -> Callable[[], Transport]:
        """Complete the upgrade; answer what takes the connection over, to be called when somebody listens."""
        upgrade: Upgrade | None = websocket.scope.get("extensions", {}).get(EXTENSION)
        if upgrade is not None:
            upgrade.hold(deflate=self._compresses)
        offered = websocket.scope.get("subprotocols", [])
        await websocket.accept(subprotocol=_SUBPROTOCOL if _SUBPROTOCOL in offered else None)
        if upgrade is not None:
            return upgrade.hand_over
        # Starlette's TestClient has no connection that could stall.
        is_test = websocket.client is not None and websocket.client.host == "testclient"
        if not self._has_warned and not is_test:
            self._has_warned = True
            _log.warning(
                "this server cannot cut off a stalled client, which may hold up its shutdown: "
                "use `pulse-radar serve`, or uvicorn --ws pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol"
            )
        return partial(AsgiTransport, websocket)


async def _close(transport: Transport, error: HTTPException) -> None:
    code = close_code(error)
    # The reason of one that is to come back says when, or nothing.
    await turn_away(transport, code, "" if code is CloseCode.TRY_AGAIN_LATER else code.name.lower())


async def _deny(
    websocket: WebSocket, status: int, reason: str, headers: Mapping[str, str] | None = None
) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(PlainTextResponse(f"{reason}\n", status, headers))
    else:
        await websocket.close()
