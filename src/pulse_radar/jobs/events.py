"""The life of jobs as typed events on `monitoring`, each with its attempt's moments so far."""

from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from pulse_radar.brokers.topic_spec import StateTopic
from pulse_radar.durations import Duration, seconds_of
from pulse_radar.errors import InvalidEvent
from pulse_radar.events import Event
from pulse_radar.jobs.life import MAX_MOMENTS, Arguments, Ending, Job, JobState, Moment, Progress, rank_of

__all__ = [
    "JOB_EVENTS",
    "MONITORING",
    "AnyJobEvent",
    "JobArguments",
    "JobCancelled",
    "JobCancelling",
    "JobCompleted",
    "JobEnded",
    "JobEvent",
    "JobFailed",
    "JobLost",
    "JobProgressTold",
    "JobProgressed",
    "JobQueued",
    "JobRetrying",
    "JobStarted",
    "JobTransition",
    "event_of",
    "job_of",
    "monitoring_topic",
]

MONITORING: Final = "monitoring"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class JobTransition(_Part):
    """The attempt came into this state; `by` says who noticed."""

    state: JobState
    at: datetime
    by: str | None = None


class JobProgressTold(_Part):
    """How far a job is; `total` and `message` where the job says so."""

    number: int
    at: datetime
    done: float
    total: float | None = None
    message: str | None = None


class JobArguments(_Part):
    """What it was called with. `withheld`: why that is not all, so that nobody can call it again from here."""

    args: list[JsonValue] = []
    kwargs: dict[str, JsonValue] = {}
    withheld: str | None = None


class JobEvent(Event, topic=MONITORING, key="task_id"):
    """Something happened to a job. `attempt` counts from 1: retries, and what a dead worker left behind.

    `transitions` are those of this attempt, at most 20. `arguments` and results only where they are asked for.
    """

    task_id: str
    name: str
    attempt: int = 1
    transitions: list[JobTransition] = Field(max_length=MAX_MOMENTS)
    queued_at: datetime | None = None
    started_at: datetime | None = None
    worker: str | None = None
    progress: JobProgressTold | None = None
    arguments: JobArguments | None = None


class JobQueued(JobEvent):
    """It waits for a worker."""


class JobStarted(JobEvent):
    """A worker began an attempt."""


class JobProgressed(JobEvent, name="job_progress"):
    """It is so far."""


class JobCancelling(JobEvent):
    """It was asked to stop: it will soon, or when a worker would begin with it."""

    reason: str | None = None


class JobLost(JobEvent):
    """Its worker is not heard of any more."""


class JobEnded(JobEvent):
    """An attempt ended; how, is said by what is made of this."""

    ended_at: datetime
    duration_seconds: float


class JobRetrying(JobEvent):
    """This attempt came to nothing, and the job waits for a worker again."""

    error_type: str | None = None
    error: str | None = None


class JobFailed(JobEnded):
    """It failed, for good."""

    error_type: str
    error: str


class JobCancelled(JobEvent):
    """It was stopped, or never begun."""

    reason: str | None = None


class JobCompleted(JobEnded):
    """It is done."""

    result: JsonValue = None


AnyJobEvent: TypeAlias = (
    JobQueued
    | JobStarted
    | JobProgressed
    | JobCancelling
    | JobLost
    | JobRetrying
    | JobFailed
    | JobCancelled
    | JobCompleted
)

_CLASSES: Final[dict[JobState, type[AnyJobEvent]]] = {
    "queued": JobQueued,
    "started": JobStarted,
    "progress": JobProgressed,
    "cancelling": JobCancelling,
    "lost": JobLost,
    "retrying": JobRetrying,
    "failed": JobFailed,
    "cancelled": JobCancelled,
    "completed": JobCompleted,
}

JOB_EVENTS: Final = tuple(_CLASSES.values())

_BY_NAME: Final = {model.NAME: model for model in JOB_EVENTS}


def monitoring_topic(keep: Duration = "24h", max_jobs: int = 50_000) -> StateTopic:
    """The topic of jobs: a job is forgotten when nothing happened to it for so long.

    `max_jobs`: about a kilobyte each, in every API process; beyond it new jobs are not shown.
    """
    return StateTopic(MONITORING, ttl_seconds=seconds_of(keep), max_keys=max_jobs, max_bytes=256 * 1024**2)


def event_of(job: Job) -> AnyJobEvent:
    """The event that says what is known of a job. Raises: InvalidEvent, InvalidKey."""
    model = _CLASSES[job.state]
    told: dict[str, Any] = {
        "task_id": job.task_id,
        "name": job.name,
        "attempt": job.attempt,
        "transitions": msgspec.to_builtins(job.moments[-MAX_MOMENTS:]),
        "queued_at": job.queued_at,
        "started_at": None if (started := job.moment("started")) is None else started.at,
        "worker": job.worker,
        "progress": None if job.progress is None else msgspec.to_builtins(job.progress),
        "arguments": None if job.arguments is None else msgspec.to_builtins(job.arguments),
        "reason": job.reason,
    }
    if job.ending is not None:
        told |= msgspec.to_builtins(job.ending) | {"ended_at": job.ending.at}
    try:
        return model.model_validate({name: told[name] for name in model.model_fields if name in told})
    except ValidationError as error:
        raise InvalidEvent(f"the job {job.task_id} cannot be told: {error}") from error


def job_of(name: str, data: object) -> Job | None:
    """What an event says of its job; None, where it is not of our making."""
    model = _BY_NAME.get(name)
    if model is None:
        return None
    try:
        event = model.model_validate(data)
        return _job(event)
    except (ValidationError, ValueError):
        return None


def _job(event: AnyJobEvent) -> Job:
    told = event.model_dump()
    return Job(
        task_id=event.task_id,
        name=event.name,
        attempt=event.attempt,
        moments=tuple(Moment(one.state, one.at, one.by) for one in event.transitions),
        queued_at=event.queued_at,
        progress=None if event.progress is None else Progress(**told["progress"]),
        ending=_ending(event),
        arguments=None if event.arguments is None else _arguments(event.arguments),
        reason=told.get("reason"),
    )


def _arguments(told: JobArguments) -> Arguments:
    return Arguments(tuple(told.args), dict(told.kwargs), told.withheld)


def _ending(event: AnyJobEvent) -> Ending | None:
    match event:
        case JobFailed():
            return Ending(
                rank_of("failed"), event.ended_at, event.duration_seconds, event.error_type, event.error
            )
        case JobCompleted():
            return Ending(rank_of("completed"), event.ended_at, event.duration_seconds, result=event.result)
        case JobRetrying(error=str()):
            at = event.transitions[-1].at
            return Ending(rank_of("retrying"), at, 0.0, event.error_type, event.error)
        case _:
            return None
