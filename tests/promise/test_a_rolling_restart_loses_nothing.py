"""Three API processes are replaced one after the other, under load: every client resumes elsewhere."""

import asyncio
import contextlib
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pulse_radar import Publisher
from pulse_radar.testing.nats_server import NatsServer
from tests.promise.api import TOPICS
from tests.promise.follower import Follower
from tests.promise.processes import SERVE, ApiProcess

CLIENTS = 36
PAUSE_SECONDS = 0.005

Published = dict[str, list[tuple[int, str]]]


@pytest.fixture(params=["nats", pytest.param("embedded", marks=pytest.mark.slow)])
async def broker(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """A broker of its own, or one that the processes own together: whoever has it must drain before it goes."""
    if request.param == "nats":
        async with NatsServer(tmp_path) as nats:
            yield nats.url
    else:
        monkeypatch.setenv("PULSE_DATA_DIR", str(tmp_path / "data"))
        yield "embedded://"


@pytest.mark.timeout(240)
async def test_every_client_resumes_elsewhere_with_everything_once_and_in_order(broker: str) -> None:
    published: Published = defaultdict(list)
    async with contextlib.AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(ApiProcess(broker, SERVE)) for _ in range(3)]
        ports = [api.port for api in apis]
        clients = [Follower(ports, TOPICS, cuts=[], seed=number) for number in range(CLIENTS)]
        publisher = await stack.enter_async_context(Publisher(broker))
        following = [asyncio.create_task(client.run()) for client in clients]
        publishing = asyncio.create_task(publish(publisher, published))
        for api in apis:
            await asyncio.sleep(0.5)
            assert await api.end(signal.SIGTERM) == -signal.SIGTERM
            await api.start()
        publishing.cancel()
        # What was under way is stored, or never will be.
        await asyncio.wait([publishing])
        await until_all_have(clients, sum(map(len, published.values())))
        for task in following:
            task.cancel()
        await asyncio.wait(following)
    assert sum(client.closes.total() for client in clients) >= CLIENTS
    for client in clients:
        assert set(client.closes) <= {4002}
        assert client.gaps == []
        assert client.seen == published


async def publish(publisher: Publisher, published: Published) -> None:
    """One event after the other, each awaited, until cancelled."""
    number = 0
    while True:
        topic = TOPICS[number % len(TOPICS)]
        # Shielded: it is known of each event whether it was stored.
        storing = asyncio.ensure_future(publisher.publish(topic, "happened", {"n": number}, id=f"e{number}"))
        try:
            position = await asyncio.shield(storing)
        except asyncio.CancelledError:
            position = await storing
            published[topic].append((position.sequence, f"e{number}"))
            raise
        published[topic].append((position.sequence, f"e{number}"))
        number += 1
        await asyncio.sleep(PAUSE_SECONDS)


async def until_all_have(clients: list[Follower], events: int) -> None:
    while any(client.events < events for client in clients):
        await asyncio.sleep(0.05)
