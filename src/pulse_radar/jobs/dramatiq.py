"""Jobs of Dramatiq, told live by one line: `broker.add_middleware(PulseMiddleware())`."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from dramatiq import Middleware
from dramatiq.middleware import SkipMessage

from pulse_radar.jobs.harmless import harmless
from pulse_radar.jobs.journal import source_of
from pulse_radar.jobs.run import current_run
from pulse_radar.jobs.teller import TellerStats
from pulse_radar.jobs.threaded import ThreadedWorker
from pulse_radar.settings import Settings

if TYPE_CHECKING:
    from dramatiq import Broker, Message, MessageProxy

__all__ = ["PulseMiddleware"]


class PulseMiddleware(Middleware):
    """Publishes the life of each job on `monitoring`; a cancelled one is skipped, at its next `progress.update`.

    `broker`: a URL, else `PULSE_BROKER`. Raises: InvalidSetting, BrokerRefused.
    """

    def __init__(self, broker: str | Settings | None = None) -> None:
        self._worker = ThreadedWorker(source_of(broker), stopped_by=SkipMessage)

    def stats(self) -> TellerStats:
        return self._worker.stats()

    # What Dramatiq calls; all of one job in one thread.

    def after_enqueue(self, broker: "Broker", message: "Message[Any]", delay: int | None) -> None:
        # Only the first time: of the others "retrying" tells.
        with harmless():
            if _attempt_of(message) == 1:
                at = datetime.fromtimestamp(message.message_timestamp / 1000, UTC)
                self._worker.queued(message.message_id, message.actor_name, at)

    def before_process_message(self, broker: "Broker", message: "MessageProxy") -> None:
        current_run.set(None)
        with harmless():
            run = self._worker.take(message.message_id, message.actor_name, _attempt_of(message))
            current_run.set(run)
        if (taken := current_run.get()) is not None and taken.is_refused:
            raise SkipMessage("cancelled before it began")

    def after_process_message(
        self,
        broker: "Broker",
        message: "MessageProxy",
        *,
        result: Any = None,
        exception: BaseException | None = None,
    ) -> None:
        run = current_run.get()
        if run is not None:
            run.error = exception

    def after_skip_message(self, broker: "Broker", message: "MessageProxy") -> None:
        run = current_run.get()
        if run is not None:
            current_run.set(None)
            with harmless():
                self._worker.ended(run, "cancelled" if run.is_stopping or run.is_refused else "completed")

    def after_ack(self, broker: "Broker", message: "MessageProxy") -> None:
        # By now it is decided whether an error is tried again.
        self._end(is_failed=False)

    def after_nack(self, broker: "Broker", message: "MessageProxy") -> None:
        self._end(is_failed=True)

    def after_worker_shutdown(self, broker: "Broker", worker: Any) -> None:
        self._worker.close()

    def _end(self, *, is_failed: bool) -> None:
        run = current_run.get()
        if run is None:
            return
        current_run.set(None)
        with harmless():
            if run.error is None and not is_failed:
                self._worker.ended(run, "completed")
            else:
                self._worker.ended(run, "failed" if is_failed else "retrying", run.error)


def _attempt_of(message: "Message[Any] | MessageProxy") -> int:
    retries = message.options.get("retries", 0)
    return 1 + (retries if isinstance(retries, int) else 0)
