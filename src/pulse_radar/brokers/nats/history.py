"""What is kept, read a page at a time.

Any replica answers, and one that was cut off answers with less than there is for as long as it catches up.
So that a batch is the last one is believed of the stream's leader only.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from pulse_radar.brokers.nats.jetstream import BATCH_EVENTS, Batch, JetStream
from pulse_radar.brokers.nats.messages import Kinds, Message, entry_of, sequence_of, subject_of
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.requests import NobodyAnswers
from pulse_radar.brokers.nats.steps import Sight
from pulse_radar.brokers.nats.stream_view import StreamView
from pulse_radar.errors import TopicMissing
from pulse_radar.protocol.frames import GapReason
from pulse_radar.protocol.grammar import MAX_SEQUENCE
from pulse_radar.stream.entry import Entry, Extent, Gap, Page, StoredEvent
from pulse_radar.stream.merge import follow, opening

__all__ = ["History"]

# A page is asked for in slices: what is live comes on the same connection, is taken by the same loop, and waits for
# those that are under way: two to four times as long with a thousand at once. Fifty cost a third of the speed.
_SLICE_EVENTS: Final = 100
# No further slice once there is so much: a page may be shorter than it was asked for.
_PAGE_BYTES: Final = 1024 * 1024
# However many readers are behind, all of them together. With all at once, thirty made what is live wait for a second.
_SLICES_AT_ONCE: Final = 4


def missing(topic: str, seen: str) -> TopicMissing:
    """Nobody created a topic, as was `seen` at the server: what whoever misses it is told, and can do."""
    return TopicMissing(
        f"{seen}: nobody created {topic!r}. Is it spelled as its app declares it, and has that app started on this "
        "broker? `pulse-radar topics` shows what is there"
    )


class History:
    """Reads streams. Raises everywhere: BrokerUnavailable, TopicMissing, NotPermitted."""

    def __init__(
        self, jetstream: JetStream, naming: Naming, kinds: Kinds, *, shows_traceparent: bool
    ) -> None:
        self._jetstream = jetstream
        self._naming = naming
        self._kinds = kinds
        self._shows_traceparent = shows_traceparent
        # Of each topic whose stream was seen.
        self._batches: dict[str, bool] = {}
        self._slices = asyncio.Semaphore(_SLICES_AT_ONCE)

    async def look(self, topic: str) -> StreamView | None:
        """How the topic's stream looks now, None if there is none."""
        view = await self._jetstream.view(self._naming.stream(topic))
        if view is not None:
            self._kinds[topic] = view.sight.is_state
            self._batches[topic] = view.takes_batches
        return view

    async def view(self, topic: str) -> StreamView:
        view = await self.look(topic)
        if view is None:
            raise missing(topic, f"there is no stream {self._naming.stream(topic)}")
        return view

    def is_known_state(self, topic: str) -> bool:
        return self._kinds.get(topic, False)

    def takes_batches(self, topic: str) -> bool:
        """Whether several events may be stored together there, as far as we have seen."""
        return self._batches.get(topic, False)

    async def is_kept(self, topic: str) -> bool:
        """Whether it has a stream. While that has no leader, its replicas answer, and at once."""
        try:
            await self._jetstream.batch(self._naming.stream(topic), ">", 1, limit=1)
        except NobodyAnswers:
            return await self.look(topic) is not None
        return True

    async def batch(self, topic: str, first: int, reach: int) -> tuple[list[Entry], bool]:
        """What is stored from `first` on, as much as comes at once, and whether that is all up to `reach`."""
        batch = await self._batch(topic, ">", first, reach)
        return self._entries(topic, batch), batch.is_end

    async def messages(self, topic: str, after: int, reach: int) -> AsyncIterator[Message]:
        """All that is kept after a position, up to `reach` at least."""
        while True:
            batch = await self._batch(topic, ">", after + 1, reach)
            for message in batch.messages:
                yield message
            if batch.is_end:
                return
            after = sequence_of(batch.messages[-1])

    async def next_of(self, topic: str, subject: str, after: int) -> Message | None:
        """The first message on a subject after a position."""
        return await self._jetstream.next(self._naming.stream(topic), subject, after + 1)

    async def newest(self, topic: str, key: str) -> StoredEvent | None:
        """The newest event of a key: one question, where it is known what the topic is."""
        if topic not in self._kinds:
            await self.view(topic)
        message = await self._jetstream.last(self._naming.stream(topic), self._naming.subject(topic, key))
        if message is None:
            return None
        [entry] = self._entries(topic, Batch((message,), is_end=True))
        return entry if isinstance(entry, StoredEvent) else None

    async def page(self, topic: str, after: int, limit: int) -> Page:
        """A page of the whole topic."""
        while True:
            sight = (await self.view(topic)).sight
            missed = _missed(after, sight)
            page = await self._page_of_topic(topic, sight, missed.last if missed else after, limit)
            if not sight.is_state or missed == _missed(after, (await self.view(topic)).sight):
                return _preceded(missed, page)

    async def page_of_key(self, topic: str, key: str, after: int, limit: int) -> Page:
        """A page of one key: between its events holes are natural, only what lies before them can be missed."""
        while True:
            sight = (await self.view(topic)).sight
            before = _missed(after, sight)
            page = await self._page_of_key(topic, key, sight, before.last if before else after, limit)
            # Looked at again, for events of the key may have expired before they could be read.
            missed = _missed(after, (await self.view(topic)).sight)
            if not sight.is_state or missed == before:
                return _preceded(missed, page)

    async def _page_of_topic(self, topic: str, sight: Sight, after: int, limit: int) -> Page:
        extent, start = sight.extent, max(after, sight.start)
        found, is_end = await self._collect(topic, ">", start, limit, reach=extent.last)
        line = list(follow(start, _remembered(found[:limit], extent)))
        reached = line[-1].last if line else start
        if is_end and reached < extent.last:
            # Stored when we looked, and nowhere now: removed, as one erases the events of a key.
            line.append(Gap(reached + 1, extent.last, GapReason.EXPIRED))
        return Page(extent, tuple(line), line[-1].last if line else extent.last)

    async def _page_of_key(self, topic: str, key: str, sight: Sight, after: int, limit: int) -> Page:
        """It speaks up to where a replica provably had nothing more of the key.

        A leader's word is not enough here: one that was deposed does not know it at first.
        """
        extent, start, subject = sight.extent, max(after, sight.start), self._naming.subject(topic, key)
        newest, up_to = 0, extent.last
        if sight.is_replicated and start < extent.last:
            newest, up_to = await self._newest(topic, subject, sight.start + 1)
        reach = newest if up_to >= extent.last else MAX_SEQUENCE
        found, is_end = await self._collect(topic, subject, start, limit, reach)
        is_known = is_end and (found[-1].last if found else start) >= newest
        found = _remembered(found[:limit], extent)
        end = max(min(up_to, extent.last) if is_known else 0, found[-1].last if found else 0)
        return Page(extent, tuple(found), end)

    async def _newest(self, topic: str, subject: str, first: int) -> tuple[int, int]:
        """The newest number on a subject (0: none), and how far the replica had come that says so."""
        stream = self._naming.stream(topic)
        # The oldest event's as well: how far it has come a replica tells only with something that it finds.
        oldest = await self._jetstream.batch(stream, ">", first, limit=1)
        subjects = {subject, *map(subject_of, oldest.messages)}
        batch = await self._jetstream.newest(stream, sorted(subjects))
        numbers = (sequence_of(message) for message in batch.messages if subject_of(message) == subject)
        return max(numbers, default=0), batch.up_to

    async def _collect(
        self, topic: str, subject: str, cursor: int, limit: int, reach: int
    ) -> tuple[list[Entry], bool]:
        """Entries after the cursor, a slice at a time, until they are enough; whether that is all, up to `reach`."""
        entries: list[Entry] = []
        size = 0
        while len(entries) < limit and size < _PAGE_BYTES:
            due = min(limit - len(entries), _SLICE_EVENTS)
            async with self._slices:
                batch = await self._batch(topic, subject, cursor + 1, reach, due)
                entries += self._entries(topic, batch)
            size += sum(len(message.data) for message in batch.messages)
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

    def _entries(self, topic: str, batch: Batch) -> list[Entry]:
        is_state, shows = self._kinds.get(topic, False), self._shows_traceparent
        return [
            entry_of(self._naming, topic, message, is_state=is_state, shows_traceparent=shows)
            for message in batch.messages
        ]


def _missed(after: int, sight: Sight) -> Gap | None:
    """What a reader that stands at `after` has missed before all that it can read now, None if nothing."""
    extent = sight.extent
    missed = opening(after, extent)
    # Of a state topic nobody can say what: it begins anew.
    return Gap(None, extent.origin - 1, GapReason.RESET) if missed and sight.is_state else missed


def _remembered(entries: Sequence[Entry], extent: Extent) -> list[Entry]:
    """The entries without deletions that count as forgotten: who would hear of them begins anew, with nothing."""
    return [
        Gap(entry.last, entry.last, GapReason.EXPIRED) if _is_forgotten(entry, extent) else entry
        for entry in entries
    ]


def _is_forgotten(entry: Entry, extent: Extent) -> bool:
    return isinstance(entry, StoredEvent) and entry.is_deletion and entry.last < extent.first


def _preceded(missed: Gap | None, page: Page) -> Page:
    """The page with what was missed before it; what expired while it was read is missed."""
    if missed is None:
        return page
    entries = (entry for entry in page.entries if entry.last > missed.last)
    return Page(page.extent, (missed, *entries), max(page.end, missed.last))
