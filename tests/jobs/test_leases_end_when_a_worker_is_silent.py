"""When a job counts as lost: by time, which these tests hand in."""

from pulse_radar.jobs.leases import GONE_SECONDS, SILENT_SECONDS, Leases
from pulse_radar.jobs.pace import Pace


def leases() -> Leases:
    made = Leases()
    made.at_work("a", "w1", 7)
    made.at_work("b", "w1", 8)
    made.at_work("c", "w2", 9)
    return made


def test_each_worker_is_asked_about_its_jobs() -> None:
    assert leases().by_worker == {"w1": ["a", "b"], "w2": ["c"]}


def test_a_job_whose_worker_answers_is_never_lost() -> None:
    some = leases()
    for second in range(100):
        some.answered(["a", "b"], ["a", "b"], second)
        assert some.lost(second) == []


def test_a_job_whose_worker_is_gone_is_lost_soon_and_one_whose_worker_is_silent_later() -> None:
    some = leases()
    some.unanswered(["a", "b"], 100.0, is_gone=True)
    some.unanswered(["c"], 100.0, is_gone=False)
    assert some.lost(100.0 + GONE_SECONDS - 0.1) == []
    assert some.lost(100.0 + GONE_SECONDS) == [("a", 7), ("b", 8)]
    assert ("c", 9) in some.lost(100.0 + SILENT_SECONDS)


def test_a_job_that_its_worker_does_not_know_is_lost_although_the_worker_lives() -> None:
    some = leases()
    some.answered(["a", "b"], ["a"], 100.0)
    some.answered(["a", "b"], ["a"], 100.0 + GONE_SECONDS)
    assert some.lost(100.0 + GONE_SECONDS) == [("b", 8)]


def test_a_worker_that_comes_back_in_time_loses_nothing() -> None:
    some = leases()
    some.unanswered(["c"], 100.0, is_gone=True)
    some.answered(["c"], ["c"], 103.0)
    some.unanswered(["c"], 103.5, is_gone=True)
    assert some.lost(104.5) == []


def test_what_could_not_be_asked_is_held_against_nobody() -> None:
    some = leases()
    some.unanswered(["c"], 100.0, is_gone=True)
    some.excuse(["c"])
    assert some.lost(1_000.0) == []


def test_a_word_of_the_worker_is_a_sign_of_life() -> None:
    some = leases()
    some.unanswered(["c"], 100.0, is_gone=True)
    some.at_work("c", "w2", 10)
    assert some.lost(1_000.0) == []


def test_a_job_that_ended_is_asked_about_no_more() -> None:
    some = leases()
    some.at_rest("c")
    some.at_rest("never heard of")
    assert some.by_worker == {"w1": ["a", "b"]}
    some.forget()
    assert some.by_worker == {}


def test_progress_is_due_at_once_and_then_ten_times_a_second() -> None:
    pace = Pace()
    assert pace.due_in(100.0) == 0
    pace.told(100.0)
    assert 0.09 < pace.due_in(100.0) <= 0.1
    assert pace.due_in(100.2) == 0
