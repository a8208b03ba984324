"""The laws of one unbroken line: nothing twice, nothing out of order, no hole without a name."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, Gap, StoredEvent
from pulse_radar.stream.merge import coalesce, follow, opening
from tests.stream.entries import event, events, expired, numbers, reset, unreadable

POSITIONS = range(1, 13)
STEADY: list[Entry] = [
    *map(event, POSITIONS),
    *map(unreadable, POSITIONS),
    *(expired(first, first + more) for first in POSITIONS for more in range(5)),
]

cursors = st.sampled_from(range(13))
lines = st.lists(st.sampled_from(STEADY), max_size=8)
broken_lines = st.lists(st.sampled_from([*STEADY, *map(reset, range(13))]), max_size=8)


@given(cursors, broken_lines)
def test_a_line_has_no_hole_and_goes_on_where_the_cursor_is(cursor: int, entries: list[Entry]) -> None:
    for piece in follow(cursor, entries):
        assert piece.first in (None, cursor + 1)
        cursor = piece.last


@given(cursors, lines)
def test_a_line_holds_every_new_event_and_no_other(cursor: int, entries: list[Entry]) -> None:
    line = follow(cursor, entries)
    told = {number for piece in line if isinstance(piece, Gap) for number in span(piece)}
    seen = numbers(line)
    assert seen == sorted(set(seen))
    assert set(seen) <= set(numbers(entries))
    assert {number for number in numbers(entries) if number > cursor} <= set(seen) | told


@given(cursors, broken_lines)
def test_a_line_followed_again_is_the_same(cursor: int, entries: list[Entry]) -> None:
    line = follow(cursor, entries)
    assert follow(cursor, line) == line


@given(cursors, lines)
def test_what_comes_again_adds_nothing(cursor: int, entries: list[Entry]) -> None:
    assert follow(cursor, [*entries, *entries]) == follow(cursor, entries)


@given(cursors, broken_lines, broken_lines)
def test_a_line_does_not_depend_on_how_it_was_cut(cursor: int, head: list[Entry], tail: list[Entry]) -> None:
    first = follow(cursor, head)
    middle = first[-1].last if first else cursor
    assert follow(cursor, [*head, *tail]) == first + follow(middle, tail)


@given(cursors, broken_lines)
def test_a_coalesced_line_says_the_same_in_fewer_words(cursor: int, entries: list[Entry]) -> None:
    line = follow(cursor, entries)
    told = tuple(coalesce(line))
    assert [piece for piece in told if isinstance(piece, StoredEvent)] == [
        piece for piece in line if isinstance(piece, StoredEvent)
    ]
    assert [slot for piece in told for slot in reasons(piece)] == [
        slot for piece in line for slot in reasons(piece)
    ]
    assert not any(touch(earlier, later) for earlier, later in pairwise(told))
    assert tuple(coalesce(told)) == told


def test_a_missing_number_becomes_a_gap() -> None:
    assert follow(1, [event(2), event(5)]) == (event(2), expired(3, 4), event(5))


def test_a_gap_that_is_half_known_is_told_from_where_we_are() -> None:
    assert follow(5, [expired(3, 8)]) == (expired(6, 8),)
    assert follow(8, [expired(3, 8)]) == ()


def test_a_reset_may_take_the_numbers_down() -> None:
    assert follow(100, [event(101), reset(10), event(11)]) == (event(101), reset(10), event(11))


def test_neighbouring_unreadable_events_are_one_gap() -> None:
    line: list[Entry] = [unreadable(1), unreadable(2), event(3), unreadable(4), expired(5, 6), expired(7, 9)]
    assert list(coalesce(line)) == [
        Gap(1, 2, GapReason.UNREADABLE),
        event(3),
        unreadable(4),
        expired(5, 9),
    ]


def test_two_resets_stay_two() -> None:
    assert list(coalesce([reset(5), reset(9)])) == [reset(5), reset(9)]


EXTENTS = [
    Extent(origin, origin + lost, origin + lost + kept - 1)
    for origin in range(1, 6)
    for lost in range(5)
    for kept in range(6)
]


@given(st.sampled_from(range(21)), st.sampled_from(EXTENTS))
def test_a_reader_is_told_exactly_what_it_missed(after: int, extent: Extent) -> None:
    missed = opening(after, extent)
    stands = after if missed is None else missed.last
    if after == 0:
        assert missed is None
    elif not extent.origin - 1 <= after <= extent.last:
        assert missed == reset(extent.first - 1)
    elif missed is not None:
        assert missed == expired(after + 1, extent.first - 1)
    assert after == 0 or extent.first - 1 <= stands <= extent.last
    assert opening(stands, extent) is None or after == 0 or stands == 0


def test_a_reader_of_the_first_event_missed_nothing() -> None:
    assert opening(9, Extent(origin=10, first=10, last=12)) is None
    assert opening(12, Extent(origin=10, first=13, last=12)) is None


def test_a_cursor_of_an_earlier_stream_is_void() -> None:
    assert opening(8, Extent(origin=10, first=10, last=12)) == reset(9)
    assert opening(13, Extent(origin=10, first=11, last=12)) == reset(10)


def test_an_entry_knows_where_it_begins_and_ends() -> None:
    assert [(entry.first, entry.last) for entry in events(3, 4)] == [(3, 3), (4, 4)]


def span(gap: Gap) -> range:
    assert gap.first is not None
    return range(gap.first, gap.last + 1)


def reasons(piece: Entry) -> list[tuple[int | None, str]]:
    """Each number that a piece speaks about, with what it says."""
    if isinstance(piece, StoredEvent):
        return [(piece.sequence, "event")]
    if piece.first is None:
        return [(None, f"reset to {piece.last}")]
    return [(number, piece.reason.value) for number in span(piece)]


def touch(earlier: Entry, later: Entry) -> bool:
    return (
        isinstance(earlier, Gap)
        and isinstance(later, Gap)
        and earlier.reason is later.reason
        and later.first == earlier.last + 1
    )
