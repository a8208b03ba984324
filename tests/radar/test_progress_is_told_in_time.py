"""The numbers of an ingestion: how far, how fast, how long, how often told."""

from pulse_radar.radar.ingestion.progress import Progress


def progress(total: int = 1_000, now: float = 100.0) -> Progress:
    made = Progress("i1", "result.json")
    made.begin(total, now)
    return made


def test_the_rate_and_the_time_to_go_follow_from_what_is_done() -> None:
    one = progress()
    one.done = 200
    told = one.tell(102.0, 200, "running")
    assert (told.rate, told.eta_seconds) == (100.0, 8.0)


def test_nothing_is_known_before_anything_is_done() -> None:
    told = progress().tell(100.0, 0, "running")
    assert (told.total, told.done, told.rate, told.eta_seconds) == (1_000, 0, 0.0, None)


def test_a_total_that_is_being_counted_is_unknown() -> None:
    told = Progress("i1", "result.json").tell(100.0, 0, "counting")
    assert (told.total, told.eta_seconds) == (None, None)


def test_it_is_due_ten_times_a_second() -> None:
    one = progress()
    assert one.is_due(100.0)
    one.tell(100.0, 0, "running")
    assert not one.is_due(100.09)
    assert one.is_due(100.11)


def test_what_is_done_is_added_or_skipped() -> None:
    one = progress()
    one.done = 300
    told = one.tell(101.0, 120, "running")
    assert (told.done, told.added, told.skipped) == (300, 120, 180)


def test_an_ingestion_taken_up_again_never_says_that_more_is_added_than_done() -> None:
    one = progress()
    one.done = 200
    told = one.tell(101.0, 900, "running")
    assert (told.done, told.added, told.skipped) == (200, 200, 0)


def test_the_end_leaves_nothing_to_go() -> None:
    one = progress()
    one.done = 1_000
    assert one.tell(104.0, 1_000, "completed").eta_seconds == 0.0
    assert one.tell(104.0, 1_000, "failed", "broken").eta_seconds is None
