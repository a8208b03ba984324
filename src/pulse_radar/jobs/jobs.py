"""Jobs in an app: their topic, who is lost, and what can be done to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec
from fastapi import APIRouter
from msgspec.structs import replace

from pulse_radar.brokers.base import NobodyThere
from pulse_radar.brokers.topic_spec import StateTopic
from pulse_radar.durations import Duration
from pulse_radar.errors import BrokerUnavailable, InvalidSetting
from pulse_radar.jobs.errors import CannotRetry, JobIsNotOver, JobIsOver, UnknownJob, WorkerSilent
from pulse_radar.jobs.events import JOB_EVENTS, MONITORING, monitoring_topic
from pulse_radar.jobs.journal import Journal, Seen
from pulse_radar.jobs.life import Ending, Job, JobState, Moment, rank_of
from pulse_radar.jobs.requeue import Requeue
from pulse_radar.jobs.routes import job_router
from pulse_radar.jobs.texts import told_text
from pulse_radar.jobs.watch import watching
from pulse_radar.jobs.worker import CANCEL, CancelRequest
from pulse_radar.pulse import Pulse

__all__ = ["Jobs"]

# A worker answers in a millisecond; one that does not in this time is busy, or gone.
_PATIENCE_SECONDS: Final = 2.0

# A job may change hands while it is asked for.
_TRIES: Final = 5
_AGAIN_SECONDS: Final = 0.05

# Who says so, in the transitions.
_BY: Final = "app"


class Jobs:
    """The jobs of an app: declares `monitoring` on its Pulse, watches the workers, cancels and retries.

    `queue`: where `retry` puts a job again, `TaskiqRequeue(broker)`. `keep`: a job is forgotten when nothing
    happened to it for so long; `max_jobs`: so many are shown.
    `router`: `GET /jobs`, `GET /jobs/{id}`, `POST /jobs/{id}/cancel`, `POST /jobs/{id}/retry`.
    Raises: InvalidSetting, when the Pulse runs already.

    Example:
        jobs = Jobs(pulse, TaskiqRequeue(broker))
        app.include_router(jobs.router)
    """

    def __init__(
        self,
        pulse: Pulse,
        queue: Requeue | None = None,
        *,
        keep: Duration = "24h",
        max_jobs: int = 50_000,
    ) -> None:
        self._pulse = pulse
        self._queue = queue
        declared = {spec.name: spec for spec in pulse.topics}.get(MONITORING)
        if declared is None:
            pulse.declare(monitoring_topic(keep, max_jobs), JOB_EVENTS)
        elif not isinstance(declared, StateTopic):
            raise InvalidSetting(f"{MONITORING} is declared as a log, and of jobs the newest event counts")
        pulse.accompany(self._watching)
        self.router: Final[APIRouter] = job_router(self, pulse)

    async def find(self, task_id: str) -> Job:
        """What is known of a job. Raises: UnknownJob, InvalidKey, BrokerError."""
        return _known(task_id, await self._journal.look(task_id))

    async def cancel(self, task_id: str, reason: str | None = None) -> Job:
        """Ask for a job's end; what is known of it then. One that waits has ended by that: no worker begins it.

        Of the reason 2,000 characters are told.

        Raises: UnknownJob, JobIsOver, WorkerSilent, InvalidKey, BrokerError.
        """
        reason = None if reason is None else told_text(reason)
        for _ in range(_TRIES):
            seen = await self._journal.look(task_id)
            job = _known(task_id, seen)
            if job.is_cancelled:
                return job
            if job.is_over:
                raise JobIsOver(f"the job {task_id} is {job.state} already")
            stopping = await self._cancel(job, seen, reason)
            if stopping is not None:
                return stopping
            await asyncio.sleep(_AGAIN_SECONDS)
        raise WorkerSilent(f"the job {task_id} changes hands too often to be cancelled: try again")

    async def retry(self, task_id: str) -> Job:
        """Put a job that ended, or is lost, into its queue once more; what is known of it then.

        Raises: UnknownJob, JobIsNotOver, CannotRetry, InvalidKey, BrokerError.
        """
        seen = await self._journal.look(task_id)
        job = _known(task_id, seen)
        if not job.is_over and job.state != "lost":
            raise JobIsNotOver(f"the job {task_id} is {job.state}: cancel it first")
        if self._queue is None:
            raise CannotRetry("this app has no queue to put jobs into: Jobs(pulse, TaskiqRequeue(broker))")
        self._queue.check(job)
        attempt = job.attempt + 1
        queued = await self._journal.write(_queued_again(job, attempt), seen)
        if queued is None or queued.job is None:
            raise JobIsNotOver(f"somebody else was faster with the job {task_id}")
        await self._put(self._queue, queued.job, queued)
        return queued.job

    @property
    def _journal(self) -> Journal:
        return Journal(self._pulse, self._pulse.broker)

    @asynccontextmanager
    async def _watching(self) -> AsyncIterator[None]:
        async with watching(self._journal):
            yield

    async def _cancel(self, job: Job, seen: Seen, reason: str | None) -> Job | None:
        """What is known of it once it is asked to stop; None, when it is not where it was."""
        if job.is_at_work:
            is_told = await self._tell(job, reason)
            if is_told is not None:
                return _with(job, "cancelling", reason) if is_told else None
            # Its worker is gone, or is just connecting again and says more of it.
            ended = _with(job, "cancelling", reason)
        else:
            ended = _not_to_begin(job, reason)
        written = await self._journal.write(ended, seen)
        return None if written is None else written.job

    async def _tell(self, job: Job, reason: str | None) -> bool | None:
        """Tell its worker to stop it. False: that does not run it; None: that is gone. Raises: WorkerSilent."""
        assert job.worker is not None, "it is at work"
        request = msgspec.json.encode(CancelRequest(job.task_id, reason))
        try:
            answer = await self._pulse.broker.ask(
                job.worker, CANCEL, request, patience_seconds=_PATIENCE_SECONDS
            )
        except NobodyThere:
            return None
        except BrokerUnavailable as error:
            raise WorkerSilent(f"{job.worker} did not answer in {_PATIENCE_SECONDS:g} s: {error}") from error
        return msgspec.json.decode(answer, type=bool)

    async def _put(self, queue: Requeue, job: Job, queued: Seen) -> None:
        try:
            await queue.put(job, job.attempt)
        except Exception as error:
            await self._journal.write(_failed(job, f"it could not be queued again: {error!r}"), queued)
            raise CannotRetry(f"the job {job.task_id} could not be queued again: {error!r}") from error

    def __repr__(self) -> str:
        return f"<Jobs on {self._pulse!r}>"


def _known(task_id: str, seen: Seen) -> Job:
    if seen.job is None:
        raise UnknownJob(f"nothing is known of a job {task_id}")
    return seen.job


def _with(job: Job, state: JobState, reason: str | None) -> Job:
    return job.joined(replace(job, moments=(Moment(state, datetime.now(UTC), _BY),), reason=reason))


def _not_to_begin(job: Job, reason: str | None) -> Job:
    """Nobody has it: whoever takes it up finds this."""
    if job.state != "retrying":
        return _with(job, "cancelled", reason)
    # That attempt is over, and it is the next one that waits.
    return replace(
        job,
        attempt=job.attempt + 1,
        moments=(Moment("cancelled", datetime.now(UTC), _BY),),
        progress=None,
        ending=None,
        reason=reason,
    )


def _queued_again(job: Job, attempt: int) -> Job:
    now = datetime.now(UTC)
    return Job(
        task_id=job.task_id,
        name=job.name,
        attempt=attempt,
        moments=(Moment("queued", now, _BY),),
        queued_at=job.queued_at,
        arguments=job.arguments,
    )


def _failed(job: Job, why: str) -> Job:
    now = datetime.now(UTC)
    ending = Ending(rank_of("failed"), now, 0.0, "CannotRetry", why)
    return job.joined(replace(job, moments=(Moment("failed", now, _BY),), ending=ending))
