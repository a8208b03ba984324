"""Putting a job into TaskIQ's queue once more, with the arguments that were told of it."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from pulse_radar.jobs.errors import CannotRetry
from pulse_radar.jobs.life import Job

__all__ = ["ATTEMPT", "arguments_of", "requeue_by"]

# The label that says which attempt it is, where somebody said "once more" after the job's end.
ATTEMPT: Final = "pulse_attempt"


def requeue_by(broker: Any) -> Callable[[Job, int], Awaitable[None]]:
    """By this broker, which must know the task. Raises, when it is called: CannotRetry."""

    async def requeue(job: Job, attempt: int) -> None:
        args, kwargs = arguments_of(job)
        task = broker.find_task(job.name)
        if task is None:
            raise CannotRetry(f"this app does not know the task {job.name!r}: import the module that has it")
        await task.kicker().with_task_id(job.task_id).with_labels(**{ATTEMPT: attempt}).kiq(*args, **kwargs)

    return requeue


def arguments_of(job: Job) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the job was called with. Raises: CannotRetry, where the server does not have all of it."""
    if job.arguments is None:
        raise CannotRetry("its arguments are not kept on the server: PulseMiddleware(arguments=True)")
    if job.arguments.withheld is not None:
        raise CannotRetry(f"its arguments are not kept on the server: {job.arguments.withheld}")
    return job.arguments.args, job.arguments.kwargs
