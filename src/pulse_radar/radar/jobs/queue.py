"""Where jobs are put: all that a command or an API needs of them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from taskiq import SimpleRetryMiddleware
from taskiq.exceptions import SendTaskError

from pulse_radar.errors import BrokerUnavailable
from pulse_radar.jobs import PulseMiddleware, TaskiqRequeue
from pulse_radar.jobs.life import Job
from pulse_radar.radar.jobs.broker import JobBroker
from pulse_radar.radar.jobs.ingest import register_ingest_export
from pulse_radar.radar.jobs.names import INGEST_EXPORT, JobNames, nats_access, nats_url
from pulse_radar.settings import Settings

__all__ = ["JobQueue", "make_job_broker", "open_job_queue"]


class JobQueue:
    """Queues jobs. Made by `open_job_queue`."""

    def __init__(self, broker: JobBroker) -> None:
        self._broker = broker

    async def ingest(
        self,
        path: Path,
        *,
        job_id: str | None = None,
        timezone: str | None = None,
        pace: float | None = None,
        agent: str | None = None,
    ) -> str:
        """Queue the ingestion of an export at an absolute path, as the worker sees it. `agent`: who reads it.

        Returns the job's id, which is its key on `messages` and `monitoring`.

        Raises: BrokerUnavailable, when it is not known to be queued; with the same `job_id` it may be tried again.
        """
        job_id = job_id or uuid.uuid4().hex
        task = self._broker.find_task(INGEST_EXPORT)
        assert task is not None, "registered when the broker was made"
        try:
            await task.kicker().with_task_id(job_id).kiq(str(path), timezone, pace, agent)
        except SendTaskError as error:
            raise BrokerUnavailable(f"the job is not queued: {error.__cause__}") from error
        return job_id

    async def again(self, job: Job, attempt: int) -> None:
        """Queue a job once more, as this attempt. Raises: CannotRetry, BrokerUnavailable."""
        try:
            await TaskiqRequeue(self._broker).put(job, attempt)
        except SendTaskError as error:
            raise BrokerUnavailable(f"the job is not queued: {error.__cause__}") from error

    def __repr__(self) -> str:
        return f"<JobQueue on {self._broker!r}>"


@asynccontextmanager
async def open_job_queue(settings: Settings) -> AsyncIterator[JobQueue]:
    """A connected queue. Raises: BrokerUnavailable, BrokerRefused."""
    broker = await make_job_broker(settings, asyncio.Event())
    await broker.startup()
    try:
        yield JobQueue(broker)
    finally:
        await broker.shutdown()


async def make_job_broker(settings: Settings, stopping: asyncio.Event) -> JobBroker:
    """The broker with all jobs and middlewares, not connected yet.

    Jobs that can be left in the middle are, once `stopping` is set.
    Raises: BrokerUnavailable, BrokerRefused.
    """
    names = JobNames.under(settings.namespace)
    broker = JobBroker(await nats_url(settings), names, stopping, **nats_access(settings))
    # A path, a time zone, a pace and an agent's name are no secrets, and with them a job can be queued again.
    broker.add_middlewares(SimpleRetryMiddleware(), PulseMiddleware(settings, arguments=True, redact=()))
    register_ingest_export(broker, settings)
    return broker
