"""The clients of a process: what goes wrong with one wire ends one client, and each gets what is its in one write."""

import asyncio

from pulse_radar.hub.inputs import Closed, Congested, Input, Misbehaved, Overflowed, Writable
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server.batch import Batch
from pulse_radar.server.transport import CONGESTED_BYTES, LOW_WATER_BYTES
from tests.server.wires import LIMIT, Process, StalledWire, Wire


async def told_of(*wires: Wire) -> list[Input]:
    """What is told when a batch is written to clients on these wires, named by their places."""
    process = Process()
    names = [str(place) for place in range(len(wires))]
    for name, wire in zip(names, wires, strict=True):
        process.add(name, wire)
    process.sessions.send((*names, "gone"), Batch([b"{}"]))
    await asyncio.sleep(0)
    return process.told


async def test_one_that_cannot_be_written_to_ends_and_the_others_are_served() -> None:
    before, broken, after = Wire(), Wire(is_broken=True), Wire()
    [ended] = await told_of(before, broken, after)
    assert isinstance(ended, Misbehaved)
    assert (ended.connection_id, ended.code) == ("1", CloseCode.INTERNAL_ERROR)
    assert before.written == after.written == [b"{}"]


async def test_a_slow_one_is_told_of_and_one_that_is_too_slow() -> None:
    slow, too_slow = Wire(unsent_bytes=CONGESTED_BYTES + 1), Wire(unsent_bytes=LIMIT + 1)
    told = await told_of(slow, too_slow, Wire(unsent_bytes=CONGESTED_BYTES))
    assert told == [Congested("0"), Overflowed("1")]


async def test_that_one_is_slow_is_told_once_until_it_has_room_also_while_its_page_is_written() -> None:
    process, wire = Process(), Wire(unsent_bytes=CONGESTED_BYTES + 1)
    session = process.add("a", wire)
    process.sessions.await_writable("a")
    for _ in range(3):
        process.sessions.send(("a",), Batch([b"{}"]))
        await asyncio.sleep(0)
    assert process.told == [Congested("a")]
    wire.unsent_bytes = 0
    session.writable()
    process.sessions.take_turn("a")
    wire.unsent_bytes = CONGESTED_BYTES + 1
    process.sessions.send(("a",), Batch([b"{}"]))
    await asyncio.sleep(0)
    assert process.told == [Congested("a"), Writable("a"), Congested("a")]


async def test_one_that_leaves_is_told_of_and_no_longer_there() -> None:
    process, wire = Process(), Wire(unsent_bytes=7)
    session = process.add("a", wire)
    assert (len(process.sessions), process.sessions.unsent_bytes()) == (1, [7])
    process.sessions.send(("a",), Batch([b"{}"]))
    session.closed()
    await asyncio.sleep(0)
    assert process.told == [Closed("a")]
    assert (len(process.sessions), process.sessions.unsent_bytes()) == (0, [])
    assert wire.written == []


async def test_what_is_sent_in_one_turn_is_one_write_in_its_order() -> None:
    process, both, one = Process(), Wire(), Wire()
    process.add("both", both)
    process.add("one", one)
    process.sessions.send(("both",), Batch([b"1"]))
    process.sessions.send(("one", "both"), Batch([b"2", b"3"]))
    process.sessions.send(("both", "one"), Batch([b"4"]))
    assert both.writes == 0
    await asyncio.sleep(0)
    assert (both.writes, both.written) == (1, [b"1", b"2", b"3", b"4"])
    assert (one.writes, one.written) == (1, [b"2", b"3", b"4"])


async def test_those_who_have_the_same_to_come_share_it() -> None:
    process, wires = Process(), [Wire() for _ in range(3)]
    for name, wire in zip("abc", wires, strict=True):
        process.add(name, wire)
    process.sessions.send(("a", "b", "c"), Batch([b"1"]))
    process.sessions.send(("a", "b"), Batch([b"2"]))
    first, second, third = process.sessions._unwritten._of_each.values()
    assert first is second
    assert third is not first


async def test_before_it_is_closed_it_gets_what_was_sent() -> None:
    process, wire = Process(), Wire()
    process.add("a", wire)
    process.sessions.send(("a",), Batch([b"1"]))
    process.sessions.close("a", 4002, "")
    assert (wire.written, wire.closed_with) == ([b"1"], 4002)
    await asyncio.sleep(0)
    assert wire.writes == 1


async def test_many_are_written_to_in_slices_and_the_loop_runs_in_between() -> None:
    process, wires = Process(), [Wire() for _ in range(1_200)]
    names = tuple(str(place) for place in range(len(wires)))
    for name, wire in zip(names, wires, strict=True):
        process.add(name, wire)
    process.sessions.send(names, Batch([b"1"]))
    await asyncio.sleep(0)
    assert (wires[0].writes, wires[-1].writes) == (1, 0)
    # Sent meanwhile: behind what the last ones have not got yet, and once more to the first.
    process.sessions.send(names, Batch([b"2"]))
    await process.sessions.breathe()
    assert all(wire.written == [b"1", b"2"] for wire in wires)
    assert (wires[0].writes, wires[-1].writes) == (2, 1)


async def test_of_groups_that_change_no_more_is_kept_than_of_a_few() -> None:
    process = Process()
    for name in "abc":
        process.add(name, Wire())
    for _ in range(1_000):
        # The hub makes a new tuple whenever a group has changed.
        process.sessions.send(tuple(process.sessions._members), Batch([b"{}"]))
        await asyncio.sleep(0)
    assert len(process.sessions._groups) <= 64


async def test_who_is_full_again_when_its_turn_comes_gets_no_page_and_asks_anew() -> None:
    process, wire = Process(), Wire()
    session = process.add("a", wire)
    process.sessions.await_writable("a")
    assert process.asked == ["a"]
    wire.unsent_bytes = LOW_WATER_BYTES + 1
    process.sessions.take_turn("a")
    assert process.told == []
    wire.unsent_bytes = 0
    session.writable()
    assert process.asked == ["a", "a"]
    process.sessions.take_turn("a")
    process.sessions.take_turn("gone")
    assert process.told == [Writable("a")]


async def test_what_is_not_written_yet_counts_where_there_is_room_for_a_page() -> None:
    process, wire = Process(), StalledWire()
    process.add("a", wire)
    process.sessions.send(("a",), Batch([b"x" * (LOW_WATER_BYTES + 1)]))
    process.sessions.take_turn("a")
    assert process.told == []


async def test_nothing_is_kept_of_who_is_gone() -> None:
    process = Process()
    session = process.add("a", Wire())
    process.add("b", Wire())
    process.sessions.send(("a", "b"), Batch([b"{}"]))
    await asyncio.sleep(0)
    session.closed()
    assert not [group for _, group in process.sessions._groups.values() if session in group]
