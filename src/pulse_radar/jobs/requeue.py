"""Putting a job into its queue once more, with the arguments that were told of it."""

from typing import Any, Final, Protocol

from pulse_radar.jobs.errors import CannotRetry
from pulse_radar.jobs.life import Arguments, Job

__all__ = ["ATTEMPT", "Requeue", "TaskiqRequeue", "arguments_of"]

# The label that says which attempt it is, where somebody said "once more" after the job's end.
ATTEMPT: Final = "pulse_attempt"


class Requeue(Protocol):
    """Puts jobs into their queue again."""

    def check(self, job: Job) -> None:
        """Raises: CannotRetry, where it cannot be."""

    async def put(self, job: Job, attempt: int) -> None:
        """Queue it under the same id, as this attempt."""


class TaskiqRequeue:
    """By a TaskIQ broker that knows the tasks."""

    def __init__(self, broker: Any) -> None:
        self._broker = broker

    def check(self, job: Job) -> None:
        arguments_of(job)
        if self._broker.find_task(job.name) is None:
            raise CannotRetry(
                f"this app does not know the task {job.name!r}: import the module that defines it"
            )

    async def put(self, job: Job, attempt: int) -> None:
        arguments = arguments_of(job)
        task = self._broker.find_task(job.name)
        kicker = task.kicker().with_task_id(job.task_id).with_labels(**{ATTEMPT: attempt})
        await kicker.kiq(*arguments.args, **arguments.kwargs)


def arguments_of(job: Job) -> Arguments:
    """What the job was called with. Raises: CannotRetry, where the server does not have all of it."""
    if job.arguments is None:
        raise CannotRetry(
            "its arguments are not kept on the server: PulseMiddleware(arguments=True) keeps them"
        )
    if job.arguments.withheld is not None:
        raise CannotRetry(f"its arguments are not all kept on the server: {job.arguments.withheld}")
    return job.arguments
