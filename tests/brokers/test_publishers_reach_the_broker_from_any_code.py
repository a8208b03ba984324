"""`Publisher` and `SyncPublisher` against a real server: from a loop, from threads, after a fork."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from pulse_radar import (
    BrokerRefused,
    BrokerUnavailable,
    Event,
    OutcomeUnknown,
    Publisher,
    Pulse,
    Settings,
    SyncPublisher,
    TopicMissing,
)
from pulse_radar.brokers.opening import open_broker
from pulse_radar.stream.entry import StoredEvent
from pulse_radar.testing.nats_server import NatsServer


class TaskDone(Event, topic="tasks", key="id"):
    id: str


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    async with NatsServer(tmp_path) as server:
        pulse = Pulse(server.url)
        pulse.topic("tasks")
        async with pulse:
            yield server.url


async def stored(url: str) -> list[StoredEvent]:
    async with open_broker(Settings.load(broker=url), is_owner=True) as broker:
        page = await broker.read("tasks", after=0, limit=1_000)
    return [entry for entry in page.entries if isinstance(entry, StoredEvent)]


async def test_a_publisher_stores_typed_and_untyped_events_in_the_order_of_awaiting(url: str) -> None:
    async with Publisher(url) as publisher:
        first = await publisher.publish(TaskDone(id="t1"))
        second = await publisher.publish("tasks", "task_done", {"id": "t2"}, key="t2")
        again = await publisher.publish("tasks", "task_done", {"id": "t2"}, key="t2", id="same")
        repeated = await publisher.publish("tasks", "task_done", {"id": "t2"}, key="t2", id="same")
    assert [event.sequence for event in await stored(url)] == [
        first.sequence,
        second.sequence,
        again.sequence,
    ]
    assert repeated == again


async def test_a_publish_waits_for_a_server_that_is_away_and_is_stored_once(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server:
        pulse = Pulse(server.url)
        pulse.topic("tasks")
        async with pulse, Publisher(server.url) as publisher:
            await publisher.publish("tasks", "task_done", {"n": 0})
            await server.kill()
            waiting = [
                asyncio.create_task(publisher.publish("tasks", "task_done", {"n": n})) for n in range(1, 20)
            ]
            await asyncio.sleep(0.5)
            assert publisher.publishing().waiting == 19
            await server.start()
            places = await asyncio.gather(*waiting)
        assert [place.sequence for place in places] == sorted(place.sequence for place in places)
        assert len(await stored(server.url)) == 20


async def test_a_sync_publisher_serves_many_threads(url: str) -> None:
    def work(name: str) -> None:
        for number in range(20):
            publisher.publish("tasks", "task_done", {"n": number}, id=f"{name}-{number}")

    with SyncPublisher(url) as publisher:
        threads = [threading.Thread(target=work, args=(str(name),)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    assert len(await stored(url)) == 80


async def test_a_sync_publisher_made_before_a_fork_works_in_the_child(url: str) -> None:
    program = "tests.brokers.forking_publisher"
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", program, url)
    assert await process.wait() == 0
    assert [event.key for event in await stored(url)] == ["parent", "child", "parent-again"]


async def test_a_closed_sync_publisher_starts_again_with_the_next_publish(url: str) -> None:
    publisher = SyncPublisher(url)
    for _ in range(2):
        await asyncio.to_thread(publisher.publish, TaskDone(id="t1"))
        await asyncio.to_thread(publisher.close)
    assert "idle" in repr(publisher)


async def test_a_sync_publisher_is_not_closed_between_the_start_and_the_publish_of_a_thread(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand_over, is_handing_over, is_closed = (
        asyncio.run_coroutine_threadsafe,
        threading.Event(),
        threading.Event(),
    )

    def hand_over_late(*given: Any) -> Any:
        is_handing_over.set()
        is_closed.wait(1)
        return hand_over(*given)

    def close() -> None:
        is_handing_over.wait()
        publisher.close()
        is_closed.set()

    publisher = SyncPublisher(url)
    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", hand_over_late)
    closing = asyncio.create_task(asyncio.to_thread(close))
    with contextlib.suppress(BrokerUnavailable, OutcomeUnknown):
        await asyncio.to_thread(publisher.publish, TaskDone(id="t1"))
    await closing


async def test_a_topic_that_no_api_process_created_is_named(url: str) -> None:
    async with Publisher(url) as publisher:
        with pytest.raises(
            TopicMissing, match="nobody created .metrics.. Is it spelled as its app declares it"
        ):
            await publisher.publish("metrics", "cpu", {})


@pytest.mark.parametrize("publisher", [Publisher, SyncPublisher])
def test_no_publisher_can_use_memory(publisher: type[Publisher | SyncPublisher]) -> None:
    with pytest.raises(BrokerRefused, match="embedded://"):
        publisher("memory://")


async def test_a_publisher_without_a_server_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(BrokerUnavailable, match="nothing-here"):
        async with Publisher(
            settings=Settings.load(broker="embedded://", data_dir=tmp_path / "nothing-here")
        ):
            pass


async def test_a_sync_publisher_raises_what_connecting_raises() -> None:
    publisher = SyncPublisher("nats://127.0.0.1:1")
    with pytest.raises(BrokerUnavailable):
        await asyncio.to_thread(publisher.publish, TaskDone(id="t1"))


async def test_a_publisher_outside_its_context_says_how_to_use_it() -> None:
    publisher = Publisher("nats://127.0.0.1:1")
    with pytest.raises(RuntimeError, match="async with"):
        await publisher.publish(TaskDone(id="t1"))
