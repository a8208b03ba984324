"""`connect` to a real server: through cuts, restarts and evictions, and with many keys."""

import asyncio
from contextlib import AsyncExitStack

from pulse_radar import EventFrame, Events, GapFrame, Pulse, SnapshotFrame, Subscribed, connect
from pulse_radar.testing.faulty_link import FaultyLink
from tests.server.serving import app_with, make_pulse, serving
from tests.waiting import eventually

PATIENCE = 20.0


async def numbers(events: Events, count: int) -> list[int]:
    """What the next events carry; a gap fails the test."""
    found: list[int] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            match await anext(events):
                case EventFrame(data={"n": int(number)}):
                    found.append(number)
                case Subscribed():
                    pass
                case other:
                    raise AssertionError(other)
    return found


async def publish(pulse: Pulse, first: int, end: int) -> None:
    for number in range(first, end):
        await pulse.publish("knowledge", "counted", {"n": number}, key=f"k{number % 7}")


async def test_what_is_published_after_entering_comes_whatever_happens_to_the_connection() -> None:
    pulse = make_pulse()
    async with (
        serving(app_with(pulse)) as server,
        FaultyLink(server.port) as link,
        connect(f"http://127.0.0.1:{link.port}", ["knowledge"]) as events,
    ):
        await publish(pulse, 0, 100)
        link.cut()
        await publish(pulse, 100, 200)
        link.mend()
        assert await numbers(events, 200) == list(range(200))
        link.cut()
        link.mend()
        await publish(pulse, 200, 300)
        assert await numbers(events, 100) == list(range(200, 300))
        assert events.stats().connections >= 2
        assert events.stats().following.gaps == 0


async def test_a_restarted_server_with_another_stream_is_told_as_a_gap() -> None:
    """memory:// ends with its process: what was missed is void, and what is kept now comes."""
    first, second = make_pulse(), make_pulse()
    async with AsyncExitStack() as stack:
        async with serving(app_with(first)) as server:
            port = server.port
            events = await stack.enter_async_context(connect(f"http://127.0.0.1:{port}", ["knowledge"]))
            await publish(first, 0, 3)
            assert await numbers(events, 3) == [0, 1, 2]
        async with serving(app_with(second), port=port):
            await publish(second, 100, 102)
            async with asyncio.timeout(PATIENCE):
                gap = await anext(events)
            assert isinstance(gap, GapFrame)
            assert (gap.first, gap.reason) == (None, "reset")
            assert await numbers(events, 2) == [100, 101]


async def test_a_slow_reader_is_evicted_and_loses_nothing() -> None:
    pulse = make_pulse(unsent_limit_bytes=512 * 1024)
    async with (
        serving(app_with(pulse)) as server,
        connect(f"http://127.0.0.1:{server.port}", "knowledge", buffer_bytes=50_000) as events,
    ):
        # Far more than the sockets and buffers between us hold.
        for number in range(400):
            await pulse.publish("knowledge", "counted", {"n": number, "text": "x" * 50_000})
        await eventually(lambda: pulse.stats().hub.evicted_slow == 1)
        found: list[int] = []
        async with asyncio.timeout(PATIENCE):
            while len(found) < 400:
                received = await anext(events)
                assert not isinstance(received, GapFrame)
                if isinstance(received, EventFrame):
                    assert isinstance(received.data, dict)
                    found.append(received.data["n"])
        assert found == list(range(400))
        assert events.stats().connections >= 2


async def test_more_keys_than_a_url_holds_are_followed() -> None:
    pulse = make_pulse(authorize=lambda _principal, _action, _topic, _key: True)
    keys = [f"{number:040}" for number in range(300)]
    async with serving(app_with(pulse)) as server, FaultyLink(server.port) as link:
        url = f"http://127.0.0.1:{link.port}"
        async with connect(url, [f"knowledge/{key}" for key in keys]) as events:
            for number, key in enumerate(keys[::10]):
                await pulse.publish("knowledge", "counted", {"n": number}, key=key)
                await pulse.publish("knowledge", "counted", {"n": -1}, key="other")
            assert await numbers(events, 30) == list(range(30))
            link.cut()
            for number, key in enumerate(keys[5::10]):
                await pulse.publish("knowledge", "counted", {"n": number}, key=key)
            link.mend()
            assert sorted(await numbers(events, 30)) == list(range(30))


async def test_a_state_topic_comes_whole_and_then_what_changed_and_is_no_more() -> None:
    pulse = Pulse()
    pulse.topic("metrics", kind="state")
    async with serving(app_with(pulse)) as server, FaultyLink(server.port) as link:
        for key in ("a", "b"):
            await pulse.publish("metrics", "measured", {"n": 1}, key=key)
        async with connect(f"http://127.0.0.1:{link.port}", "metrics") as events:
            assert await told(events, 4) == ["snapshot", "a", "b", "caught up"]
            link.cut()
            await pulse.publish("metrics", "measured", {"n": 2}, key="b")
            await pulse.publish("metrics", "measured", {"n": 3}, key="b")
            await pulse.delete("metrics", "a")
            link.mend()
            # Superseded numbers are no holes here.
            assert await told(events, 3) == ["b", "a is deleted", "caught up"]
            assert events.stats().following.holes == 0


async def told(events: Events, count: int) -> list[str]:
    found: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            match await anext(events):
                case EventFrame(key=key, deleted=deleted):
                    found.append(f"{key} is deleted" if deleted else str(key))
                case SnapshotFrame():
                    found.append("snapshot")
                case Subscribed():
                    found.append("caught up")
                case GapFrame() as gap:
                    raise AssertionError(gap)
    return found
