"""A window answers what a plain list of entries would, whatever happens to it."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from pulse_radar.stream.entry import Entry, Gap, StoredEvent
from pulse_radar.stream.log_window import LogWindow, LogWindowStats, Reading
from pulse_radar.stream.reading import Ahead, Beyond, Replay, UpToDate
from tests.stream.entries import event, events, expired, reset, unreadable

START = 100
FEW = st.integers(1, 4)


class PlainList:
    """The model: a slot per number in a list, everything found by looking at all of it."""

    def __init__(self, limit_events: int, limit_bytes: int) -> None:
        self.limit_events = limit_events
        self.limit_bytes = limit_bytes
        self.slots: list[Entry] = []
        self.last = START
        # What can be said about the numbers before the slots.
        self.hole: Gap | None = None

    @property
    def floor(self) -> int:
        return self.last - len(self.slots)

    @property
    def size(self) -> int:
        return sum(len(entry.text) for entry in self.slots if isinstance(entry, StoredEvent))

    def take(self, entry: Entry) -> None:
        """An entry that continues the line."""
        if entry.first == entry.last:
            self.slots.append(entry)
        else:
            assert isinstance(entry, Gap)
            self.slots, self.hole = [], entry
        self.last = entry.last

    def shrink(self) -> None:
        while len(self.slots) > self.limit_events or self.size > self.limit_bytes:
            self.drop_oldest()

    def drop_oldest(self) -> None:
        del self.slots[0]
        self.hole = None

    def read(self, cursor: int, limit_events: int, limit_bytes: int) -> Reading:
        if cursor == self.last:
            return UpToDate()
        if cursor > self.last:
            return Ahead()
        if cursor >= self.floor:
            fitting = self._first_that_fit(cursor, limit_events, limit_bytes)
            return Replay(fitting, fitting[-1].last)
        if self.hole is None or cursor == 0:
            return Beyond()
        if self.hole.first is None:
            return self.hole
        if cursor < self.hole.first - 1:
            return Beyond()
        return Gap(cursor + 1, self.hole.last, self.hole.reason)

    def _first_that_fit(self, cursor: int, limit_events: int, limit_bytes: int) -> tuple[Entry, ...]:
        found: list[Entry] = []
        size = 0
        for entry in [entry for entry in self.slots if entry.last > cursor]:
            size += len(entry.text) if isinstance(entry, StoredEvent) else 0
            if len(found) == limit_events or (found and size > limit_bytes):
                break
            found.append(entry)
        return tuple(found)

    def newest(self, count: int, key: str | None) -> int | None:
        if key is None:
            return self.last - count if count <= len(self.slots) else None
        mine = [entry for entry in self.slots if isinstance(entry, StoredEvent) and entry.key == key]
        if count > len(mine):
            return None
        return mine[-count].sequence - 1 if count else self.last


class WindowAndPlainList(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.window = LogWindow(start=START, limit_events=8, limit_bytes=100)
        self.model = PlainList(limit_events=8, limit_bytes=100)
        self.past: list[Entry] = []

    def extend(self, entries: list[Entry], fresh: list[Entry]) -> None:
        """Tell the window these entries, of which only the fresh ones are new, with every hole named."""
        assert self.window.extend(entries) == tuple(fresh)
        for entry in fresh:
            self.model.take(entry)
        self.model.shrink()
        self.past = [*self.past, *fresh][-20:]

    @rule(keys=st.lists(st.sampled_from([None, "a", "b"]), max_size=5), size=st.sampled_from([0, 9, 30, 101]))
    def events_arrive(self, keys: list[str | None], size: int) -> None:
        fresh: list[Entry] = [event(self.model.last + 1 + i, key, size) for i, key in enumerate(keys)]
        self.extend(fresh, fresh)

    @rule(count=FEW)
    def the_same_arrives_again(self, count: int) -> None:
        line = [entry for entry in self.past[-count:] if entry.first is not None]
        again = [entry for entry in line if entry.last <= self.model.last]
        self.extend(again, [])

    @rule(width=FEW)
    def numbers_are_missing(self, width: int) -> None:
        hole = expired(self.model.last + 1, self.model.last + width)
        late = event(hole.last + 1)
        self.extend([late], [hole, late])

    @rule(width=FEW, overlap=st.integers(0, 2))
    def a_gap_is_told(self, width: int, overlap: int) -> None:
        known, last = self.model.last, self.model.last + width
        self.extend([expired(known + 1 - overlap, last)], [expired(known + 1, last)])

    @rule()
    def an_unreadable_event_arrives(self) -> None:
        bad = unreadable(self.model.last + 1)
        self.extend([bad], [bad])

    @rule(last=st.integers(90, 140))
    def the_stream_is_made_anew(self, last: int) -> None:
        self.extend([reset(last)], [reset(last)])
        self.past = []

    @rule(through=st.integers(-2, 5))
    def the_oldest_are_forgotten(self, through: int) -> None:
        position = self.model.floor + through
        self.window.forget(position)
        while self.model.slots and self.model.floor < position:
            self.model.drop_oldest()

    @rule(limit_events=st.integers(1, 8), limit_bytes=st.sampled_from([20, 100]))
    def the_limits_change(self, limit_events: int, limit_bytes: int) -> None:
        self.window.limit(events=limit_events, size=limit_bytes)
        self.model.limit_events, self.model.limit_bytes = limit_events, limit_bytes
        self.model.shrink()

    @rule(back=st.integers(-2, 12), limit_events=FEW, limit_bytes=st.sampled_from([0, 20, 1_000]))
    def it_reads_alike(self, back: int, limit_events: int, limit_bytes: int) -> None:
        for cursor in (self.model.last - back, 0):
            reading = self.window.read(cursor, limit_events=limit_events, limit_bytes=limit_bytes)
            assert reading == self.model.read(cursor, limit_events, limit_bytes)

    @rule(count=st.integers(0, 9), key=st.sampled_from([None, "a"]))
    def it_finds_the_newest_alike(self, count: int, key: str | None) -> None:
        assert self.window.newest(count, key) == self.model.newest(count, key)

    @invariant()
    def it_is_as_full(self) -> None:
        model = self.model
        assert self.window.stats() == LogWindowStats(model.floor, model.last, len(model.slots), model.size)


TestWindowAndPlainList = WindowAndPlainList.TestCase
# A part of the effort: the promise of the hub walks over windows, too.
TestWindowAndPlainList.settings = settings(max_examples=settings().max_examples // 4, stateful_step_count=30)


def window(*entries: Entry, limit_events: int = 100) -> LogWindow:
    made = LogWindow(start=START, limit_events=limit_events, limit_bytes=10_000)
    made.extend(entries)
    return made


def read(made: LogWindow, cursor: int) -> Reading:
    return made.read(cursor, limit_events=100, limit_bytes=10_000)


def test_an_event_larger_than_the_window_is_passed_on_but_not_held() -> None:
    small = LogWindow(start=START, limit_events=10, limit_bytes=50)
    assert small.extend([event(101, size=51)]) == (event(101, size=51),)
    assert small.stats() == LogWindowStats(floor=101, last=101, events=0, size=0)
    assert small.read(100, limit_events=1, limit_bytes=1) == Beyond()


def test_at_least_one_entry_is_read_however_large() -> None:
    made = window(event(101, size=500), event(102))
    assert made.read(100, limit_events=9, limit_bytes=1) == Replay((event(101, size=500),), 101)


def test_what_was_evicted_is_a_question_for_the_broker() -> None:
    made = window(*events(101, 110), limit_events=4)
    assert read(made, 105) == Beyond()
    assert read(made, 106) == Replay(events(107, 110), 110)


def test_a_known_hole_before_the_window_needs_no_question() -> None:
    made = window(event(101), expired(102, 150), event(151))
    assert read(made, 101) == expired(102, 150)
    assert read(made, 120) == expired(121, 150)
    assert read(made, 100) == Beyond()


def test_after_an_eviction_the_hole_is_no_longer_the_whole_truth() -> None:
    made = window(expired(101, 150), *events(151, 154), limit_events=2)
    assert read(made, 120) == Beyond()


def test_everybody_from_before_a_reset_is_told_of_it() -> None:
    made = window(event(101), reset(40), event(41))
    assert read(made, 39) == reset(40)
    assert read(made, 7) == reset(40)
    assert read(made, 101) == Ahead()


def test_a_cursor_of_0_is_a_question_for_the_broker() -> None:
    assert read(window(expired(101, 150)), 0) == Beyond()


def test_the_newest_of_a_key_are_found_among_others() -> None:
    made = window(event(101, "a"), event(102, "b"), unreadable(103), event(104, "a"), event(105, "b"))
    assert [made.newest(count, "a") for count in (0, 1, 2, 3)] == [105, 103, 100, None]
    assert [made.newest(count, None) for count in (0, 2, 5, 6)] == [105, 103, 100, None]


def test_a_window_tells_its_story() -> None:
    assert repr(window(event(101), event(102))) == "<LogWindow 101..102, 20 bytes>"


def test_appending_moves_each_slot_once_at_most() -> None:
    made = window(limit_events=1_000)
    for sequence in range(101, 5_101):
        made.extend([event(sequence)])
    assert made.stats() == LogWindowStats(floor=4_100, last=5_100, events=1_000, size=10_000)
    assert len(made._slots) <= 2_000
