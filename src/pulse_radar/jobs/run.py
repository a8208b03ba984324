"""One attempt of a job in this process: what it says of itself, and whether it is asked to stop.

The hooks of a queue call it in the event loop; the job itself calls `update` from wherever it runs, a thread, too.
"""

import logging
import time
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

from pulse_radar.jobs.account import Account
from pulse_radar.jobs.journal import Seen
from pulse_radar.jobs.life import Ending, Job, JobState, rank_of
from pulse_radar.jobs.paced_progress import PacedProgress
from pulse_radar.jobs.stopped import Stopped
from pulse_radar.jobs.teller import Teller
from pulse_radar.jobs.texts import told_text

__all__ = ["Run", "current_run"]

_log: Final = logging.getLogger("pulse_radar.jobs")

# Of the asyncio task, and of the thread, that runs the job.
current_run: Final[ContextVar["Run | None"]] = ContextVar("current_run", default=None)


class Run:
    """An attempt under way. `stop` is what really stops it: called in the loop, once."""

    def __init__(
        self,
        taken: Job,
        teller: Teller,
        stop: Callable[["Run"], object],
        stopped_by: type[BaseException] = Stopped,
    ) -> None:
        self.taken: Final = taken
        self.task_id: Final = taken.task_id
        self.is_stopping = False
        self.reason: str | None = None
        # What it failed with, for a queue that decides later what that means.
        self.error: BaseException | None = None
        # The one in whose midst this one runs, where a queue runs jobs at once.
        self.outer: Run | None = None
        self.has_ended = False
        self._stop = stop
        self._stopped_by = stopped_by
        self._began = time.monotonic()
        self._account = Account(taken, teller, on_refused=self.cancel)
        self._progress = PacedProgress(lambda progress: self._account.tell("progress", progress=progress))

    @property
    def attempt(self) -> int:
        """As far as is known."""
        return self._account.attempt

    @property
    def is_refused(self) -> bool:
        """It is not to run: it was cancelled before."""
        return self._account.is_refused

    def begin(self, seen: Seen | None) -> None:
        """Say that it began; or refuse to, for a job that was cancelled meanwhile."""
        self._account.take_up(seen)
        self._log("cancelled" if self.is_refused else "started")

    def cancel(self, reason: str | None) -> None:
        """Ask it to stop."""
        if self.is_stopping or self.has_ended:
            return
        self.is_stopping, self.reason = True, None if reason is None else told_text(reason)
        self._account.tell("cancelling", reason=self.reason)
        self._stop(self)

    def update(self, done: float, total: float | None, message: str | None) -> None:
        """It is so far. From any thread. Raises: Stopped."""
        if self.is_stopping or self.is_refused:
            raise self._stopped_by(self.reason or "the job was cancelled")
        self._progress.make(done, total, message)

    def complete(self, result: object = None) -> None:
        self._end("completed", self._ending("completed", result=result))

    def fail(self, error: BaseException | None, *, shows_traceback: bool = False) -> None:
        self._end("failed", self._ending("failed", error), error if shows_traceback else None)

    def retry(self, error: BaseException | None) -> None:
        """It came to nothing, and is queued again."""
        self._end("retrying", None if error is None else self._ending("retrying", error))

    def stopped(self) -> None:
        """It heeded `cancel`, or was never begun."""
        self._end("cancelled", None)

    def end(self, state: JobState, error: BaseException | None = None) -> None:
        """It ended so."""
        match state:
            case "completed":
                self.complete()
            case "failed":
                self.fail(error)
            case "retrying":
                self.retry(error)
            case _:
                self.stopped()

    @property
    def duration_seconds(self) -> float:
        return round(time.monotonic() - self._began, 3)

    def __repr__(self) -> str:
        return f"<Run of {self.taken.name} {self.task_id}, attempt {self.attempt}>"

    def _end(self, state: JobState, ending: Ending | None, traced: BaseException | None = None) -> None:
        if self.has_ended:
            return
        self._progress.end()
        self.has_ended = True
        # Of one that was not to begin all is said.
        if not self.is_refused:
            self._log(f"{state} after {self.duration_seconds:.1f} s", ending, traced)
            self._account.tell(state, ending=ending, reason=self.reason)

    def _ending(self, state: JobState, error: BaseException | None = None, result: object = None) -> Ending:
        return Ending(
            rank=rank_of(state),
            at=datetime.now(UTC),
            duration_seconds=self.duration_seconds,
            error_type=None if error is None else type(error).__name__,
            error=None if error is None else _text_of(error),
            result=result,  # type: ignore[arg-type]  # made JSON by whoever shows it
        )

    def _log(self, what: str, ending: Ending | None = None, traced: BaseException | None = None) -> None:
        failed = ending is not None and ending.rank == rank_of("failed")
        why = f": {ending.error}" if ending is not None and ending.error is not None else ""
        again = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        level = logging.ERROR if failed else logging.INFO
        _log.log(level, "%s %s %s%s%s", self.taken.name, self.task_id, what, why, again, exc_info=traced)


def _text_of(error: BaseException) -> str:
    try:
        return told_text(str(error))
    except Exception:  # noqa: BLE001 (somebody else's __str__)
        return "an error that cannot say what it is"
