"""Putting a job of the application into its queue again, from an app process."""

from pathlib import Path

from pulse_radar.jobs.errors import CannotRetry
from pulse_radar.jobs.life import Job
from pulse_radar.jobs.requeue import arguments_of
from pulse_radar.radar.ingestion.following import is_needed
from pulse_radar.radar.uploads import is_upload
from pulse_radar.settings import Settings

__all__ = ["QueueAgain"]


class QueueAgain:
    """Opens the queue when it is needed: nobody retries a thousand jobs a second."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def check(self, job: Job) -> None:
        path = Path(str(arguments_of(job).args[0]))
        if is_upload(path, self._settings) and not (is_needed(job) and path.exists()):
            raise CannotRetry(
                "what was uploaded is not kept any more: upload it again, and only what is new is added"
            )

    async def put(self, job: Job, attempt: int) -> None:
        """Raises: BrokerUnavailable, BrokerRefused, CannotRetry."""
        # TaskIQ is an extra, and an app that only shows jobs does without.
        from pulse_radar.radar.jobs.queue import open_job_queue

        async with open_job_queue(self._settings) as queue:
            await queue.again(job, attempt)
