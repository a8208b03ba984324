"""What is kept, read a page at a time, and events found again by their id.

Any replica answers, and one that was cut off answers with less than there is for as long as it catches up.
So that a batch is the last one is believed of the stream's leader only.
"""

from pulse_radar.brokers.nats.jetstream import BATCH_EVENTS, Batch, JetStream, StreamView
from pulse_radar.brokers.nats.messages import Message, entries_of, event_id_of, sequence_of, subject_of
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.requests import NobodyAnswers
from pulse_radar.brokers.nats.steps import Sight
from pulse_radar.errors import TopicMissing
from pulse_radar.protocol.frames import GapReason
from pulse_radar.protocol.grammar import MAX_SEQUENCE
from pulse_radar.stream.entry import Entry, Extent, Gap, Page
from pulse_radar.stream.merge import follow, opening

__all__ = ["History"]


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
        return (await self._view(topic)).sight.extent

    async def batch(self, topic: str, first: int, reach: int) -> tuple[list[Entry], bool]:
        """What is stored from `first` on, as much as comes at once, and whether that is all up to `reach`."""
        batch = await self._batch(topic, ">", first, reach)
        return entries_of(self._naming, topic, batch.messages), batch.is_end

    async def find(self, topic: str, event_id: str, after: int) -> int | None:
        """Cost: reads what is kept after the position, a batch at a time, until it is found."""
        while True:
            batch = await self._batch(topic, ">", after + 1, MAX_SEQUENCE)
            for message in batch.messages:
                if event_id_of(message) == event_id:
                    return sequence_of(message)
            if batch.is_end:
                return None
            after = sequence_of(batch.messages[-1])

    async def next_of(self, topic: str, subject: str, after: int) -> Message | None:
        """The first message on a subject after a position."""
        return await self._jetstream.next(self._naming.stream(topic), subject, after + 1)

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
        return _page(extent, missed, line, limit, known=extent.last if is_end else 0)

    async def page_of_key(self, topic: str, key: str, after: int, limit: int) -> Page:
        """A page of one key: between its events holes are natural, only what lies before them can be missed.

        It speaks up to where a replica provably had nothing more of the key: a leader's word is not enough
        here, for one that was deposed does not know it at first.
        """
        view = await self._view(topic)
        extent, subject = view.sight.extent, self._naming.subject(topic, key)
        start = max(after, extent.first - 1)
        newest, up_to = 0, extent.last
        if view.is_replicated and start < extent.last:
            newest, up_to = await self._newest(topic, subject, extent)
        reach = newest if up_to >= extent.last else MAX_SEQUENCE
        found, is_end = await self._collect(topic, subject, start, limit, reach)
        is_known = is_end and (found[-1].last if found else start) >= newest
        # Looked at again, for events of the key may have expired before they could be read.
        now = await self.extent(topic)
        missed = opening(after, now)
        line = [entry for entry in found if missed is None or entry.last > missed.last]
        return _page(extent, missed, line, limit, known=up_to if is_known else 0)

    async def _newest(self, topic: str, subject: str, extent: Extent) -> tuple[int, int]:
        """The newest number on a subject (0: none), and how far the replica had come that says so."""
        stream = self._naming.stream(topic)
        # The oldest event's as well: how far it has come a replica tells only with something that it finds.
        oldest = await self._jetstream.batch(stream, ">", extent.first, limit=1)
        subjects = {subject, *map(subject_of, oldest.messages)}
        batch = await self._jetstream.newest(stream, sorted(subjects))
        numbers = (sequence_of(message) for message in batch.messages if subject_of(message) == subject)
        return max(numbers, default=0), batch.up_to

    async def _view(self, topic: str) -> StreamView:
        stream = self._naming.stream(topic)
        view = await self._jetstream.view(stream)
        if view is None:
            raise TopicMissing(f"there is no stream {stream}: nobody created {topic!r}")
        return view

    async def _collect(
        self, topic: str, subject: str, cursor: int, limit: int, reach: int
    ) -> tuple[list[Entry], bool]:
        """Entries after the cursor until there are `limit`, and whether these are all, up to `reach` at least."""
        entries: list[Entry] = []
        while len(entries) < limit:
            batch = await self._batch(topic, subject, cursor + 1, reach, limit - len(entries))
            entries += entries_of(self._naming, topic, batch.messages)
            cursor = entries[-1].last if entries else cursor
            if batch.is_end:
                return entries, True
        return entries, False

    async def _batch(
        self, topic: str, subject: str, first: int, reach: int, limit: int = BATCH_EVENTS
    ) -> Batch:
        """A batch that is the end only if nothing follows it up to `reach`, whoever answers."""
        stream = self._naming.stream(topic)
        try:
            batch = await self._jetstream.batch(stream, subject, first, limit)
        except NobodyAnswers:
            # A server that has just started shows nothing until it knows the newest: the leader does.
            batch, reach = Batch((), is_end=True), MAX_SEQUENCE
        end = sequence_of(batch.messages[-1]) if batch.messages else first - 1
        if not batch.is_end or end >= reach:
            return batch
        following = await self._jetstream.next(stream, subject, end + 1)
        return batch if following is None else Batch((*batch.messages, following), is_end=False)


def _page(extent: Extent, missed: Gap | None, line: list[Entry], limit: int, *, known: int) -> Page:
    """`known`: up to this position nothing is missing from the line; 0: only up to its end."""
    entries = tuple(([missed] if missed else []) + line)
    if len(entries) > limit:
        entries, known = entries[:limit], 0
    end = max(min(known, extent.last), entries[-1].last if entries else 0)
    return Page(extent, entries, end)
