"""Background jobs as events: whatever queue runs them, everybody sees them queued, at work, and done.

broker.add_middlewares(PulseMiddleware())      # in the worker, and where jobs are queued
jobs = Jobs(pulse, TaskiqRequeue(broker))      # in the app: the topic, who is lost, cancel and retry
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pulse_radar.jobs.errors import (
        CannotRetry,
        JobError,
        JobIsNotOver,
        JobIsOver,
        UnknownJob,
        WorkerSilent,
    )
    from pulse_radar.jobs.events import (
        JobArguments,
        JobCancelled,
        JobCancelling,
        JobCompleted,
        JobEvent,
        JobFailed,
        JobLost,
        JobProgressed,
        JobProgressTold,
        JobQueued,
        JobRetrying,
        JobStarted,
        JobTransition,
    )
    from pulse_radar.jobs.jobs import Jobs
    from pulse_radar.jobs.progress import JobProgress
    from pulse_radar.jobs.requeue import Requeue, TaskiqRequeue
    from pulse_radar.jobs.stopped import Stopped
    from pulse_radar.jobs.taskiq import PulseMiddleware

__all__ = [
    "CannotRetry",
    "JobArguments",
    "JobCancelled",
    "JobCancelling",
    "JobCompleted",
    "JobError",
    "JobEvent",
    "JobFailed",
    "JobIsNotOver",
    "JobIsOver",
    "JobLost",
    "JobProgress",
    "JobProgressTold",
    "JobProgressed",
    "JobQueued",
    "JobRetrying",
    "JobStarted",
    "JobTransition",
    "Jobs",
    "PulseMiddleware",
    "Requeue",
    "Stopped",
    "TaskiqRequeue",
    "UnknownJob",
    "WorkerSilent",
]

# Imported when they are first asked for: an app that shows jobs needs no TaskIQ, and a worker no routes.
_HOMES: Final = {
    **dict.fromkeys(__all__, "events"),
    **dict.fromkeys(
        ("CannotRetry", "JobError", "JobIsNotOver", "JobIsOver", "UnknownJob", "WorkerSilent"), "errors"
    ),
    "JobProgress": "progress",
    "Jobs": "jobs",
    "PulseMiddleware": "taskiq",
    **dict.fromkeys(("Requeue", "TaskiqRequeue"), "requeue"),
    "Stopped": "stopped",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
