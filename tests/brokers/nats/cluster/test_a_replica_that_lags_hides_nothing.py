"""A replica that was cut off answers with what it has: nobody takes that for all there is."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
import pytest_asyncio

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.nats.access import Access
from pulse_radar.brokers.nats.jetstream import Batch, JetStream
from pulse_radar.brokers.nats.link import Link
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.server.patience import until_answered
from pulse_radar.stream.entry import Entry
from pulse_radar.testing.broker_contract import Ledger, Publishing, Watcher, draft, gaps, ids, numbers
from pulse_radar.testing.nats_cluster import NatsCluster
from pulse_radar.testing.nats_server import NatsServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


class BehindALaggingReplica(JetStream):
    """Where every batch comes from one replica, and all else from the leader."""

    def __init__(self, leader: Link, replica: Link) -> None:
        super().__init__(leader)
        self._replica = JetStream(replica)

    async def _direct(self, stream: str, question: dict[str, object]) -> Batch:
        return await self._replica._direct(stream, question)


class Scene(NamedTuple):
    """A broker that reads from a replica which has only the first ten of thirty events, of two keys in turn."""

    broker: NatsBroker
    ledger: Ledger


# One cluster for all of these tests: they only read.
@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    ledger = Ledger()
    async with NatsCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        async with NatsBroker(cluster.url, replicas=3) as broker:
            await until_answered("tasks", lambda: broker.declare([LogTopic("tasks")]))
            await publish(broker, ledger, "early", 10)
        leader = await cluster.leader("PULSE_tasks")
        replica = cluster.others(leader)[0]
        link = Link(Access(url=replica.url, request_timeout_seconds=0.5))
        await link.open()
        await cut_off_when_it_answers(cluster, replica, link)
        async with NatsBroker(leader.url) as broker:
            await publish(broker, ledger, "late", 20)
            broker._history._jetstream = BehindALaggingReplica(broker._link, link)
            yield Scene(broker, ledger)
        await link.close()


async def cut_off_when_it_answers(cluster: NatsCluster, replica: NatsServer, link: Link) -> None:
    """A replica begins to answer at some time after it has everything, and only alone one sees that it does."""
    while True:
        await cluster.until_whole("PULSE_tasks")
        cluster.cut_off(replica)
        with contextlib.suppress(BrokerUnavailable):
            if len((await JetStream(link).batch("PULSE_tasks", ">", 1)).messages) == 10:
                return
        cluster.heal()
        await asyncio.sleep(0.1)


async def publish(broker: NatsBroker, ledger: Ledger, name: str, count: int) -> None:
    publishing = Publishing(broker, "tasks", ledger, name=name)
    for number in range(count):
        await publishing.one(key="ab"[number % 2])


async def test_what_a_lagging_replica_has_not_is_in_every_page(scene: Scene) -> None:
    broker, ledger = scene
    stream = broker._naming.stream("tasks")
    behind = await broker._history._jetstream.batch(stream, ">", 1)
    assert (len(behind.messages), behind.is_end) == (10, True)
    everything = sorted(ledger.events)
    for limit in (1, 7, 100):
        assert numbers(await paged(broker, limit)) == everything


async def test_a_page_of_a_key_speaks_only_for_what_a_replica_has_shown(scene: Scene) -> None:
    broker, ledger = scene
    everything = sorted(ledger.events)
    for limit in (1, 7, 100):
        assert numbers(await paged(broker, limit, key="a")) == everything[0::2]
        assert numbers(await paged(broker, limit, key="b")) == everything[1::2]
    whole = await broker.read("tasks", after=everything[20], limit=100, key="a")
    # The leader has no more of it, but whether it still is the leader nobody knows.
    assert (numbers(whole.entries), whole.end) == (everything[22::2], everything[28])
    nobody = await broker.read("tasks", after=0, limit=10, key="nobody")
    assert (nobody.entries, nobody.end) == ((), everything[9])


async def test_a_tail_does_not_take_what_a_replica_has_not_for_expired(scene: Scene) -> None:
    broker, ledger = scene
    async with Watcher(broker, "tasks", 0) as watcher:
        entries = await watcher.reaches(ledger.last)
    ledger.check(entries, after=0)
    assert gaps(entries) == []


async def test_an_event_is_found_that_a_replica_has_not(scene: Scene) -> None:
    broker, ledger = scene
    assert await broker.find(draft("tasks", "late-19"), after=0, age_seconds=1) == ledger.last
    assert await broker.find(draft("tasks", "never"), after=0, age_seconds=1) is None


async def paged(broker: NatsBroker, limit: int, key: str | None = None) -> list[Entry]:
    """Every page, up to the one that leads no further."""
    entries: list[Entry] = []
    after = 0
    while (page := await broker.read("tasks", after=after, limit=limit, key=key)).end > after:
        entries += page.entries
        after = page.end
    assert len(set(ids(entries))) == len(entries)
    return entries
