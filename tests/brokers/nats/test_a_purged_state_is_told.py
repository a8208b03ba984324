"""Who follows a state topic is told when keys vanish from its stream without a deletion."""

import asyncio

import nats
import pytest

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import StateTopic
from pulse_radar.testing.broker_contract import Watcher, draft
from pulse_radar.testing.broker_contract.state import StateReader, deletion
from pulse_radar.testing.nats_server import NatsServer

PATIENCE_SECONDS = 20.0


async def purge(server: NatsServer, subject: str | None) -> None:
    client = await nats.connect(server.url)
    await client.jetstream().purge_stream("PULSE_jobs", subject=subject)
    await client.close()


@pytest.mark.parametrize(
    ("subject", "left"), [(None, ""), ("websocket.jobs.b", "ac")], ids=["all", "one key"]
)
async def test_what_is_purged_does_not_live_on(server: NatsServer, subject: str | None, left: str) -> None:
    async with NatsBroker(server.url) as broker:
        await broker.declare([StateTopic("jobs")])
        stored = {key: await broker.store(draft("jobs", key, key=key)) for key in "abcd"}
        gone = await broker.store(deletion("jobs", "gone", key="d"))
        async with Watcher(broker, "jobs", 0) as watcher:
            await watcher.reaches(gone)
            told = len(watcher.entries)
            await purge(server, subject)
            async with asyncio.timeout(PATIENCE_SECONDS):
                while len(watcher.entries) == told or watcher.entries[-1].last < gone:
                    await asyncio.sleep(0.05)
            reader = StateReader()
            reader.take(watcher.entries)
        assert reader.resets == 1
        assert reader.map == {key: stored[key] for key in left}
