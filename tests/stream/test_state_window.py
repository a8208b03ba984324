"""The window of a state topic against a model that sorts everything anew."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.stream.entry import Entry, Extent, StoredEvent
from pulse_radar.stream.reading import Ahead, Replay, UpToDate
from pulse_radar.stream.state_window import Standing, StateReading, StateWindow
from tests.stream.entries import event, expired, numbers, reset, unreadable

ALL = 1_000_000


def made(*entries: Entry, limit_deletions: int = 100) -> StateWindow:
    """A window whose topic began at 100 and had nothing."""
    window = StateWindow(start=99, extent=Extent(100, 100, 99), limit_deletions=limit_deletions)
    window.extend(entries)
    return window


def gone(sequence: int, key: str) -> StoredEvent:
    return StoredEvent(sequence, key, b"", is_deletion=True)


def read(
    window: StateWindow, cursor: int, *, since: int | None = None, key: str | None = None
) -> StateReading:
    return window.read(cursor, since=since, key=key, limit_events=ALL, limit_bytes=ALL)


def changes(reading: StateReading) -> list[int]:
    assert isinstance(reading, Replay)
    return numbers(reading.entries)


def test_a_newer_event_takes_the_place_of_the_older_one_and_goes_to_the_end() -> None:
    window = made(event(100, "a"), event(101, "b"), event(102, "a"))
    assert read(window, 99) == Replay((event(101, "b"), event(102, "a")), 102)
    assert window.get("a") == event(102, "a")
    assert len(window) == 2


def test_what_was_superseded_is_no_loss_but_moves_the_position() -> None:
    window = made(event(100, "a"))
    assert window.extend([expired(101, 104), event(105, "b"), expired(106, 109)]) == (event(105, "b"),)
    assert window.last == 109
    assert read(window, 105) == Replay((), 109)


def test_what_is_no_event_and_of_no_key_is_told_once() -> None:
    window = made(event(100, "a"))
    assert window.extend([unreadable(101)]) == (unreadable(101),)
    assert window.extend([unreadable(101)]) == ()


def test_repeats_are_dropped() -> None:
    window = made(event(100, "a"), event(101, "a"))
    assert window.extend([event(100, "a"), event(101, "a"), event(102, "b")]) == (event(102, "b"),)


def test_a_reader_up_to_date_has_nothing_to_read_and_one_ahead_waits() -> None:
    window = made(event(100, "a"))
    assert read(window, 100) == UpToDate()
    assert read(window, 101) == Ahead()


def test_a_deletion_is_among_what_changed_for_whoever_may_know_the_key() -> None:
    window = made(event(100, "a"), event(101, "b"), gone(102, "a"), event(103, "c"))
    assert changes(read(window, 101)) == [102, 103]
    # Who began a snapshot at 102 was not given the key, and need not hear that it is gone.
    assert changes(read(window, 100, since=102)) == [101, 103]
    assert changes(read(window, 100, since=101)) == [101, 102, 103]


def test_who_was_given_all_it_knows_here_hears_of_no_key_that_came_and_went_meanwhile() -> None:
    window = made(event(100, "a"), event(101, "b"), event(102, "c"), gone(103, "c"), gone(104, "a"))
    assert changes(read(window, 100, since=99)) == [101, 104]
    # Who comes from elsewhere may have been given it there.
    assert changes(read(window, 100)) == [101, 103, 104]


def test_a_key_that_comes_again_is_as_old_as_it_was_as_long_as_its_deletion_is_remembered() -> None:
    window = made(event(100, "a"), gone(101, "a"), event(102, "a"), gone(103, "a"))
    assert changes(read(window, 100, since=99)) == [103]


def test_what_a_deletion_that_is_forgotten_took_away_is_known_to_whoever_comes_from_elsewhere() -> None:
    window = made(event(100, "a"), event(101, "b"), gone(102, "a"), event(103, "c"))
    deletion = window.get("a")
    assert deletion is not None
    window.forget(deletion)
    assert window.get("a") is None
    for cursor in (0, 99, 101):
        assert window.has_forgotten(cursor)
    assert not window.has_forgotten(102)
    assert changes(read(window, 102)) == [103]


def test_the_oldest_deletions_are_forgotten_first_beyond_their_number() -> None:
    window = made(event(100, "a"), *(gone(101 + n, f"k{n}") for n in range(5)), limit_deletions=3)
    assert window.horizon == 102
    assert changes(read(window, 102)) == [103, 104, 105]
    assert window.has_forgotten(101)


def test_a_deletion_that_was_superseded_is_forgotten_at_no_cost() -> None:
    window = made(gone(100, "a"), event(101, "a"), gone(102, "b"), limit_deletions=1)
    assert window.horizon == 99
    assert changes(read(window, 99)) == [101, 102]


def test_the_horizon_begins_where_the_topic_says() -> None:
    window = StateWindow(start=99, extent=Extent(100, 151, 160), limit_deletions=100)
    assert read(window, 155) == Ahead()
    window.extend([event(120, "a"), event(160, "b")])
    assert window.has_forgotten(149)
    assert changes(read(window, 150)) == [160]
    assert changes(read(window, 0, since=160)) == [120, 160]


def test_it_is_whole_when_it_has_reached_what_was_there() -> None:
    window = StateWindow(start=99, extent=Extent(100, 100, 110), limit_deletions=100)
    window.extend([event(105, "a")])
    assert not window.is_whole
    assert read(window, 105) == Ahead()
    window.extend([expired(106, 110)])
    assert window.is_whole
    assert read(window, 105) == Replay((), 110)


def test_after_a_reset_it_is_whole_again_when_somebody_says_how_far_that_is() -> None:
    window = made(event(100, "a"), event(101, "b"))
    assert window.extend([reset(99), event(101, "b")]) == (reset(99), event(101, "b"))
    assert read(window, 99) == Ahead()
    window.settle(Extent(100, 104, 105))
    assert not window.is_whole
    window.extend([event(103, "c"), expired(104, 105)])
    assert window.has_forgotten(101)
    assert changes(read(window, 0, since=105)) == [101, 103]
    assert window.get("a") is None


def test_one_key_is_read_without_the_others() -> None:
    window = made(event(100, "a"), event(101, "b"), event(102, "a"), gone(103, "c"))
    assert read(window, 99, key="a") == Replay((event(102, "a"),), 103)
    assert read(window, 102, key="a") == Replay((), 103)
    assert changes(read(window, 99, key="c")) == [103]
    assert read(window, 99, since=103, key="c") == Replay((), 103)
    assert read(window, 99, key="nobody") == Replay((), 103)


def test_a_page_has_at_most_so_many_events_or_bytes_but_one_always() -> None:
    window = made(*(event(100 + n, f"k{n}", size=10) for n in range(10)))
    page = window.read(99, since=0, key=None, limit_events=4, limit_bytes=ALL)
    assert page == Replay(tuple(event(100 + n, f"k{n}") for n in range(4)), 103)
    assert window.read(99, since=0, key=None, limit_events=ALL, limit_bytes=25) == Replay(
        (event(100, "k0"), event(101, "k1")), 101
    )
    assert window.read(99, since=0, key=None, limit_events=ALL, limit_bytes=1) == Replay(
        (event(100, "k0"),), 100
    )


def test_its_memory_follows_the_keys_and_not_the_events() -> None:
    window = made()
    for sequence in range(100, 20_000):
        window.extend([event(sequence, f"k{sequence % 7}")])
    assert len(window._slots) == len(window._sequences) < 50
    stats = window.stats()
    assert (stats.keys, stats.deletions, stats.size) == (7, 0, 70)


def test_deletions_that_somebody_else_forgets_or_a_newer_event_takes_over_are_not_kept() -> None:
    window = made(limit_deletions=2**62)
    for _ in range(50):
        window.extend([event(window.last + 1, "a"), gone(window.last + 2, "a")])
        deletion = window.get("a")
        assert deletion is not None
        window.extend([gone(window.last + 1, "b")])
        window.forget(deletion)
    assert len(window._deletions) == 1
    assert window.stats().deletions == 1


class Reader:
    """Somebody who reads a page now and then, and what they believe."""

    def __init__(self, page: int) -> None:
        self._page = page
        self.cursor, self.since = 0, 99
        self.believed: dict[str, int] = {}

    def read(self, window: StateWindow) -> None:
        match window.read(self.cursor, since=self.since, key=None, limit_events=self._page, limit_bytes=ALL):
            case Replay(entries, end):
                for entry in entries:
                    assert isinstance(entry, StoredEvent)
                    self._believe(entry)
                self.cursor = end

    def _believe(self, entry: StoredEvent) -> None:
        assert entry.key is not None
        assert entry.sequence > self.believed.get(entry.key, 0)
        if entry.is_deletion:
            self.believed.pop(entry.key, None)
        else:
            self.believed[entry.key] = entry.sequence


class Readers:
    """A window, and readers of it that are given all they know here."""

    def __init__(self, limit_deletions: int, pages: Sequence[int]) -> None:
        self.all = [Reader(page) for page in pages]
        nothing = Extent(100, 100, 99)
        self.window = StateWindow(
            start=99,
            extent=nothing,
            limit_deletions=limit_deletions,
            standing=lambda: [Standing(reader.cursor, reader.since) for reader in self.all],
        )

    def happen(self, key: str, *, is_deletion: bool) -> None:
        sequence = self.window.last + 1
        self.window.extend([gone(sequence, key) if is_deletion else event(sequence, key)])


CHANGES = st.tuples(st.sampled_from("abcde"), st.booleans())
READINGS = st.integers(0, 1)


@given(st.lists(READINGS | CHANGES, max_size=60), st.tuples(*[st.integers(1, 4)] * 2), st.integers(1, 3))
def test_a_reader_however_slow_comes_to_believe_what_is_true(
    story: list[tuple[str, bool] | int], pages: tuple[int, int], limit_deletions: int
) -> None:
    """In the story something happens to a key, or one of two readers reads a page."""
    readers = Readers(limit_deletions, pages)
    for step in story:
        if isinstance(step, int):
            readers.all[step].read(readers.window)
        else:
            key, is_deletion = step
            readers.happen(key, is_deletion=is_deletion)
    window = readers.window
    true = {key: e.sequence for key in "abcde" if (e := window.get(key)) and not e.is_deletion}
    for reader in readers.all:
        while reader.cursor != window.last:
            reader.read(window)
        assert reader.believed == true


def test_what_nobody_must_hear_of_any_more_is_forgotten_in_time() -> None:
    readers = Readers(limit_deletions=2, pages=[1_000])
    [reader] = readers.all
    for number in range(100):
        readers.happen(f"k{number}", is_deletion=False)
    reader.read(readers.window)
    for number in range(100):
        readers.happen(f"k{number}", is_deletion=True)
    assert readers.window.stats().deletions == 100
    reader.read(readers.window)
    for number in range(200):
        readers.happen(f"x{number}", is_deletion=False)
        readers.happen(f"x{number}", is_deletion=True)
    assert readers.window.stats().deletions == 2
    assert reader.believed == {}
