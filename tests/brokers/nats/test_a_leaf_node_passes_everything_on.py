"""A process at a leaf node has what one at the hub has, as docs/OPERATIONS.md says it of other regions."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pulse_radar import BrokerError, Publisher
from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.stream.entry import Entry
from pulse_radar.testing.nats_server import NatsServer, free_port

PATIENCE = 30.0

PAGE = Path(__file__).parents[3] / "docs" / "OPERATIONS.md"
# As the page has it, and without which nothing is passed on.
DOMAIN = 'default_js_domain: { "$G": hub }'

KNOWLEDGE, METRICS = LogTopic("knowledge"), StateTopic("metrics")


@asynccontextmanager
async def hub_and_leaf(directory: Path) -> AsyncIterator[tuple[NatsServer, NatsServer]]:
    port = free_port()
    hub = NatsServer(
        directory / "hub",
        # What is said twice holds as it was said last.
        settings=f'jetstream {{ store_dir: "{directory}/hub/data", domain: hub }}\n'
        f"leafnodes {{ listen: 127.0.0.1:{port} }}",
    )
    leaf = NatsServer(
        directory / "leaf",
        settings=f"jetstream: disabled\nserver_name: leaf\n{DOMAIN}\n"
        f'leafnodes {{ reconnect: "0.1s", remotes: [{{ url: "nats-leaf://127.0.0.1:{port}" }}] }}',
    )
    async with hub, leaf:
        yield hub, leaf


async def test_what_is_published_at_either_end_comes_to_the_leaf_over_its_death_too(tmp_path: Path) -> None:
    assert DOMAIN in PAGE.read_text()
    async with hub_and_leaf(tmp_path) as (hub, leaf):
        await joined(leaf)
        async with NatsBroker(leaf.url) as broker, Publisher(hub.url) as there, Publisher(leaf.url) as here:
            await broker.declare([KNOWLEDGE, METRICS])
            places = [(await there.publish("knowledge", "x", {"n": 1})).sequence]
            places.append((await here.publish("knowledge", "x", {"n": 2})).sequence)
            tail = broker.tail("knowledge", after=0)
            found = await taken(tail, 2)
            await leaf.kill()
            places += [(await there.publish("knowledge", "x", {"n": n})).sequence for n in (3, 4)]
            await leaf.start()
            found += await taken(tail, 2)
            places.append((await here.publish("knowledge", "x", {"n": 5})).sequence)
            found += await taken(tail, 1)
            await here.publish("metrics", "m", {"v": 1}, key="a")
            newest = await broker.newest("metrics", "a")
    assert [entry.last for entry in found] == places
    assert newest is not None


async def joined(leaf: NatsServer) -> None:
    """Return once the leaf has found its hub."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                async with NatsBroker(leaf.url):
                    return
            except BrokerError:
                await asyncio.sleep(0.05)


async def taken(tail: AsyncIterator[Sequence[Entry]], count: int) -> list[Entry]:
    """The next entries of the tail."""
    found: list[Entry] = []
    async with asyncio.timeout(PATIENCE):
        while len(found) < count:
            found += await anext(tail)
    return found
