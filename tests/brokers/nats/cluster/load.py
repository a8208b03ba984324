"""Traffic on a cluster: who publishes, and who follows in this process and in others; all of it is checked."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Final, Self

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.server.patience import until_answered
from pulse_radar.testing.broker_contract import Ledger, Publishing, Watcher, gaps
from pulse_radar.testing.nats_cluster import NatsCluster
from pulse_radar.testing.tail_process import TailProcess

TOPICS: Final = ("knowledge", "messages", "tasks")


class Load:
    """On three streams with a replica on each server."""

    def __init__(self, cluster: NatsCluster) -> None:
        self._cluster = cluster
        self._stack = contextlib.AsyncExitStack()
        self._publishers: list[Publishing] = []
        self._tails: list[tuple[str, Watcher | TailProcess]] = []
        self.ledgers = {topic: Ledger() for topic in TOPICS}

    async def __aenter__(self) -> Self:
        async with NatsBroker(self._cluster.url, replicas=3) as broker:
            topics = [LogTopic(topic, retain=100_000) for topic in TOPICS]
            # As a process does when it starts: a young cluster may lose sight of a server once more.
            await until_answered("topics", lambda: broker.declare(topics))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def client(self, name: str, url: str, *, leave_after_seconds: float = 12.0) -> NatsBroker:
        """Somebody with a connection of their own, who publishes on every topic and follows every one."""
        broker = NatsBroker(url, create=False, leave_after_seconds=leave_after_seconds)
        await self._stack.enter_async_context(broker)
        for topic, ledger in self.ledgers.items():
            self._publishers.append(Publishing(broker, topic, ledger, name=name))
            await self._follow(topic, Watcher(broker, topic, 0))
        return broker

    async def process(self) -> None:
        """A process that follows every topic over one connection each."""
        for topic in TOPICS:
            await self._follow(topic, TailProcess(self._cluster.url, topic, 0))

    @contextlib.asynccontextmanager
    async def flowing(self) -> AsyncIterator[None]:
        """Everybody publishes while the block runs."""
        async with contextlib.AsyncExitStack() as stack:
            for publisher in self._publishers:
                await stack.enter_async_context(publisher.meanwhile())
            yield

    async def goes_on(self, name: str, *topics: str) -> None:
        """Return when some more events of this client were stored."""
        for topic in topics or TOPICS:
            enough = self._stored(name, topic) + 10
            while self._stored(name, topic) < enough:
                await asyncio.sleep(0.02)

    async def check(self) -> None:
        """Everybody has everything that was acknowledged, once, in order and without a gap."""
        for topic, tail in self._tails:
            ledger = self.ledgers[topic]
            entries = await tail.reaches(ledger.last)
            ledger.check(entries, after=0)
            assert gaps(entries) == []

    def _stored(self, name: str, topic: str) -> int:
        return sum(event_id.startswith(f"{name}-") for event_id in self.ledgers[topic].events.values())

    async def _follow(self, topic: str, tail: Watcher | TailProcess) -> None:
        self._tails.append((topic, await self._stack.enter_async_context(tail)))
