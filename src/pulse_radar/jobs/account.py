"""What is told of one attempt of a job, fitted to what is known of that job by the time at which it is told."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from msgspec.structs import replace

from pulse_radar.jobs.journal import Seen
from pulse_radar.jobs.life import Ending, Job, JobState, Moment, Progress, pick_up
from pulse_radar.jobs.teller import Note, Teller

__all__ = ["Account"]


class Account:
    """The attempt as others know it. Which attempt it is, the broker knows; until then it is what the message says."""

    def __init__(self, taken: Job, teller: Teller, *, on_refused: Callable[[str | None], None]) -> None:
        """`on_refused`: called with the reason, where it is known only after it began that it was not to begin."""
        self.taken: Final = taken
        self.attempt = taken.attempt
        # It was cancelled before it was taken up: it is not to run.
        self.is_refused = False
        self._teller = teller
        self._on_refused = on_refused
        self._loop = asyncio.get_running_loop()
        # What is known of the job, None where that is to be looked up.
        self._seen: Seen | None = None
        self._is_told = False

    def take_up(self, seen: Seen | None) -> None:
        """Tell that it began, or was refused; `seen`: what is known of the job, where that is known at once."""
        if seen is not None and seen.job is not None:
            taking = pick_up(seen.job, self.taken)
            self.is_refused, self.attempt = taking.is_refused, taking.attempt
        self._seen = seen
        self._note("cancelled" if self.is_refused else "started", self._taking_up)

    def tell(
        self,
        state: JobState,
        *,
        progress: Progress | None = None,
        ending: Ending | None = None,
        reason: str | None = None,
    ) -> None:
        """It is in this state now; `reason`: why it was asked to stop, if it was."""
        at = ending.at if ending is not None else datetime.now(UTC)
        moment = Moment(state, at, self.taken.worker)
        fact = replace(self.taken, moments=(moment,), progress=progress, ending=ending, reason=reason)
        self._note(state, lambda known: self._telling(fact, known))

    def __repr__(self) -> str:
        return f"<Account of {self.taken.name} {self.taken.task_id}, attempt {self.attempt}>"

    def _telling(self, fact: Job, known: Job | None) -> Sequence[Job]:
        says = self._taking_up(known)
        known = says[-1] if says else known
        assert known is not None, "it was taken up"
        if fact.state == "progress" and known.state == "lost" and known.attempt == self.attempt:
            return [*says, self._found_again(known, fact)]
        # By now it is known which attempt this is.
        return [*says, known.joined(replace(fact, attempt=self.attempt))]

    def _found_again(self, lost: Job, fact: Job) -> Job:
        """It was given up while its worker was out of hearing, and is at work all the same: another attempt."""
        self.attempt = lost.attempt + 1
        [moment] = fact.moments
        moments = (Moment("started", moment.at, moment.by), moment)
        return replace(fact, attempt=self.attempt, moments=moments).joined(lost)

    def _taking_up(self, known: Job | None) -> Sequence[Job]:
        """What is to be told first, where its beginning is not known yet."""
        if known is not None and self._is_known_to(known):
            return ()
        taking = pick_up(known, self._taken_so_far)
        if taking.is_refused and not self.is_refused:
            # It runs already: there was no time to look, and it was not to begin.
            self._loop.call_soon(self._on_refused, None if known is None else known.reason)
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

    def _note(self, what: str, change: Callable[[Job | None], Sequence[Job]]) -> None:
        self._teller.tell(Note(self.taken.task_id, what, change, lambda: self._seen, self._remember))

    def _remember(self, seen: Seen) -> None:
        self._seen, self._is_told = seen, True
