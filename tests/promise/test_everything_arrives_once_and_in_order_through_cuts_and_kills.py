"""The promise with real processes: ten thousand events, two workers, two API processes, three clients."""

import asyncio
import random
import signal
from pathlib import Path

import pytest

from pulse_radar.testing.nats_server import NatsServer
from tests.promise.api import TOPICS
from tests.promise.follower import Follower
from tests.promise.processes import ApiProcess, spawn

EVENTS = 10_000
CUTS = 20
SEED = 7


@pytest.mark.timeout(240)
async def test_every_client_has_every_event_once_and_in_order(tmp_path: Path) -> None:
    """Each client is cut twenty times, one API process killed twice, the other one frozen for a while."""
    chance = random.Random(SEED)
    async with NatsServer(tmp_path) as nats, ApiProcess(nats.url) as first, ApiProcess(nats.url) as second:
        ports = [first.port, second.port]
        clients = [
            Follower(ports, TOPICS, cuts=sorted(chance.sample(range(EVENTS), CUTS)), seed=SEED + number)
            for number in range(3)
        ]
        async with asyncio.TaskGroup() as group:
            following = [group.create_task(client.run()) for client in clients]
            workers = [
                await spawn("-m", "tests.promise.worker", name, str(EVENTS // 2), broker=nats.url)
                for name in "ab"
            ]
            outputs = [group.create_task(worker.communicate()) for worker in workers]
            for reached in (EVENTS // 5, EVENTS // 2):
                await _until(clients[0], reached)
                # Whoever lands on the frozen one after it thaws finds it behind.
                second.signal(signal.SIGSTOP)
                await first.kill()
                await first.start()
                second.signal(signal.SIGCONT)
            published = [
                line.split() for output in outputs for line in (await output)[0].decode().splitlines()
            ]
            for client in clients:
                await _until(client, EVENTS)
            for task in following:
                task.cancel()

    assert len(published) == EVENTS
    for client in clients:
        assert client.cuts_made == CUTS
        assert client.gaps == []
        for topic in TOPICS:
            expected = sorted(
                (int(sequence), event_id) for name, sequence, event_id in published if name == topic
            )
            assert client.seen[topic] == expected


async def _until(client: Follower, events: int) -> None:
    while client.events < events:
        await asyncio.sleep(0.01)
