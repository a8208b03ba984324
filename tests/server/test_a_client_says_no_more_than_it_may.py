"""Bounds of what one connection may send: frames at once and in the long run, and subscriptions."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.server.allowance import FrameBounds
from pulse_radar.settings import Settings
from tests.server.serving import PATIENCE, Client, app_with, handshake, make_pulse, serving
from tests.waiting import eventually

BOUNDS = FrameBounds(max_bytes=1_000, at_once=5, per_second=2)

# A fragment without a byte: of a message that never ends, and never grows.
EMPTY_FRAGMENT = b"\x00\x80\0\0\0\0"
PING = b"\x89\x80\0\0\0\0"
PONG = b"\x8a\x80\0\0\0\0"


def test_as_many_come_at_once_as_may_and_then_as_many_a_second() -> None:
    allowance = BOUNDS.allowance(10.0)
    assert [allowance.spend(10.0) for _ in range(6)] == [True] * 5 + [False]
    assert [allowance.spend(11.0) for _ in range(3)] == [True, True, False]
    assert [allowance.spend(1_000.0) for _ in range(6)] == [True] * 5 + [False]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=60))
def test_in_no_time_span_more_come_than_both_bounds_say(pauses: list[float]) -> None:
    allowance, now, came = BOUNDS.allowance(0.0), 0.0, list[float]()
    for pause in pauses:
        now += pause
        if allowance.spend(now):
            came.append(now)
    for first, begin in enumerate(came):
        for last, end in enumerate(came[first:], first):
            assert last - first + 1 <= BOUNDS.at_once + (end - begin) * BOUNDS.per_second + 1e-6


def test_a_table_of_two_hundred_rows_may_be_turned_every_ten_seconds() -> None:
    """Each row follows its own key: two hundred are left, and two hundred others followed."""
    allowance = FrameBounds.from_settings(Settings.model_validate({})).allowance(0.0)
    assert all(allowance.spend(float(now)) for now in range(0, 600, 10) for _ in range(400))


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "portable"])
async def test_more_frames_than_may_come_close_with_4429(is_direct: bool) -> None:
    pulse = make_pulse(max_subscriptions=1, max_frames_per_second=0.001)
    async with serving(app_with(pulse), is_direct=is_direct) as server, Client(server.port) as client:
        for _ in range(300):
            await client.say(action="pong")
        assert (await client.closed())[0] == 4429
        await eventually(lambda: pulse.stats().hub.connections == 0)


@pytest.mark.parametrize("frame", [EMPTY_FRAGMENT, PING, PONG], ids=["fragment", "ping", "pong"])
async def test_frames_that_say_nothing_count_and_the_others_are_served(frame: bytes) -> None:
    pulse = make_pulse()
    async with serving(app_with(pulse)) as server, Client(server.port, "?topics=knowledge") as other:
        await other.until("subscription")
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(handshake(server.port))
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"\x01\x80\0\0\0\0" + frame * 300_000)
                await reader.readuntil((4429).to_bytes(2))
        finally:
            writer.close()
        assert pulse.stats().hub.dismissed == {"too_many_frames": 1}
        position = await pulse.publish("knowledge", "after", {})
        assert await other.events(1) == [position.sequence]


async def test_all_subscriptions_that_a_client_may_have_come_at_once_and_one_more_is_refused() -> None:
    pulse = make_pulse()
    async with serving(app_with(pulse)) as server, Client(server.port, "?topics=messages") as client:
        await client.until("subscription")
        for number in range(1_000):
            await client.socket.send(
                json.dumps({"action": "subscribe", "topic": "knowledge", "key": f"k{number}"})
            )
        error = await client.until("error")
        assert error["data"]["code"] == "too_many_subscriptions"
        assert pulse.stats().hub.refused == {"too_many_subscriptions": 1}
        assert pulse.stats().hub.subscriptions_live == 1_000
