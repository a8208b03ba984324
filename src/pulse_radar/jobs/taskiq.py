"""Jobs of TaskIQ, told live by one line: `broker.add_middlewares(PulseMiddleware())`."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NoReturn

from taskiq import TaskiqMessage, TaskiqMiddleware, TaskiqResult
from taskiq.exceptions import NoResultError

from pulse_radar.jobs.arguments import SECRETS, Redact, shown_arguments, shown_value
from pulse_radar.jobs.harmless import harmless
from pulse_radar.jobs.journal import source_of
from pulse_radar.jobs.life import Arguments, Job, Moment
from pulse_radar.jobs.requeue import ATTEMPT
from pulse_radar.jobs.run import Run, current_run
from pulse_radar.jobs.stopped import Stopped
from pulse_radar.jobs.teller import TellerStats
from pulse_radar.jobs.worker import Worker
from pulse_radar.settings import Settings

if TYPE_CHECKING:
    from pulse_radar.pulse import Pulse

__all__ = ["PulseMiddleware"]

_log: Final = logging.getLogger("pulse_radar.jobs")
_taskiq_log: Final = logging.getLogger("taskiq")

# The label that says since when a job waits.
_QUEUED_AT: Final = "pulse_queued_at"

# In which both retry middlewares of TaskIQ read whether to try again.
_RETRY: Final = "retry_on_error"


class PulseMiddleware(TaskiqMiddleware):
    """Publishes the life of each job on `monitoring`. Never raises into a job; what nobody hears is counted.

    `pulse`: the Pulse of this process, or a broker's URL, else `PULSE_BROKER`. `arguments`, `results`: whether they
    are told, which `retry` needs; `redact` hides some of them, by names or by a function of name and value.
    Raises: InvalidSetting, BrokerRefused.
    """

    def __init__(
        self,
        pulse: "Pulse | str | Settings | None" = None,
        *,
        arguments: bool = False,
        results: bool = False,
        redact: Redact = SECRETS,
    ) -> None:
        super().__init__()
        self._worker = Worker(source_of(pulse))
        self._tells_arguments = arguments
        self._tells_results = results
        self._redact = redact

    @property
    def worker_id(self) -> str:
        """What this process is called in events."""
        return self._worker.id

    async def startup(self) -> None:
        self._worker.start()

    async def shutdown(self) -> None:
        await self._worker.stop()

    def stats(self) -> TellerStats:
        return self._worker.stats()

    # What TaskIQ calls.

    def pre_send(self, message: TaskiqMessage) -> TaskiqMessage:
        message.labels.setdefault(_QUEUED_AT, datetime.now(UTC).isoformat())
        return message

    def post_send(self, message: TaskiqMessage) -> None:
        # Only the first time: of the others "retrying" tells.
        with harmless():
            if _attempt_of(message) == 1 and (queued_at := _queued_at(message)) is not None:
                self._worker.queued(self._job(message, Moment("queued", queued_at)))

    async def pre_execute(self, message: TaskiqMessage) -> TaskiqMessage:
        outer = current_run.get()
        current_run.set(None)
        with harmless():
            run = await self._worker.take(self._taken(message), self._stopping(message))
            run.outer = outer
            current_run.set(run)
            self._forget_at_the_end(run)
            if run.is_refused:
                _refuse(message)
        return message

    def on_error(self, message: TaskiqMessage, result: TaskiqResult[Any], exception: BaseException) -> None:
        run = current_run.get()
        # A retry middleware puts "no result" in its place.
        if run is not None and not isinstance(exception, NoResultError):
            run.error = exception

    def post_execute(self, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        run = current_run.get()
        if run is None:
            return
        current_run.set(run.outer)
        with harmless():
            self._worker.done(run)
            self._end(run, message, result)

    def _end(self, run: Run, message: TaskiqMessage, result: TaskiqResult[Any]) -> None:
        error = result.error
        if run.is_stopping:
            _forget_cancelling()
        if not result.is_err:
            run.complete(shown_value(result.return_value) if self._tells_results else None)
        elif (run.is_stopping or run.is_refused) and isinstance(error, asyncio.CancelledError):
            if run.is_refused:
                message.kwargs = dict.copy(message.kwargs)
            run.stopped()
        elif isinstance(error, NoResultError):
            # So TaskIQ says "tried again", while `is_err` stays true.
            run.retry(run.error)
        else:
            # TaskIQ shows it itself, unless it was told to be quiet.
            run.fail(error, shows_traceback=not _taskiq_log.isEnabledFor(logging.ERROR))

    def _forget_at_the_end(self, run: Run) -> None:
        """A hook of somebody else that raises may keep us from being told of the end."""
        job = asyncio.current_task()
        if job is not None:
            job.add_done_callback(lambda _job: self._worker.done(run))

    def _stopping(self, message: TaskiqMessage) -> Callable[[Run], object]:
        """How a job that runs is stopped: in the loop for real, in a thread by its next `progress.update`."""
        job = asyncio.current_task()
        task = self.broker.find_task(message.task_name)
        runs_in_loop = task is not None and inspect.iscoroutinefunction(task.original_func)

        def stop(run: Run) -> None:
            # Who asked for its end does not want it again.
            message.labels[_RETRY] = False
            if runs_in_loop and job is not None:
                job.cancel(run.reason or "cancelled")

        return stop

    # What is told of a message.

    def _taken(self, message: TaskiqMessage) -> Job:
        begun = Moment("started", datetime.now(UTC), self._worker.id)
        queued_at = _queued_at(message)
        is_first = _attempt_of(message) == 1
        queued = () if queued_at is None or not is_first else (Moment("queued", queued_at),)
        return self._job(message, *queued, begun)

    def _job(self, message: TaskiqMessage, *moments: Moment) -> Job:
        return Job(
            task_id=message.task_id,
            name=message.task_name,
            attempt=_attempt_of(message),
            moments=moments,
            queued_at=_queued_at(message),
            arguments=self._arguments(message) if self._tells_arguments else None,
        )

    def _arguments(self, message: TaskiqMessage) -> Arguments:
        task = self.broker.find_task(message.task_name)
        names = () if task is None else tuple(inspect.signature(task.original_func).parameters)
        try:
            return shown_arguments(message.args, message.kwargs, names, self._redact)
        except Exception as error:  # noqa: BLE001 (somebody else's function)
            _log.warning("the function that redacts arguments of %s raised", message.task_name, exc_info=True)
            return Arguments(withheld=f"they could not be redacted: {type(error).__name__}")

    def __repr__(self) -> str:
        return f"<PulseMiddleware {self._worker!r}>"


class _Refusing(dict[str, Any]):
    """Arguments of a job that is not to run.

    TaskIQ gives hooks no way to say so; but it takes the arguments where it would take an error of the job.
    """

    def keys(self) -> NoReturn:
        raise Stopped("cancelled before it began")

    def __iter__(self) -> NoReturn:
        raise Stopped("cancelled before it began")


def _refuse(message: TaskiqMessage) -> None:
    message.labels[_RETRY] = False
    message.kwargs = _Refusing(message.kwargs)


def _forget_cancelling() -> None:
    """The job is stopped; whoever runs it still has to acknowledge that."""
    job = asyncio.current_task()
    while job is not None and job.cancelling():
        job.uncancel()


def _attempt_of(message: TaskiqMessage) -> int:
    """Which attempt this message asks for, from 1: retries and requeues count up in the labels."""
    counts = _count(message, "_retries") + _count(message, "X-Taskiq-requeue")
    return max(1, _count(message, ATTEMPT)) + counts


def _count(message: TaskiqMessage, label: str) -> int:
    text = str(message.labels.get(label, ""))
    return int(text) if text.isdecimal() else 0


def _queued_at(message: TaskiqMessage) -> datetime | None:
    """Since when it waits; None, where the label is not of our making."""
    try:
        at = datetime.fromisoformat(str(message.labels.get(_QUEUED_AT)))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None
