"""A job's life as a value: what is known of it, whatever the order in which it was heard.

What somebody knows of a job is a `Job`, and two of them are `joined`: the later attempt counts, and within an attempt
the state of the highest rank. Joining is commutative, associative and idempotent, so that late, repeated and
missing news lead everybody to the same end.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, Self, get_args

import msgspec
from msgspec.structs import replace

from pulse_radar.protocol.json_value import JsonValue

__all__ = [
    "MAX_MOMENTS",
    "Arguments",
    "Ending",
    "Job",
    "JobState",
    "Moment",
    "PickUp",
    "Progress",
    "known_of",
    "pick_up",
    "rank_of",
]

# In the order of their rank. That it is lost may be an error: whatever its worker says later counts. A job that ended
# twice, in two workers that did not know of each other, is done if one of them did it.
JobState = Literal[
    "queued", "started", "progress", "cancelling", "lost", "retrying", "failed", "cancelled", "completed"
]

_RANK: Final[dict[JobState, int]] = {state: rank for rank, state in enumerate(get_args(JobState))}

# Each state comes once in an attempt; more is somebody else's event, which is cut.
MAX_MOMENTS: Final = 20

_OVER: Final[frozenset[JobState]] = frozenset({"failed", "cancelled", "completed"})
_AT_WORK: Final[frozenset[JobState]] = frozenset({"started", "progress", "cancelling"})


class Moment(msgspec.Struct, frozen=True):
    """When an attempt came into a state, and who says so: the worker, or whoever missed it."""

    state: JobState
    at: datetime
    by: str | None = None

    @property
    def rank(self) -> int:
        return _RANK[self.state]

    @property
    def place(self) -> tuple[datetime, str]:
        """Of two that tell the same, the first counts."""
        return self.at, self.by or ""


class Progress(msgspec.Struct, frozen=True):
    """How far it is, the `number`-th time that it said so."""

    number: int
    at: datetime
    done: float
    total: float | None = None
    message: str | None = None


class Ending(msgspec.Struct, frozen=True):
    """How an attempt ended, at a moment; the error of one that failed, the result where it is told."""

    rank: int
    at: datetime
    duration_seconds: float
    error_type: str | None = None
    error: str | None = None
    result: JsonValue = None


class Arguments(msgspec.Struct, frozen=True):
    """What a job was called with, where that is told. `withheld` says why it is not all of it."""

    args: tuple[JsonValue, ...] = ()
    kwargs: dict[str, JsonValue] = {}
    withheld: str | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a job: its newest attempt, with the moments of that in the order of their rank."""

    task_id: str
    name: str
    attempt: int = 1
    moments: tuple[Moment, ...]
    queued_at: datetime | None = None
    progress: Progress | None = None
    ending: Ending | None = None
    arguments: Arguments | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        if not self.moments:
            raise ValueError(f"nothing is known of the job {self.task_id}")

    @property
    def state(self) -> JobState:
        return self.moments[-1].state

    @property
    def rank(self) -> int:
        return self.moments[-1].rank

    @property
    def is_over(self) -> bool:
        """It ended, and is not tried again."""
        return self.state in _OVER

    @property
    def worker(self) -> str | None:
        """Who runs this attempt, or ran it."""
        started = self.moment("started")
        return None if started is None else started.by

    @property
    def is_cancelled(self) -> bool:
        """It was asked to stop, and has not come to another end."""
        return self.state == "cancelled" or (self.moment("cancelling") is not None and not self.is_over)

    @property
    def is_at_work(self) -> bool:
        """A worker has it, as far as is known."""
        return self.state in _AT_WORK and self.worker is not None

    def moment(self, state: JobState) -> Moment | None:
        return next((moment for moment in self.moments if moment.state == state), None)

    def joined(self, other: Self) -> Self:
        """All that either of them knows."""
        if other.attempt > self.attempt:
            return other.joined(self)
        whole = replace(
            self,
            queued_at=_least(self.queued_at, other.queued_at),
            arguments=self.arguments or other.arguments,
        )
        if other.attempt < self.attempt:
            return whole
        return replace(
            whole,
            moments=_united((*self.moments, *other.moments)),
            progress=_newest(self.progress, other.progress),
            ending=_last(self.ending, other.ending),
            reason=min((text for text in (self.reason, other.reason) if text is not None), default=None),
        )

    def is_news_after(self, before: "Job | None") -> bool:
        """Whether this says more than that: another attempt, another state, or more done."""
        return before is None or _news(self) != _news(before)

    def __repr__(self) -> str:
        return f"<Job {self.name} {self.task_id}: {self.state}, attempt {self.attempt}>"


