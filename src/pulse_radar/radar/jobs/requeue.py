"""Putting a job of the application into its queue again, from an app process."""

from pulse_radar.jobs.life import Job
from pulse_radar.jobs.requeue import arguments_of
from pulse_radar.settings import Settings

__all__ = ["QueueAgain"]


class QueueAgain:
    """Opens the queue when it is needed: nobody retries a thousand jobs a second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self, job: Job) -> None:
        arguments_of(job)

    async def put(self, job: Job, attempt: int) -> None:
        """Raises: BrokerUnavailable, BrokerRefused, CannotRetry."""
        # TaskIQ is an extra, and an app that only shows jobs does without.
        from pulse_radar.radar.jobs.queue import open_job_queue

        async with open_job_queue(self._settings) as queue:
            await queue.again(job, attempt)
