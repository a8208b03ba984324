"""The routes of jobs: what is known of them, cancel and retry, for who may."""

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from pulse_radar.errors import BrokerError, InvalidKey, NotRunning, PulseError
from pulse_radar.jobs.errors import CannotRetry, JobError, UnknownJob, WorkerSilent
from pulse_radar.jobs.events import MONITORING, AnyJobEvent, event_of
from pulse_radar.jobs.journal import seen_in
from pulse_radar.jobs.life import Job
from pulse_radar.protocol.grammar import MAX_SEQUENCE, Feed
from pulse_radar.server.answers import refusal
from pulse_radar.server.policy import Action
from pulse_radar.stream.entry import StoredEvent

if TYPE_CHECKING:
    from pulse_radar.jobs.jobs import Jobs
    from pulse_radar.pulse import Pulse

__all__ = ["answer_of", "denial_of", "job_router"]

# An answer of about a megabyte.
_PAGE: Final = 1_000


class JobPage(BaseModel):
    """Jobs in the order of their newest events. `next`: the `after` of the next page; null on the last.

    `lastSeq`: follow from there; what happened since comes after it.
    """

    jobs: list[AnyJobEvent]
    next: int | None
    lastSeq: str  # noqa: N815 (as on the wire)


class CancelBody(BaseModel):
    """Why, for the job and for whoever looks at it."""

    reason: str | None = None


def job_router(jobs: "Jobs", pulse: "Pulse") -> APIRouter:
    """A router that any app can include. Reading asks `authorize` for `read`, all else for `admin`."""
    router = APIRouter(tags=["jobs"])
    routes = _Routes(jobs, pulse)
    failures: dict[int | str, dict[str, Any]] = {
        403: {"description": "not yours"},
        404: {"description": "nothing is known of it"},
        409: {"description": "its state, or what is known of its arguments, is in the way"},
        503: {"description": "the broker does not answer"},
        504: {"description": "its worker did not answer in time"},
    }
    router.add_api_route(
        "/jobs",
        routes.page,
        response_model=JobPage,
        responses={403: failures[403], 503: failures[503]},
        summary="Jobs, by their newest events",
    )
    router.add_api_route(
        "/jobs/{task_id}", routes.one, responses=failures, summary="One job", response_model=None
    )
    router.add_api_route(
        "/jobs/{task_id}/cancel",
        routes.cancel,
        methods=["POST"],
        status_code=202,
        responses=failures,
        response_model=None,
        summary="Ask for a job's end",
    )
    router.add_api_route(
        "/jobs/{task_id}/retry",
        routes.retry,
        methods=["POST"],
        status_code=202,
        responses=failures,
        response_model=None,
        summary="Run a job once more that ended or is lost",
    )
    return router


class _Routes:
    def __init__(self, jobs: "Jobs", pulse: "Pulse") -> None:
        self._jobs = jobs
        self._pulse = pulse

    async def page(
        self,
        request: Request,
        after: Annotated[int, Query(ge=0, le=MAX_SEQUENCE)] = 0,
        limit: Annotated[int, Query(ge=1, le=_PAGE)] = 100,
    ) -> Any:
        denied = await self._denial(request, "read", None)
        if denied is not None:
            return denied
        # Before the look: what it misses comes after this.
        position = self._pulse.position(MONITORING)
        try:
            page = await self._pulse.broker.read(MONITORING, after=after, limit=limit)
        except BrokerError as error:
            return _failure(error)
        entries = [entry for entry in page.entries if isinstance(entry, StoredEvent)]
        seen = [seen_in(entry).job for entry in entries]
        return JobPage(
            jobs=[event_of(job) for job in seen if job is not None],
            next=page.end if page.end < page.extent.last else None,
            lastSeq=str(position),
        )

    async def one(self, request: Request, task_id: str) -> JSONResponse:
        denied = await self._denial(request, "read", task_id)
        return denied or await answer_of(self._jobs.find(task_id), 200)

    async def cancel(self, request: Request, task_id: str, body: CancelBody | None = None) -> JSONResponse:
        denied = await self._denial(request, "admin", task_id)
        return denied or await answer_of(self._jobs.cancel(task_id, body.reason if body else None))

    async def retry(self, request: Request, task_id: str) -> JSONResponse:
        denied = await self._denial(request, "admin", task_id)
        return denied or await answer_of(self._jobs.retry(task_id))

    async def _denial(self, request: Request, action: Action, task_id: str | None) -> JSONResponse | None:
        return await denial_of(self._pulse, request, action, task_id)


async def denial_of(
    pulse: "Pulse", request: Request, action: Action, task_id: str | None
) -> JSONResponse | None:
    """Why not; None, where it may be done. Raises: HTTPException, for nobody and for whoever is foreign."""
    try:
        feed = Feed(MONITORING, task_id)
    except InvalidKey as error:
        return _failure(error)
    if not await pulse.may(request, action, feed.topic, feed.key):
        return refusal(403, "forbidden", f"you may not {action} '{feed}'")
    return None


async def answer_of(deed: Awaitable[Job], status: int = 202) -> JSONResponse:
    """What is known of a job after a deed, or what was in its way."""
    try:
        return _answer(await deed, status)
    except PulseError as error:
        return _failure(error)


def _answer(job: Job, status: int) -> JSONResponse:
    event = event_of(job)
    return JSONResponse(
        {"event": event.NAME, "state": job.state, "data": event.model_dump(mode="json")}, status
    )


def _failure(error: PulseError) -> JSONResponse:
    match error:
        case UnknownJob() | InvalidKey():
            return refusal(404, "unknown_job", str(error))
        case CannotRetry():
            return refusal(409, "cannot_retry", str(error))
        case WorkerSilent():
            return refusal(504, "worker_silent", str(error))
        case JobError():
            return refusal(409, "state", str(error))
        case BrokerError():
            return refusal(503, "unavailable", str(error))
        case NotRunning():
            return refusal(503, "not_running", str(error))
        case _:
            return refusal(422, "invalid", str(error))
