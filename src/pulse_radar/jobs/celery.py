"""Jobs of Celery, told live by one line: `tell_jobs("nats://…")`, where the Celery app is made."""

from datetime import UTC, datetime
from typing import Any, Final

from celery import signals, states  # type: ignore[import-untyped]
from celery.exceptions import Ignore  # type: ignore[import-untyped]

from pulse_radar.jobs.harmless import harmless
from pulse_radar.jobs.journal import source_of
from pulse_radar.jobs.life import JobState
from pulse_radar.jobs.run import current_run
from pulse_radar.jobs.teller import TellerStats
from pulse_radar.jobs.threaded import ThreadedWorker
from pulse_radar.settings import Settings

__all__ = ["CeleryJobs", "tell_jobs"]

_ENDS: Final[dict[str, JobState]] = {
    states.SUCCESS: "completed",
    states.RETRY: "retrying",
    states.FAILURE: "failed",
    states.REVOKED: "cancelled",
    states.REJECTED: "retrying",
}


def tell_jobs(broker: str | Settings | None = None) -> "CeleryJobs":
    """Publish the life of the jobs of all Celery apps of this process on `monitoring`.

    A cancelled job ends, ignored by Celery, at its next `JobProgress().update`. `broker`: a URL, else `PULSE_BROKER`.
    Raises: InvalidSetting, BrokerRefused.
    """
    jobs = CeleryJobs(broker)
    jobs.connect()
    return jobs


class CeleryJobs:
    """Hears Celery's signals."""

    def __init__(self, broker: str | Settings | None = None) -> None:
        self._worker = ThreadedWorker(source_of(broker), stopped_by=Ignore)

    def connect(self) -> None:
        # Celery holds receivers weakly.
        for signal, receiver in self._receivers:
            signal.connect(receiver, weak=False)

    def close(self) -> None:
        """Hear nothing more, and tell what is still to be told."""
        for signal, receiver in self._receivers:
            signal.disconnect(receiver)
        self._worker.close()

    def stats(self) -> TellerStats:
        return self._worker.stats()

    @property
    def _receivers(self) -> tuple[tuple[Any, Any], ...]:
        return (
            (signals.after_task_publish, self._published),
            (signals.task_prerun, self._began),
            (signals.task_postrun, self._ended),
            (signals.task_failure, self._failed),
            (signals.task_retry, self._retried),
            (signals.worker_process_shutdown, self._left),
        )

    # What Celery calls.

    def _published(self, headers: dict[str, Any] | None = None, **_more: Any) -> None:
        # Only the first time: of the others "retrying" tells.
        with harmless():
            if headers is not None and headers.get("task") and not headers.get("retries"):
                self._worker.queued(str(headers["id"]), str(headers["task"]), datetime.now(UTC))

    def _began(self, task_id: str, task: Any, **_more: Any) -> None:
        current_run.set(None)
        with harmless():
            current_run.set(self._worker.take(task_id, task.name, 1 + (task.request.retries or 0)))

    def _failed(self, exception: BaseException | None = None, **_more: Any) -> None:
        if (run := current_run.get()) is not None:
            run.error = exception

    def _retried(self, reason: object = None, **_more: Any) -> None:
        if (run := current_run.get()) is not None:
            cause = getattr(reason, "exc", None)
            run.error = cause if isinstance(cause, BaseException) else None

    def _ended(self, state: str | None = None, **_more: Any) -> None:
        run = current_run.get()
        if run is None:
            return
        current_run.set(None)
        with harmless():
            is_stopped = state == states.IGNORED and (run.is_stopping or run.is_refused)
            self._worker.ended(
                run, "cancelled" if is_stopped else _ENDS.get(state or "", "completed"), run.error
            )

    def _left(self, **_more: Any) -> None:
        self._worker.close()
