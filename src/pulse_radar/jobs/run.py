"""One attempt of a job in this process: what it says of itself, and whether it is asked to stop.

The hooks of a queue call it in the event loop; the job itself calls `update` from wherever it runs, a thread, too.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from pulse_radar.jobs.journal import Seen
from pulse_radar.jobs.life import Ending, Job, JobState, Moment, Progress, pick_up, rank_of
from pulse_radar.jobs.pace import Pace
from pulse_radar.jobs.stopped import Stopped
from pulse_radar.jobs.teller import Note, Teller
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
        # Which attempt it is, the broker knows; until then it is what the message says.
        self.attempt = taken.attempt
        self.is_refused = False
        self.is_stopping = False
        self.reason: str | None = None
        # What it failed with, for a queue that decides later what that means.
        self.error: BaseException | None = None
        # The one in whose midst this one runs, where a queue runs jobs at once.
        self.outer: Run | None = None
        self._teller = teller
        self._stop = stop
        self._stopped_by = stopped_by
        self._began = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._seen: Seen | None = None
        self._is_told = False
        self._pace = Pace()
        # What `update` shares with the loop.
        self._lock = threading.Lock()
        self._progress: Progress | None = None
        self._is_due = False
        self._timer: asyncio.TimerHandle | None = None
        self.has_ended = False

    def begin(self, seen: Seen | None) -> None:
        """Say that it began; or refuse to, for a job that was cancelled meanwhile."""
        if seen is not None and seen.job is not None:
            taking = pick_up(seen.job, self.taken)
            self.is_refused, self.attempt = taking.is_refused, taking.attempt
        self._seen = seen
        state = "cancelled" if self.is_refused else "started"
        self._log(state)
        self._note(state, self._taking_up)

    def cancel(self, reason: str | None) -> None:
        """Ask it to stop."""
        if self.is_stopping or self.has_ended:
            return
        self.is_stopping, self.reason = True, None if reason is None else told_text(reason)
        self._say("cancelling")
        self._stop(self)

    def update(self, done: float, total: float | None, message: str | None) -> None:
        """It is so far. From any thread. Raises: Stopped."""
        if self.is_stopping or self.is_refused:
            raise self._stopped_by(self.reason or "the job was cancelled")
        with self._lock:
            before = self._progress
            if message is None and before is not None:
                message = before.message
            self._progress = Progress(
                number=1 if before is None else before.number + 1,
                at=datetime.now(UTC),
                done=done,
                total=total if total is not None or before is None else before.total,
                message=None if message is None else told_text(message),
            )
            if self._is_due:
                return
            self._is_due = True
        # A worker that ends has closed its loop: nobody is told any more.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._pace_out)

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

    def _pace_out(self) -> None:
        if self.has_ended:
            return
        delay = self._pace.due_in(time.monotonic())
        if delay > 0:
            self._timer = self._loop.call_later(delay, self._tell_progress)
        else:
            self._tell_progress()

    def _tell_progress(self) -> None:
        with self._lock:
            self._is_due = False
            progress = self._progress
        if progress is not None:
            self._pace.told(time.monotonic())
            self._say("progress", progress=progress)

    def _end(self, state: JobState, ending: Ending | None, traced: BaseException | None = None) -> None:
        if self.has_ended:
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._is_due:
            # The last one is told, however soon after the one before.
            self._tell_progress()
        self.has_ended = True
        # Of one that was not to begin all is said.
        if not self.is_refused:
            self._log(f"{state} after {self.duration_seconds:.1f} s", ending, traced)
            self._say(state, ending=ending)

    def _ending(self, state: JobState, error: BaseException | None = None, result: object = None) -> Ending:
        return Ending(
            rank=rank_of(state),
            at=datetime.now(UTC),
            duration_seconds=self.duration_seconds,
            error_type=None if error is None else type(error).__name__,
            error=None if error is None else _text_of(error),
            result=result,  # type: ignore[arg-type]  # made JSON by whoever shows it
        )

    def _say(self, state: JobState, progress: Progress | None = None, ending: Ending | None = None) -> None:
        at = ending.at if ending is not None else datetime.now(UTC)
        # Read when it is told: by then it is known which attempt this is.
        moment = Moment(state, at, self.taken.worker)

        def change(known: Job | None) -> Sequence[Job]:
            says = self._taking_up(known)
            known = says[-1] if says else known
            assert known is not None, "it was taken up"
            if state == "progress" and known.state == "lost" and known.attempt == self.attempt:
                return [*says, self._found_again(known, moment, progress)]
            fact = replace(
                self.taken,
                attempt=self.attempt,
                moments=(moment,),
                progress=progress,
                ending=ending,
                reason=self.reason,
            )
            return [*says, known.joined(fact)]

        self._note(state, change)

    def _found_again(self, lost: Job, moment: Moment, progress: Progress | None) -> Job:
        """It was given up while its worker was out of hearing, and is at work all the same: another attempt."""
        self.attempt = lost.attempt + 1
        started = Moment("started", moment.at, moment.by)
        again = replace(self.taken, attempt=self.attempt, moments=(started, moment), progress=progress)
        return again.joined(lost)

    def _taking_up(self, known: Job | None) -> Sequence[Job]:
        """What is to be told first, where its beginning is not known yet."""
        if known is not None and self._is_known_to(known):
            return ()
        taking = pick_up(known, self._taken_so_far)
        if taking.is_refused and not self.is_refused:
            # It runs already: there was no time to look, and it was not to begin.
            self._loop.call_soon(self.cancel, None if known is None else known.reason)
            begun = replace(self.taken, attempt=taking.attempt + 1, moments=self.taken.moments[-1:])
            taking = pick_up(None, begun)
        self.attempt = taking.attempt
        return taking.says

    def _is_known_to(self, known: Job) -> bool:
        if self.taken.moments[-1] in known.moments:
            return True
        # Others went on with it, or it was found again after it was given up.
        return self._is_told and known.attempt >= self.attempt

    @property
    def _taken_so_far(self) -> Job:
        return replace(self.taken, attempt=self.attempt) if self._is_told else self.taken

    def _log(self, what: str, ending: Ending | None = None, traced: BaseException | None = None) -> None:
        failed = ending is not None and ending.rank == rank_of("failed")
        why = f": {ending.error}" if ending is not None and ending.error is not None else ""
        again = f" (attempt {self.attempt})" if self.attempt > 1 else ""
        level = logging.ERROR if failed else logging.INFO
        _log.log(level, "%s %s %s%s%s", self.taken.name, self.task_id, what, why, again, exc_info=traced)

    def _note(self, what: str, change: Callable[[Job | None], Sequence[Job]]) -> None:
        self._teller.tell(Note(self.task_id, what, change, lambda: self._seen, self._remember))

    def _remember(self, seen: Seen) -> None:
        self._seen, self._is_told = seen, True


def _text_of(error: BaseException) -> str:
    try:
        return told_text(str(error))
    except Exception:  # noqa: BLE001 (somebody else's __str__)
        return "an error that cannot say what it is"
