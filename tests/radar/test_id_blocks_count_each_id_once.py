"""Blocks of message ids, attacked: any ids, in any order, by any number of ingestions."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.radar.ingestion.id_block import IDS_PER_BLOCK, IdBlock, block_key, mask_of

ids = st.lists(st.integers(0, IDS_PER_BLOCK - 1), max_size=30)
marks = st.lists(st.tuples(ids, st.sampled_from(["a", "b", "c"])), max_size=20)


@given(marks)
def test_every_id_is_counted_for_whoever_marked_it_first(marks: list[tuple[list[int], str]]) -> None:
    block, first = IdBlock(), dict[int, str]()
    for some, ingestion in marks:
        block = block.adding(mask_of(some), ingestion)
        for one in some:
            first.setdefault(one, ingestion)
    assert block.bits == mask_of(first)
    for ingestion in ("a", "b", "c"):
        assert block.added_by.get(ingestion, 0) == list(first.values()).count(ingestion)


@given(marks)
def test_a_block_is_read_as_it_was_written(marks: list[tuple[list[int], str]]) -> None:
    block = IdBlock()
    for some, ingestion in marks:
        block = block.adding(mask_of(some), ingestion)
    assert IdBlock.decode(block.encode()) == block


@given(st.integers(-(2**40), 2**40), st.integers(-(2**40), 2**40))
def test_two_messages_never_share_a_bit(one: int, other: int) -> None:
    same = (block_key(1, one), mask_of([one])) == (block_key(1, other), mask_of([other]))
    assert same == (one == other)


def test_a_block_remembers_only_the_latest_ingestions() -> None:
    block = IdBlock()
    for number in range(100):
        block = block.adding(1 << number, f"ingestion-{number}")
    assert len(block.added_by) < 20
    assert "ingestion-99" in block.added_by
    assert len(block.encode()) < 2_000


def test_foreign_bytes_are_no_block() -> None:
    with pytest.raises(msgspec.DecodeError):
        IdBlock.decode(b"hello")
