"""The laws of joining what is known of a job, attacked by Hypothesis; and what a worker says that takes one up."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.jobs.events import event_of, job_of
from pulse_radar.jobs.life import Ending, Job, JobState, Moment, Progress, known_of, pick_up, rank_of

STATES: tuple[JobState, ...] = (
    "queued",
    "started",
    "progress",
    "cancelling",
    "lost",
    "retrying",
    "failed",
    "cancelled",
    "completed",
)
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(second: int) -> datetime:
    return BEGAN + timedelta(seconds=second)


def fact(
    state: JobState, second: int = 0, *, attempt: int = 1, by: str | None = None, number: int | None = None
) -> Job:
    """What somebody says who knows only this."""
    ended = state in {"failed", "retrying", "completed"}
    return Job(
        task_id="job",
        name="work",
        attempt=attempt,
        moments=(Moment(state, at(second), by or ("w1" if state == "started" else None)),),
        queued_at=at(second) if state == "queued" else None,
        progress=None if number is None else Progress(number, at(second), number),
        ending=Ending(rank_of(state), at(second), 1.0, "ValueError", "no") if ended else None,
    )


facts = st.lists(
    st.builds(
        fact,
        st.sampled_from(STATES),
        st.integers(0, 5),
        attempt=st.integers(1, 3),
        by=st.sampled_from([None, "w1", "w2"]),
        number=st.none() | st.integers(1, 4),
    ),
    min_size=1,
    max_size=12,
)


@given(facts, st.randoms(use_true_random=False))
def test_whatever_the_order_and_however_often_it_is_told_the_job_is_the_same(told, random) -> None:  # type: ignore[no-untyped-def]
    again = told + random.sample(told, random.randint(0, len(told)))
    random.shuffle(again)
    assert known_of(again) == known_of(told)


@given(facts, facts, facts)
def test_joining_is_associative(one: list[Job], two: list[Job], three: list[Job]) -> None:
    a, b, c = known_of(one), known_of(two), known_of(three)
    assert a.joined(b).joined(c) == a.joined(b.joined(c))


@given(facts, st.data())
def test_losing_news_from_the_middle_changes_nothing_of_the_end(told: list[Job], data: st.DataObject) -> None:
    whole = known_of(told)
    final = max(told, key=lambda one: (one.attempt, one.rank))
    rest = data.draw(st.lists(st.sampled_from(told)))
    assert known_of([*rest, final]).state == whole.state
    assert known_of([*rest, final]).attempt == whole.attempt


@given(facts)
def test_a_job_never_goes_back(told: list[Job]) -> None:
    known = [known_of(told[: count + 1]) for count in range(len(told))]
    for earlier, later in pairwise(known):
        assert (later.attempt, later.rank) >= (earlier.attempt, earlier.rank)
        assert [moment.rank for moment in later.moments] == sorted({moment.rank for moment in later.moments})


@given(facts)
def test_an_event_says_all_that_is_known_of_the_newest_attempt(told: list[Job]) -> None:
    known = known_of(told)
    if known.state in {"failed", "completed"} and known.ending is None:
        return
    event = event_of(known)
    back = job_of(event.NAME, event.model_dump(mode="json"))
    assert back is not None
    assert (back.attempt, back.moments, back.progress) == (known.attempt, known.moments, known.progress)
    assert not back.joined(known).is_news_after(back)


def test_queued_after_started_does_not_go_back() -> None:
    known = known_of([fact("started", 2), fact("queued", 1)])
    assert known.state == "started"
    assert [moment.state for moment in known.moments] == ["queued", "started"]
    assert not known.is_news_after(fact("started", 2))


def test_a_retry_is_above_everything_of_the_attempt_before() -> None:
    assert known_of([fact("completed", 9), fact("queued", 10, attempt=2)]).state == "queued"


def test_an_error_of_an_attempt_is_forgotten_with_it() -> None:
    known = known_of([fact("retrying", 3), fact("started", 4, attempt=2)])
    assert known.ending is None


def test_nothing_is_known_of_no_job() -> None:
    with pytest.raises(ValueError, match="nothing is known"):
        known_of([])


def taken(second: int, by: str = "w2", attempt: int = 1) -> Job:
    return fact("started", second, by=by, attempt=attempt)


def says(known: Job | None, worker: Job) -> list[tuple[JobState, int]]:
    return [(job.state, job.attempt) for job in pick_up(known, worker).says]


def test_a_worker_takes_up_what_was_queued() -> None:
    assert says(None, taken(1)) == [("started", 1)]
    assert says(fact("queued"), taken(1)) == [("started", 1)]
    # Of the attempts before nothing is known any more.
    assert says(None, taken(1, attempt=3)) == [("started", 3)]
    assert says(fact("queued"), taken(1, attempt=3)) == [("started", 3)]


@pytest.mark.parametrize("state", ["started", "progress", "lost"])
def test_a_job_that_another_worker_left_behind_is_retried(state: JobState) -> None:
    known = known_of([fact("queued"), fact("started", 1), fact(state, 2)])
    assert says(known, taken(9)) == [("retrying", 1), ("started", 2)]


@pytest.mark.parametrize("state", ["retrying", "failed", "completed"])
def test_an_attempt_that_ended_is_followed_by_the_next(state: JobState) -> None:
    assert says(known_of([fact("started", 1), fact(state, 2)]), taken(9)) == [("started", 2)]


@pytest.mark.parametrize("before", [["queued"], ["started"], ["started", "lost"]])
def test_a_job_that_was_cancelled_meanwhile_is_not_begun(before: list[JobState]) -> None:
    known = known_of([*(fact(state, 1) for state in before), fact("cancelling", 2)])
    taking = pick_up(known, taken(9))
    assert taking.is_refused
    assert [job.state for job in taking.says] == ["cancelled"]
    # Nor when it comes once more, since the answer to that was lost.
    again = pick_up(taking.says[-1], taken(10))
    assert again.is_refused
    assert again.says == ()


def test_a_cancelled_job_runs_when_it_is_queued_again() -> None:
    known = known_of([fact("cancelled", 2), fact("queued", 3, attempt=2)])
    assert says(known, taken(9, attempt=2)) == [("started", 2)]


def test_a_message_that_comes_once_more_after_the_job_was_queued_again_is_not_begun() -> None:
    lost = known_of([fact("queued"), fact("started", 1), fact("lost", 5)])
    again = lost.joined(fact("queued", 6, attempt=2))
    assert pick_up(again, taken(7)).is_refused
    assert says(again, taken(7, attempt=2)) == [("started", 2)]
    running = again.joined(taken(7, attempt=2))
    assert pick_up(running, taken(8)).is_refused
    # A job of the same id is another job when that one has ended.
    done = running.joined(fact("completed", 9, attempt=2))
    assert says(done, taken(10)) == [("started", 3)]


def test_who_took_it_up_already_says_nothing_twice() -> None:
    assert says(taken(1), taken(1)) == []