class PickUp(msgspec.Struct, frozen=True):
    """What a worker that takes a job up has to say of it, in this order; and whether it is not to run at all."""

    says: tuple[Job, ...]
    attempt: int
    is_refused: bool = False


def pick_up(known: Job | None, taken: Job) -> PickUp:
    """What it means that a worker took this job up, for `taken` as it would be if nothing were known.

    Who took it up before and was not heard of since is gone, and that attempt with it.
    """
    if known is None:
        return PickUp((taken,), taken.attempt)
    if taken.moments[-1] in known.moments:
        # It was told already, and the answer was lost.
        return PickUp((), known.attempt)
    begun = replace(taken, moments=taken.moments[-1:])
    if known.is_cancelled:
        return PickUp(_cancelled(known, begun), known.attempt, is_refused=True)
    if _is_overtaken(known, taken):
        return PickUp((), known.attempt, is_refused=True)
    if known.state == "queued" and taken.attempt <= known.attempt:
        return PickUp((known.joined(replace(begun, attempt=known.attempt)),), known.attempt)
    attempt = max(known.attempt + 1, taken.attempt)
    return PickUp((*_retried(known, begun), replace(begun, attempt=attempt).joined(known)), attempt)


def _cancelled(known: Job, taken: Job) -> tuple[Job, ...]:
    now = taken.moments[-1]
    cancelled = replace(known, moments=(Moment("cancelled", now.at, now.by),))
    return () if known.state == "cancelled" else (known.joined(cancelled),)


def _is_overtaken(known: Job, taken: Job) -> bool:
    """Whether it was lost and somebody had it queued again, and now the first message comes once more after all."""
    return known.moment("queued") is not None and not known.is_over and taken.attempt < known.attempt


def _retried(known: Job, taken: Job) -> tuple[Job, ...]:
    """That an attempt which nobody ended is tried again."""
    if known.is_over or known.rank >= _RANK["retrying"] or known.state == "queued":
        return ()
    now = taken.moments[-1]
    return (known.joined(replace(known, moments=(Moment("retrying", now.at, now.by),))),)


def known_of(facts: Iterable[Job]) -> Job:
    """What is known after all of them. Raises: ValueError, of none."""
    known: Job | None = None
    for fact in facts:
        known = fact if known is None else known.joined(fact)
    if known is None:
        raise ValueError("nothing is known of no job")
    return known


def rank_of(state: JobState) -> int:
    """Where a state is in an attempt's life."""
    return _RANK[state]


def _news(job: Job) -> tuple[object, ...]:
    return job.attempt, job.rank, job.progress


def _united(moments: tuple[Moment, ...]) -> tuple[Moment, ...]:
    first: dict[JobState, Moment] = {}
    for moment in moments:
        known = first.get(moment.state)
        if known is None or moment.place < known.place:
            first[moment.state] = moment
    return tuple(sorted(first.values(), key=lambda moment: moment.rank))


def _newest(one: Progress | None, other: Progress | None) -> Progress | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda progress: (progress.number, progress.at))


def _last(one: Ending | None, other: Ending | None) -> Ending | None:
    if one is None or other is None:
        return one or other
    return max(one, other, key=lambda ending: (ending.rank, -ending.at.timestamp()))


def _least(one: datetime | None, other: datetime | None) -> datetime | None:
    if one is None or other is None:
        return one or other
    return min(one, other)
