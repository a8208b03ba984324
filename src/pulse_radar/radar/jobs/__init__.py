"""Background jobs on TaskIQ and JetStream: queued once, done at least once, their life told live."""

from pulse_radar.radar.jobs.queue import JobQueue, open_job_queue
from pulse_radar.radar.jobs.worker import run_worker

__all__ = ["JobQueue", "open_job_queue", "run_worker"]
