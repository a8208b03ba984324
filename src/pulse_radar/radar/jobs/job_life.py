"""The life of every job as events on `monitoring`: queued, started, retrying, completed, failed.

A hook that raises or waits would stop the job that it only tells about, and one that raises leaves it
unacknowledged for ever. So a hook puts an event into a queue, and a task of ours publishes it over a connection of
its own: TaskIQ's is opened after our start and closed before our end.
"""

import asyncio
import contextlib
import logging
import os
import socket
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from taskiq import TaskiqMessage, TaskiqMiddleware, TaskiqResult
from taskiq.exceptions import NoResultError

from pulse_radar.errors import BrokerError, NotPermitted, SequenceConflict, UsageError
from pulse_radar.publisher import Publisher
from pulse_radar.radar.events import (
    JobAttemptEnded,
    JobCompleted,
    JobEvent,
    JobFailed,
    JobQueued,
    JobRetrying,
    JobStarted,
)
from pulse_radar.radar.jobs.lease import delivery_number
from pulse_radar.settings import Settings

__all__ = ["JobLife", "attempt_of"]

_log: Final = logging.getLogger("pulse_radar.jobs")

# Events that wait while the broker is away: five a job.
_QUEUE_LIMIT: Final = 1_000

# TaskIQ gives all of the shutdown five seconds.
_FLUSH_SECONDS: Final = 2.0

_RECONNECT_SECONDS: Final = 0.5

# The label in which a job says since when it waits.
_QUEUED_AT: Final = "queued_at"

# An error that quotes a whole file is cut.
_ERROR_LENGTH: Final = 2_000


class _Attempt(msgspec.Struct, frozen=True):
    number: int
    started_at: datetime
    started: float


# Of the asyncio task that runs the job: TaskIQ calls all of its worker hooks in that one.
_attempt: Final[ContextVar[_Attempt]] = ContextVar("attempt")


