"""Sending a client away, over HTTP: from any process to the one that has it."""

from fastapi import APIRouter, Depends, HTTPException

from pulse_radar.errors import BrokerError, InvalidKey
from pulse_radar.pulse import Pulse
from pulse_radar.radar.connections.desk import Desk
from pulse_radar.radar.connections.events import ConnectionsSeen

__all__ = ["connections_router"]


def connections_router(pulse: Pulse, desk: Desk) -> APIRouter:
    """For who has the right `admin` on `connections`."""
    router = APIRouter(prefix="/api/connections", tags=["connections"])

    @router.post(
        "/{process}/{connection_id}/evict",
        status_code=204,
        dependencies=[Depends(pulse.requires("admin", ConnectionsSeen.TOPIC))],
        responses={404: {"description": "there is no such connection"}, 503: {"description": "no answer"}},
        summary="Send a client away; it may come back and resume",
    )
    async def evict(process: str, connection_id: str) -> None:
        try:
            is_done = await desk.evict(process, connection_id)
        except InvalidKey as error:
            raise HTTPException(404, str(error)) from None
        except BrokerError as error:
            raise HTTPException(503, str(error)) from None
        if not is_done:
            raise HTTPException(404, f"there is no connection {connection_id} at {process}")

    return router
