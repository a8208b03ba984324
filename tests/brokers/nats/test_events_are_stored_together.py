"""Several events in one go: where the stream and its server know how, on one server and on three."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import nats
import pytest

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.steps import Sight
from pulse_radar.brokers.nats.stream_config import StreamConfig
from pulse_radar.brokers.nats.stream_view import BATCHES, StreamView, view_of
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.stream.entry import Extent
from pulse_radar.testing.broker_contract import Watcher, draft, ids
from pulse_radar.testing.nats_cluster import NatsCluster
from pulse_radar.testing.nats_server import NatsServer


@pytest.fixture
async def broker(server: NatsServer) -> AsyncIterator[NatsBroker]:
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks"), StateTopic("prices")])
        yield broker


def some(topic: str = "tasks", count: int = 50, *, name: str = "event") -> list[Draft]:
    return [draft(topic, f"{name}-{number}", key=f"k{number % 3}") for number in range(count)]


async def test_events_go_in_one_go_and_come_one_by_one(broker: NatsBroker) -> None:
    after = (await broker.extent("tasks")).last
    async with Watcher(broker, "tasks", after) as watcher:
        assert await broker.store_together(some()) == after + 50
        assert ids(await watcher.reaches(after + 50)) == [event.id for event in some()]


async def test_on_a_state_topic_they_go_one_by_one(broker: NatsBroker) -> None:
    last = (await broker.extent("prices")).last
    assert await broker.store_together(some("prices")) is None
    assert (await broker.extent("prices")).last == last


async def test_of_events_one_of_which_is_too_large_none_is_stored(broker: NatsBroker) -> None:
    last = (await broker.extent("tasks")).last
    too_large = draft("tasks", "large", data=b'"' + b"x" * 2_000_000 + b'"')
    assert await broker.store_together([*some(), too_large]) is None
    assert (await broker.extent("tasks")).last == last


async def test_a_stream_from_before_takes_them_when_it_is_declared_again(
    server: NatsServer, broker: NatsBroker
) -> None:
    client = await nats.connect(server.url)
    info = await client.request("$JS.API.STREAM.INFO.PULSE_tasks", timeout=5)
    before = view_of(info.data).config | {BATCHES: False}
    await client.request("$JS.API.STREAM.UPDATE.PULSE_tasks", msgspec.json.encode(before), timeout=5)
    await client.close()
    await broker.extent("tasks")
    assert not broker.takes_together("tasks")
    assert await broker.store_together(some(name="early")) is None
    await broker.declare([LogTopic("tasks")])
    await broker.extent("tasks")
    assert broker.takes_together("tasks")
    assert await broker.store_together(some()) is not None


async def test_three_servers_take_them(tmp_path: Path) -> None:
    async with NatsCluster(tmp_path) as cluster, NatsBroker(cluster.url, replicas=3) as broker:
        await broker.declare([LogTopic("tasks")])
        after = (await broker.extent("tasks")).last
        assert await broker.store_together(some()) == after + 50


@pytest.mark.parametrize(("level", "wanted"), [("", False), ("1", False), ("2", True)])
def test_no_batches_are_wanted_of_a_server_from_before_them(level: str, wanted: bool) -> None:
    sight = Sight(
        ("then", 1), Extent(1, 1, 0), is_torn=False, is_replicated=False, is_state=False, messages=0
    )
    view = StreamView({"metadata": {"_nats.level": level}}, sight, datetime.now(UTC), datetime.now(UTC), 0)
    config = StreamConfig(Naming(""), duplicate_window_seconds=1.0, replicas=1)
    assert (BATCHES in config.changes(view, LogTopic("tasks"), narrow=True)) is wanted
