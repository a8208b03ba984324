"""What clients ask is served within a share of the time, one after the other, over both transports."""

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.server.share import SLICE_SECONDS, Share
from pulse_radar.server.turns import turns_here
from tests.server.serving import Client, app_with, handshake, make_pulse, serving
from tests.waiting import eventually

TRANSPORTS = pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "portable"])

# What others do, and what somebody who is served costs: seconds.
Work = st.lists(st.tuples(st.floats(0, 0.01), st.floats(1e-6, 0.005)), min_size=1, max_size=60)


@given(Work)
def test_beside_events_askers_have_a_third_of_the_time_and_a_slice(work: list[tuple[float, float]]) -> None:
    share, now, served = Share(), 0.0, list[tuple[float, float]]()
    for others, cost in work:
        now += others
        share.events_came(now)
        now = max(now, share.opens_at(now))
        share.spend(now, now + cost)
        served.append((now, now + cost))
        now += cost
    longest = max(cost for _, cost in work)
    for first, (begin, _) in enumerate(served):
        spent = 0.0
        for began, end in served[first:]:
            spent += end - began
            assert spent <= (end - begin) / 3 + SLICE_SECONDS + longest


def test_where_no_events_come_askers_have_nearly_all_of_it() -> None:
    share, now = Share(), 10.0
    for _ in range(1_000):
        now = max(now, share.opens_at(now))
        share.spend(now, now + 0.001)
        now += 0.001
    assert 1.0 < now - 10.0 < 1.2


def test_who_asks_little_never_waits() -> None:
    share = Share()
    for number in range(1_000):
        now = number * 0.01
        share.events_came(now)
        assert share.opens_at(now) <= now
        share.spend(now, now + 0.0005)


def spin(milliseconds: float) -> None:
    ends_at = time.perf_counter() + milliseconds / 1_000
    while time.perf_counter() < ends_at:
        pass


def slowly(milliseconds: float, then: Callable[[], object]) -> None:
    spin(milliseconds)
    then()


async def test_somebody_is_served_at_once_unless_others_wait() -> None:
    turns, seen = turns_here(), list[str]()
    turns.ask_at_once(lambda: seen.append("alone"))
    assert seen == ["alone"]
    turns.ask(lambda: seen.append("first"))
    turns.ask_at_once(lambda: seen.append("second"))
    assert seen == ["alone"]
    await eventually(lambda: seen == ["alone", "first", "second"])


async def test_many_who_come_at_once_are_not_all_served_at_once() -> None:
    turns, seen = turns_here(), list[int]()
    for number in range(9):
        turns.ask_at_once(partial(slowly, 2, partial(seen.append, number)))
    assert seen == [0]
    await eventually(lambda: seen == list(range(9)))


@TRANSPORTS
async def test_a_client_that_asks_much_is_in_nobodys_way(is_direct: bool) -> None:
    pulse = make_pulse()
    async with (
        serving(app_with(pulse), is_direct=is_direct) as server,
        Client(server.port, "?topics=messages") as greedy,
        Client(server.port, "?topics=messages") as modest,
    ):
        await greedy.until("subscription")
        await modest.until("subscription")
        told = list[str]()

        async def note(client: Client, name: str, frames: int) -> None:
            for _ in range(frames):
                await client.next()
                told.append(name)

        await asyncio.gather(*(greedy.socket.send(_subscribe(number)) for number in range(300)))
        await modest.say(action="ping", ts=1)
        await pulse.publish("messages", "live", {})
        # Its answers and the event; a pong and the event.
        await asyncio.gather(note(greedy, "greedy", 301), note(modest, "modest", 2))
        assert told[-100:] == 100 * ["greedy"]


@TRANSPORTS
async def test_a_client_that_ends_while_it_waits_for_its_turn_is_gone(is_direct: bool) -> None:
    pulse = make_pulse()
    async with serving(app_with(pulse), is_direct=is_direct) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(handshake(server.port))
        await reader.readuntil(b"\r\n\r\n")
        await eventually(lambda: pulse.stats().hub.connections == 1)
        turns_here().ask(lambda: spin(20))
        for number in range(300):
            text = _subscribe(number).encode()
            writer.write(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
        writer.transport.abort()
        await eventually(lambda: pulse.stats().hub.connections == 0)


@pytest.mark.parametrize(
    ("is_direct", "path"),
    [(True, "/ws"), (False, "/ws"), (True, "/events")],
    ids=["direct", "portable", "stream"],
)
async def test_a_handshake_has_its_turn_behind_those_who_asked_before(is_direct: bool, path: str) -> None:
    pulse, seen = make_pulse(), list[str]()
    async with serving(app_with(pulse), is_direct=is_direct) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for name in "abc":
            turns_here().ask(partial(slowly, 20, partial(seen.append, name)))
        writer.write(handshake(server.port, path=path))
        await reader.readuntil(b"\r\n\r\n")
        assert seen == ["a", "b", "c"]
        writer.close()


async def test_a_client_that_goes_before_its_handshake_has_its_turn_leaves_nothing() -> None:
    pulse = make_pulse()
    async with serving(app_with(pulse)) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        waits = asyncio.Event()
        turns_here().ask(lambda: spin(50))
        turns_here().ask(waits.set)
        writer.write(handshake(server.port))
        await asyncio.sleep(0)
        writer.transport.abort()
        await waits.wait()
        await eventually(lambda: not server.server_state.connections)
        async with Client(server.port, "?topics=messages") as other:
            await other.until("subscription")


def _subscribe(number: int) -> str:
    return json.dumps({"action": "subscribe", "topic": "knowledge", "key": f"k{number}"})
