"""A tail's shell: performs what the follower decides, and wakes it when something is announced."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import assert_never

from pulse_radar.brokers.base import TopicSpec
from pulse_radar.brokers.nats.announcements import Announcements
from pulse_radar.brokers.nats.follower import Follower
from pulse_radar.brokers.nats.jetstream import JetStream
from pulse_radar.brokers.nats.link import Link
from pulse_radar.brokers.nats.messages import entries_of
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.steps import Deliver, Fill, Recreate, Renumber, Step, Verify, Wait
from pulse_radar.brokers.nats.streams import Streams
from pulse_radar.errors import BrokerUnavailable, NotPermitted, TopicMissing
from pulse_radar.stream.entry import Entry

__all__ = ["Tail"]


class Tail:
    """Follows a topic for as long as somebody iterates; it has no task of its own.

    `spec` is what the topic's stream is recreated with when it is lost; None leaves that to others.
    """

    def __init__(
        self,
        follower: Follower,
        topic: str,
        spec: TopicSpec | None,
        *,
        link: Link,
        naming: Naming,
        jetstream: JetStream,
        streams: Streams,
        announcements: Announcements,
    ) -> None:
        self._follower = follower
        self._topic = topic
        self._spec = spec
        self._link = link
        self._naming = naming
        self._jetstream = jetstream
        self._streams = streams
        self._announcements = announcements
        self._stream = naming.stream(topic)
        self._bell = asyncio.Event()

    def hear(self, entry: Entry) -> None:
        self._follower.announced(entry)
        self._bell.set()

    def wake(self) -> None:
        self._follower.reconnected()
        self._bell.set()

    async def entries(self) -> AsyncIterator[tuple[Entry, ...]]:
        """Batches as large as what is there, until the announcements are closed.

        Raises: NotPermitted, BrokerRefused.
        """
        with self._announcements.told_to(self, self._topic):
            while not self._announcements.is_closed:
                # Cleared before the look: what happens from now on rings again.
                self._bell.clear()
                step = self._follower.next(self._now())
                if isinstance(step, Deliver):
                    yield step.entries
                else:
                    await self._perform(step)

    def __repr__(self) -> str:
        return f"<Tail of {self._topic}: {self._follower!r}>"

    async def _perform(self, step: Step) -> None:
        self._link.check_heard(self._naming.live)
        try:
            match step:
                case Wait(until):
                    await self._wait(until)
                case Verify():
                    await self._verify(step)
                case Fill(first):
                    await self._fill(first)
                case Renumber(identity, above):
                    await self._mend(self._streams.renumber(self._topic, identity, above))
                case Recreate():
                    assert self._spec is not None
                    await self._mend(self._streams.declare(self._spec))
                case Deliver():
                    pass
                case _:
                    assert_never(step)
        except (BrokerUnavailable, TopicMissing):
            self._follower.failed(self._now())

    async def _wait(self, until: float) -> None:
        try:
            async with asyncio.timeout_at(until):
                await self._bell.wait()
        except TimeoutError:
            return

    async def _verify(self, asked: Verify) -> None:
        await self._announcements.subscribe()
        view = await self._jetstream.view(self._stream)
        if view is None:
            self._follower.missing(self._now())
        else:
            self._follower.verified(asked, view.sight, self._now())

    async def _fill(self, first: int) -> None:
        batch = await self._jetstream.batch(self._stream, ">", first)
        entries = entries_of(self._naming, self._topic, batch.messages)
        self._follower.filled(entries, self._now(), is_end=batch.is_end)

    async def _mend(self, mending: Awaitable[None]) -> None:
        try:
            await mending
        except NotPermitted:
            self._follower.cannot_mend(self._now())
        else:
            self._follower.mended(self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
