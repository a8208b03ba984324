"""GET /ws, as the decision record spells it: `/ws?topics=messages,knowledge&lastSeq=messages:142`."""

import logging
from collections.abc import Callable
from functools import partial
from typing import Final

from fastapi import HTTPException, WebSocket
from fastapi.responses import PlainTextResponse

from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server.allowance import FrameBounds
from pulse_radar.server.asgi_transport import AsgiTransport
from pulse_radar.server.door import Door, Refused
from pulse_radar.server.ending import RETRY_AFTER_SECONDS
from pulse_radar.server.reception import QueryTexts, close_code
from pulse_radar.server.runner import Runner
from pulse_radar.server.session import Session
from pulse_radar.server.transport import EXTENSION, Transport, Upgrade
from pulse_radar.server.turning_away import turn_away

__all__ = ["WebSocketEndpoint"]

_log: Final = logging.getLogger("pulse_radar.server")

# What we answer when a client offers it; other offers may carry its credentials and are never echoed.
_SUBPROTOCOL: Final = "pulse.v1"


class WebSocketEndpoint:
    """Lets a client in, or tells it why not, and hands it to the runner."""

    def __init__(self, door: Door, *, bounds: FrameBounds, compresses: bool) -> None:
        self._door = door
        self._bounds = bounds
        self._compresses = compresses
        self._has_warned = False

    async def serve(self, websocket: WebSocket) -> None:
        """One connection, from its upgrade to its end."""
        # Read here: what FastAPI looks up and checks of four parameters costs as much as our part of a handshake, and
        # no description of an API has WebSockets.
        query = websocket.query_params
        runner = self._knock(websocket)
        if isinstance(runner, Refused):
            await _deny(websocket, runner)
            return
        texts = QueryTexts(query.get("topics", ""), query.get("lastSeq", ""), query.get("last", ""))
        try:
            guest = await self._door.admit(websocket, runner, texts)
        except HTTPException as error:
            # Only after the upgrade: browsers show a refused one as 1006, without a reason.
            await _close((await self._accept(websocket))(), error)
            return
        except Exception:  # noqa: BLE001 the application's own function: whatever it raises
            _log.exception("authenticate or authorize failed; a connection is closed")
            await turn_away((await self._accept(websocket))(), CloseCode.INTERNAL_ERROR)
            return
        take_over = await self._accept(websocket)
        session = Session(
            guest.opened.connection_id,
            take_over(),
            runner,
            bounds=self._bounds,
            visitor=guest.visitor,
            whose=guest.whose,
            reads_joined=query.get("joined") == "1",
        )
        await runner.serve(session, guest.opened)

    def _knock(self, websocket: WebSocket) -> Runner | Refused:
        runner = self._door.knock(websocket)
        if isinstance(runner, Runner) and runner.hub.is_draining:
            # Before the upgrade: whoever balances load sends the next one elsewhere.
            return Refused(503, "this process is about to end", RETRY_AFTER_SECONDS)
        return runner

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


async def _deny(websocket: WebSocket, refused: Refused) -> None:
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        later = refused.retry_seconds
        headers = {} if later is None else {"Retry-After": str(later)}
        await websocket.send_denial_response(
            PlainTextResponse(f"{refused.reason}\n", refused.status, headers)
        )
    else:
        await websocket.close()
