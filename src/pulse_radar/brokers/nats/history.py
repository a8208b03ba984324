"""What is kept, read a page at a time, and events found again by their id."""

import asyncio
from typing import Final

from nats.aio.msg import Msg

from pulse_radar.brokers.nats.jetstream import JetStream
from pulse_radar.brokers.nats.messages import entries_of, event_id_of, sequence_of
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.steps import Sight
from pulse_radar.errors import TopicMissing
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, Gap, Page
from pulse_radar.stream.merge import follow, opening

__all__ = ["History"]

# What is stored and not found may be on a replica that lags: asked again after each of these.
_PATIENCE_SECONDS: Final = (0.05, 0.2, 0.5)


class History:
    """Reads streams. Raises everywhere: BrokerUnavailable, TopicMissing, NotPermitted."""

    def __init__(self, jetstream: JetStream, naming: Naming) -> None:
        self._jetstream = jetstream
        self._naming = naming

    async def sight(self, topic: str) -> Sight | None:
        """How the topic's stream looks now, None if there is none."""
        view = await self._jetstream.view(self._naming.stream(topic))
        return None if view is None else view.sight

    async def extent(self, topic: str) -> Extent:
        sight = await self.sight(topic)
        if sight is None:
            raise TopicMissing(f"there is no stream {self._naming.stream(topic)}: nobody created {topic!r}")
        return sight.extent

    async def batch(self, topic: str, first: int) -> tuple[list[Entry], bool]:
        """What is stored from `first` on, as much as comes at once, and whether that is all."""
        batch = await self._jetstream.batch(self._naming.stream(topic), ">", first)
        return entries_of(self._naming, topic, batch.messages), batch.is_end

    async def find(self, topic: str, event_id: str, after: int) -> int | None:
        """Cost: reads what is kept after the position, a batch at a time, until it is found."""
        stream = self._naming.stream(topic)
        while True:
            batch = await self._jetstream.batch(stream, ">", after + 1)
            for message in batch.messages:
                if event_id_of(message) == event_id:
                    return sequence_of(message)
            if batch.is_end:
                return None
            after = sequence_of(batch.messages[-1])

    async def next_of(self, topic: str, subject: str, after: int) -> Msg | None:
        """The first message on a subject after a position."""
        batch = await self._jetstream.batch(self._naming.stream(topic), subject, after + 1, limit=1)
        return batch.messages[0] if batch.messages else None

    async def page(self, topic: str, after: int, limit: int) -> Page:
        """A page of the whole topic."""
        extent = await self.extent(topic)
        missed = opening(after, extent)
        cursor = missed.last if missed else max(after, extent.first - 1)
        found, is_end = await self._collect(topic, ">", cursor, limit, reach=extent.last)
        line = list(follow(cursor, found))
        reached = line[-1].last if line else cursor
        if is_end and reached < extent.last:
            # Stored when we looked, and nowhere now: removed, as one erases the events of a key.
            line.append(Gap(reached + 1, extent.last, GapReason.EXPIRED))
        return _page(extent, missed, line, limit, is_end=is_end)

    async def page_of_key(self, topic: str, key: str, after: int, limit: int) -> Page:
        """A page of one key: between its events holes are natural, only what lies before them can be missed."""
        extent = await self.extent(topic)
        start = max(after, extent.first - 1)
        found, is_end = await self._collect(topic, self._naming.subject(topic, key), start, limit, reach=0)
        # Looked at again, for events of the key may have expired before they could be read.
        now = await self.extent(topic)
        missed = opening(after, now)
        line = [entry for entry in found if missed is None or entry.last > missed.last]
        return _page(extent, missed, line, limit, is_end=is_end)

    async def _collect(
        self, topic: str, subject: str, cursor: int, limit: int, reach: int
    ) -> tuple[list[Entry], bool]:
        """At most `limit` entries after the cursor, and whether these are all, up to `reach` at least."""
        stream = self._naming.stream(topic)
        patience = iter(_PATIENCE_SECONDS)
        entries: list[Entry] = []
        while len(entries) < limit:
            batch = await self._jetstream.batch(stream, subject, cursor + 1, limit - len(entries))
            entries += entries_of(self._naming, topic, batch.messages)
            cursor = entries[-1].last if entries else cursor
            if batch.is_end:
                delay = next(patience, None)
                if cursor >= reach or delay is None:
                    return entries, True
                await asyncio.sleep(delay)
        return entries, False


def _page(extent: Extent, missed: Gap | None, line: list[Entry], limit: int, *, is_end: bool) -> Page:
    entries = tuple(([missed] if missed else []) + line)
    if is_end and len(entries) <= limit:
        # Everything was read: it speaks for all there was.
        end = max(extent.last, entries[-1].last if entries else 0)
    else:
        entries = entries[:limit]
        end = entries[-1].last
    return Page(extent, entries, end)