class JobLife(TaskiqMiddleware):
    """Tells what happens to jobs. Never raises, never waits; what cannot be told is counted in `lost`."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self.lost = 0
        self._settings = settings
        self._events: asyncio.Queue[JobEvent | None] = asyncio.Queue(_QUEUE_LIMIT)
        self._flushing: asyncio.Task[None] | None = None
        # Where the events of attempts that run here are, by job and attempt.
        self._started: dict[tuple[str, int], int] = {}
        self._worker = f"{socket.gethostname()}:{os.getpid()}"

    async def startup(self) -> None:
        self._flushing = asyncio.create_task(self._flush(), name="job life")

    async def shutdown(self) -> None:
        """Tell what is still to be told, if the broker takes it soon."""
        if self._flushing is None:
            return
        with contextlib.suppress(asyncio.QueueFull):
            self._events.put_nowait(None)
        await asyncio.wait([self._flushing], timeout=_FLUSH_SECONDS)
        self._flushing.cancel()
        await asyncio.wait([self._flushing])
        while not self._events.empty():
            event = self._events.get_nowait()
            if event is not None:
                self._lose(event, "the broker was away until the end")

    # What TaskIQ calls.

    def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
        message.labels.setdefault(_QUEUED_AT, datetime.now(UTC).isoformat())
        return message

    def post_send(self, message: TaskiqMessage) -> None:
        self._tell_queued(message)

    def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        # Read now: a retry counts up in these very labels before this attempt has ended.
        number = attempt_of(message) + delivery_number.get() - 1
        attempt = _Attempt(number, datetime.now(UTC), time.monotonic())
        _attempt.set(attempt)
        # Once more, in case we are faster than the sender: nothing is started before it is queued.
        self._tell_queued(message)
        self._tell(
            JobStarted(
                task_id=message.task_id,
                name=message.task_name,
                attempt=attempt.number,
                started_at=attempt.started_at,
                worker=self._worker,
            )
        )
        return message

    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        attempt = _attempt.get()
        ended: dict[str, Any] = {
            "task_id": message.task_id,
            "name": message.task_name,
            "attempt": attempt.number,
            "started_at": attempt.started_at,
            "ended_at": datetime.now(UTC),
            "duration_seconds": round(time.monotonic() - attempt.started, 3),
            "worker": self._worker,
        }
        if not result.is_err:
            self._tell(JobCompleted(**ended))
        elif isinstance(result.error, NoResultError):
            # So TaskIQ says "tried again", while `is_err` stays true.
            self._tell(JobRetrying(**ended))
        else:
            error = result.error
            told = JobFailed(**ended, error_type=type(error).__name__, error=str(error)[:_ERROR_LENGTH])
            self._tell(told, error)

    # Telling.

    def _tell_queued(self, message: TaskiqMessage) -> None:
        # Only the first time: of the others "retrying" tells. A label that is no time is not of our making.
        if attempt_of(message) == 1:
            with contextlib.suppress(ValueError):
                queued_at = datetime.fromisoformat(str(message.labels.get(_QUEUED_AT)))
                self._tell(JobQueued(task_id=message.task_id, name=message.task_name, queued_at=queued_at))

    def _tell(self, event: JobEvent, error: BaseException | None = None) -> None:
        # That it waited is no news by the time a worker says so.
        level = logging.ERROR if error else logging.DEBUG if isinstance(event, JobQueued) else logging.INFO
        again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
        _log.log(level, "%s %s %s%s", event.name, event.task_id, event.in_words, again, exc_info=error)
        try:
            self._events.put_nowait(event)
        except asyncio.QueueFull:
            self._lose(event, "too many wait for the broker")

    def _lose(self, event: JobEvent, why: object) -> None:
        self.lost += 1
        _log.warning("nobody will hear that %s is %s: %s", event.task_id, event.NAME, why)

    async def _flush(self) -> None:
        """Publish the events one after the other, so that a job's life is told in order."""
        event: JobEvent | None = None
        while True:
            try:
                # Before there is anything to tell, so that "queued" does not come after a fast worker's "started".
                async with Publisher(settings=self._settings) as publisher:
                    while True:
                        event = event or await self._events.get()
                        if event is None:
                            return
                        await self._publish(publisher, event)
                        event = None
            except BrokerError as error:
                # For as long as it takes: the queue is the bound.
                _log.info("job events wait for the broker: %s", error)
                await asyncio.sleep(_RECONNECT_SECONDS)

    async def _publish(self, publisher: Publisher, event: JobEvent) -> None:
        # Deterministic, so that telling twice is telling once.
        event_id = f"{event.task_id}.{event.attempt}.{event.NAME}"
        try:
            position = await publisher.publish(event, id=event_id, expect_last=self._expected(event))
        except SequenceConflict:
            # It is told already, or another worker was faster and its news is newer.
            return
        except (NotPermitted, UsageError) as error:
            self._lose(event, error)
            return
        if isinstance(event, JobStarted):
            self._started[event.task_id, event.attempt] = position.sequence

    def _expected(self, event: JobEvent) -> int | None:
        """The job's newest event, behind which this one is still true: a fast worker may have gone on already."""
        match event:
            case JobQueued():
                return 0
            case JobAttemptEnded():
                started = self._started.pop((event.task_id, event.attempt), None)
                return started if isinstance(event, JobRetrying) else None
            case _:
                return None

    def __repr__(self) -> str:
        return f"<JobLife {self._events.qsize()} waiting, {self.lost} lost>"


def attempt_of(message: TaskiqMessage) -> int:
    """Which attempt this message asks for, from 1: retries and requeues count up in the labels."""
    return 1 + _count(message, "_retries") + _count(message, "X-Taskiq-requeue")


def _count(message: TaskiqMessage, label: str) -> int:
    text = str(message.labels.get(label, ""))
    return int(text) if text.isdecimal() else 0
