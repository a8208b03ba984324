"""A burst is told in pieces: nothing is lost or moved between them, and none is much too large."""

from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.stream.entry import Entry, StoredEvent
from pulse_radar.stream.reading import parts, size_of

entries = st.lists(st.integers(1, 300), max_size=30).map(
    lambda sizes: tuple(StoredEvent(number, None, b"x" * size) for number, size in enumerate(sizes, 1))
)


@given(entries, st.integers(1, 500))
def test_parts_are_the_same_entries_in_the_same_order(burst: tuple[Entry, ...], limit: int) -> None:
    assert tuple(entry for part in parts(burst, limit) for entry in part) == burst


@given(entries, st.integers(1, 500))
def test_a_part_is_no_larger_than_allowed_unless_it_is_one_event(
    burst: tuple[Entry, ...], limit: int
) -> None:
    for part in parts(burst, limit):
        assert len(part) == 1 or sum(map(size_of, part)) <= limit
