"""Background jobs on TaskIQ and JetStream: queued once, done at least once, paused and gone on with."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pulse_radar.radar.jobs.queue import JobQueue, open_job_queue
    from pulse_radar.radar.jobs.worker import run_worker

__all__ = ["JobQueue", "open_job_queue", "run_worker"]

# Imported when they are first asked for: an app that shows jobs needs no TaskIQ.
_HOMES: Final = {"JobQueue": "queue", "open_job_queue": "queue", "run_worker": "worker"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
