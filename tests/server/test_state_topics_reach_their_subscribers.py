"""State topics from `publish` to the socket, on both transports: snapshots, deletions, ttl, and slow readers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from pulse_radar import InvalidEvent, Pulse, TopicFull
from pulse_radar.protocol.json_value import JsonValue
from pulse_radar.server.transport import CONGESTED_BYTES
from tests.server.serving import Client, Server, app_with, serving
from tests.waiting import eventually

KEYS = 20
# Beyond what the kernel takes for a client that does not read.
CHANGES = 1_000
TEXT = "x" * 20_000


@pytest.fixture(params=["direct", "portable"])
def is_direct(request: pytest.FixtureRequest) -> bool:
    return bool(request.param == "direct")


@contextlib.asynccontextmanager
async def running(is_direct: bool) -> AsyncIterator[tuple[Pulse, Server]]:
    pulse = Pulse()
    pulse.topic("jobs", kind="state", max_keys=100)
    async with serving(app_with(pulse), is_direct=is_direct) as server:
        yield pulse, server


async def test_a_late_subscriber_sees_every_key_at_once(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server):
        await pulse.publish("jobs", "job_queued", {}, key="a")
        await pulse.publish("jobs", "job_queued", {}, key="b")
        newest = await pulse.publish("jobs", "job_started", {}, key="a")
        async with Client(server.port, "?topics=jobs") as client:
            connected, snapshot, *events, live = await client.take(5)
        assert connected["data"]["lastSeq"] == {}
        assert snapshot == {"type": "snapshot", "data": {"topic": "jobs"}}
        assert [(e["key"], e["event"]) for e in events] == [("b", "job_queued"), ("a", "job_started")]
        assert live["data"] == {
            "action": "subscribed",
            "topic": "jobs",
            "seq": newest.sequence,
            "replayed": 2,
        }


async def test_a_deletion_and_the_end_of_a_ttl_reach_who_is_live(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server), Client(server.port, "?topics=jobs") as client:
        await client.until("subscription")
        await pulse.publish("jobs", "job_queued", {}, key="a")
        await pulse.publish("jobs", "job_completed", {}, key="b", ttl="1s")
        gone = await pulse.delete("jobs", "a", id="once")
        assert await pulse.delete("jobs", "a", id="once") == gone
        frames = await client.take(4)
    assert [(f["key"], f.get("deleted", False)) for f in frames] == [
        ("a", False),
        ("b", False),
        ("a", True),
        ("b", True),
    ]
    assert frames[2]["event"] == "deleted"
    assert frames[2]["data"] == {}


async def test_a_client_that_comes_back_gets_the_keys_that_changed(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server):
        seen = await pulse.publish("jobs", "job_queued", {}, key="a")
        for number in range(10):
            await pulse.publish("jobs", "job_progress", {"n": number}, key="b")
        await pulse.delete("jobs", "a")
        async with Client(server.port, f"?topics=jobs&lastSeq={seen}") as client:
            connected, *events, live = await client.take(4)
        assert connected["data"]["lastSeq"] == {"jobs": seen.sequence}
        assert [(e["key"], e["data"], e.get("deleted", False)) for e in events] == [
            ("b", {"n": 9}, False),
            ("a", {}, True),
        ]
        assert live["data"]["replayed"] == 2


async def test_a_slow_reader_is_kept_and_ends_with_what_is_true(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server):
        async with Client(server.port, "?topics=jobs", max_queue=1, compression=None) as slow:
            await slow.until("subscription")
            slow.socket.transport.pause_reading()
            for number in range(CHANGES):
                data: JsonValue = {"n": number, "text": TEXT}
                await pulse.publish("jobs", "job_progress", data, key=f"k{number % KEYS}")
            assert pulse.stats().hub.conflated > 0
            assert pulse.stats().hub.evicted_slow == 0
            slow.socket.transport.resume_reading()
            newest = pulse.position("jobs").sequence
            state: dict[str, int] = {}
            count = 0
            while state.get(f"k{(CHANGES - 1) % KEYS}") != newest:
                frame = await slow.next()
                if "_seq" in frame:
                    count += 1
                    assert frame["_seq"] > state.get(frame["key"], 0)
                    state[frame["key"]] = frame["_seq"]
            assert sorted(state.values()) == list(range(newest - KEYS + 1, newest + 1))
            assert count < CHANGES
        await eventually(lambda: pulse.stats().hub.connections == 0)


async def test_what_a_stalled_reader_costs_is_bounded(is_direct: bool) -> None:
    query = "?topics=jobs"
    async with running(is_direct) as (pulse, server), Client(server.port, query, compression=None) as client:
        await client.until("subscription")
        client.socket.transport.pause_reading()
        for number in range(CHANGES):
            await pulse.publish("jobs", "job_progress", {"text": TEXT}, key=f"k{number % KEYS}")
        # A little more than where it is called slow: what one turn brought.
        assert pulse.stats().most_unsent_bytes < 2 * CONGESTED_BYTES
        client.socket.transport.abort()


async def test_a_key_is_followed_alone_and_the_whole_comes_after_it(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server), Client(server.port, "?topics=jobs/a") as client:
        await client.until("subscription")
        await pulse.publish("jobs", "job_queued", {}, key="b")
        mine = await pulse.publish("jobs", "job_queued", {}, key="a")
        assert (await client.next())["_seq"] == mine.sequence
        await client.say(action="unsubscribe", topic="jobs", key="a")
        await client.say(action="subscribe", topic="jobs")
        kinds = [frame.get("type", frame.get("key")) for frame in await client.take(5)]
        assert kinds == ["subscription", "snapshot", "b", "a", "subscription"]


async def test_more_keys_than_a_url_holds_are_followed_by_frames(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server), Client(server.port, "?topics=jobs/k0") as client:
        await client.until("subscription")
        for number in range(1, 200):
            await client.say(action="subscribe", topic="jobs", key=f"k{number}-{'long' * 20}")
        for _ in range(1, 200):
            await client.until("subscription")
        mine = await pulse.publish("jobs", "job_queued", {}, key=f"k150-{'long' * 20}")
        await pulse.publish("jobs", "job_queued", {}, key="nobody")
        last = await pulse.publish("jobs", "job_queued", {}, key="k0")
        assert await client.events(2) == [mine.sequence, last.sequence]


async def test_what_cannot_be_stored_is_refused_and_says_why() -> None:
    async with running(True) as (pulse, _):
        with pytest.raises(InvalidEvent, match="needs a key"):
            await pulse.publish("jobs", "job_queued", {})
        async with asyncio.TaskGroup() as group:
            for number in range(100):
                group.create_task(pulse.publish("jobs", "job_queued", {}, key=f"k{number}"))
        with pytest.raises(TopicFull, match="raise max_keys"):
            await pulse.publish("jobs", "job_queued", {}, key="one-more")


async def test_state_frames_are_as_small_as_they_can_be(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server), Client(server.port, "?topics=jobs") as client:
        await client.until("subscription")
        await pulse.publish("jobs", "job_queued", {}, key="a")
        text = await client.socket.recv()
        assert "deleted" not in json.loads(text)
