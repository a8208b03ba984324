"""Pausing an ingestion and going on with it: its job is stopped between two messages, and queued again."""

from typing import Any, Final

from fastapi import APIRouter, Request

from pulse_radar.jobs import Jobs
from pulse_radar.jobs.routes import answer_of, denial_of
from pulse_radar.pulse import Pulse
from pulse_radar.radar.ingestion.run import PAUSED

__all__ = ["ingestion_router"]

_FAILURES: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "nothing is known of it"},
    409: {"description": "it has ended, or is not paused"},
}


def ingestion_router(pulse: Pulse, jobs: Jobs) -> APIRouter:
    """What a page can do to an ingestion, for who has the right `admin` on its job."""
    router = APIRouter(tags=["ingestion"])
    routes = _Routes(pulse, jobs)
    for verb, summary in (("pause", "Stop it for now"), ("resume", "Go on where it was")):
        router.add_api_route(
            f"/ingestions/{{ingestion_id}}/{verb}",
            getattr(routes, verb),
            methods=["POST"],
            status_code=202,
            response_model=None,
            responses=_FAILURES,
            summary=summary,
        )
    return router


class _Routes:
    def __init__(self, pulse: Pulse, jobs: Jobs) -> None:
        self._pulse = pulse
        self._jobs = jobs

    async def pause(self, request: Request, ingestion_id: str) -> Any:
        denied = await denial_of(self._pulse, request, "admin", ingestion_id)
        return denied or await answer_of(self._jobs.cancel(ingestion_id, PAUSED))

    async def resume(self, request: Request, ingestion_id: str) -> Any:
        denied = await denial_of(self._pulse, request, "admin", ingestion_id)
        return denied or await answer_of(self._jobs.retry(ingestion_id))
