"""Pausing an ingestion, going on with it, giving it up: its job is stopped between two messages, and queued again."""

from typing import Any, Final

from fastapi import APIRouter, Request

from pulse_radar.jobs import Jobs
from pulse_radar.jobs.life import Job
from pulse_radar.jobs.routes import answer_of, denial_of
from pulse_radar.radar.ingestion.following import give_up
from pulse_radar.radar.ingestion.run import PAUSED
from pulse_radar.radar.running import Radar

__all__ = ["ingestion_router"]

_FAILURES: Final[dict[int | str, dict[str, Any]]] = {
    404: {"description": "nothing is known of it"},
    409: {"description": "it has ended, or is not paused"},
}


def ingestion_router(radar: Radar, jobs: Jobs) -> APIRouter:
    """What a page can do to an ingestion, for who has the right `admin` on its job."""
    router = APIRouter(tags=["ingestion"])
    routes = _Routes(radar, jobs)
    verbs = {"pause": "Stop it for now", "resume": "Go on where it was", "cancel": "Stop it, paused or not"}
    for verb, summary in verbs.items():
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
    def __init__(self, radar: Radar, jobs: Jobs) -> None:
        self._radar = radar
        self._pulse = radar.pulse
        self._jobs = jobs

    async def pause(self, request: Request, ingestion_id: str) -> Any:
        denied = await denial_of(self._pulse, request, "admin", ingestion_id)
        return denied or await answer_of(self._jobs.cancel(ingestion_id, PAUSED))

    async def resume(self, request: Request, ingestion_id: str) -> Any:
        denied = await denial_of(self._pulse, request, "admin", ingestion_id)
        return denied or await answer_of(self._jobs.retry(ingestion_id))

    async def cancel(self, request: Request, ingestion_id: str) -> Any:
        denied = await denial_of(self._pulse, request, "admin", ingestion_id)
        return denied or await answer_of(self._cancel(ingestion_id))

    async def _cancel(self, ingestion_id: str) -> Job:
        job = await self._jobs.cancel(ingestion_id)
        if job.state == "cancelled" and job.reason == PAUSED:
            await give_up(self._radar.store, self._pulse.settings, job)
        return job
