"""Traffic on a cluster: publishers on several topics, and tails in this process and in others that check it all."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final, Self

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.testing.broker_contract import Ledger, Publishing, Watcher, gaps
from pulse_radar.testing.nats_cluster import NatsCluster
from pulse_radar.testing.tail_process import TailProcess

TOPICS: Final = ("knowledge", "messages", "tasks")


class Load:
    """Who publishes and who follows. Each publisher has a connection of its own, and so has each process."""

    def __init__(self, publishers: list[Publishing], ledgers: dict[str, Ledger]) -> None:
        self.ledgers = ledgers
        self._publishers = publishers
        self._tails: list[tuple[str, Watcher | TailProcess]] = []

    @classmethod
    @contextlib.asynccontextmanager
    async def on(cls, cluster: NatsCluster, *urls: str, processes: int = 0) -> AsyncIterator[Self]:
        """A publisher for each topic at each of the URLs, and two brokers that follow all topics."""
        ledgers = {topic: Ledger() for topic in TOPICS}
        async with contextlib.AsyncExitStack() as stack:
            followers = [await stack.enter_async_context(NatsBroker(url, replicas=3)) for url in urls[:2]]
            await followers[0].declare([LogTopic(topic, retain=100_000) for topic in TOPICS])
            publishers = []
            for number, url in enumerate(urls):
                broker = await stack.enter_async_context(NatsBroker(url, create=False))
                publishers += [
                    Publishing(broker, topic, ledger, name=str(number)) for topic, ledger in ledgers.items()
                ]
            load = cls(publishers, ledgers)
            for topic in TOPICS:
                for follower in followers:
                    await load._follow(stack, topic, Watcher(follower, topic, 0))
                for _ in range(processes):
                    await load._follow(stack, topic, TailProcess(cluster.url, topic, 0))
            yield load

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Everybody publishes while the block runs."""
        async with contextlib.AsyncExitStack() as stack:
            for publisher in self._publishers:
                await stack.enter_async_context(publisher.meanwhile())
            yield

    async def goes_on(self, topic: str, events: int = 20) -> None:
        """Return when so many more events of a topic were stored."""
        enough = len(self.ledgers[topic].events) + events
        while len(self.ledgers[topic].events) < enough:
            await asyncio.sleep(0.02)

    async def check(self) -> None:
        """Everybody has everything that was acknowledged, once, in order and without a gap."""
        for topic, tail in self._tails:
            ledger = self.ledgers[topic]
            entries = await tail.reaches(ledger.last)
            ledger.check(entries, after=0)
            assert gaps(entries) == []

    async def _follow(
        self, stack: contextlib.AsyncExitStack, topic: str, tail: Watcher | TailProcess
    ) -> None:
        self._tails.append((topic, await stack.enter_async_context(tail)))
