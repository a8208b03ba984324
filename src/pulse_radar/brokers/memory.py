"""The broker of a single process, and the reference for all others: history in memory, no server."""

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeVar

import msgspec

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.siblings import refuse_siblings
from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.errors import SequenceConflict, TopicMissing
from pulse_radar.protocol.codec import EventBody, encode_event
from pulse_radar.stream.entry import Entry, Extent, Page, StoredEvent
from pulse_radar.stream.merge import opening
from pulse_radar.stream.window import Replay, Window

__all__ = ["MemoryBroker"]

_K = TypeVar("_K")

_TAIL_BATCH: Final = 1_000
_NO_LIMIT: Final = 2**62


class MemoryBroker(Broker):
    """Keeps each topic in this process: for development, tests and apps of one process.

    A restart forgets the events but not the order: sequences start from the clock, so they never go back.
    """

    duplicate_window_seconds = math.inf

    def __init__(self, *, now: Callable[[], float] = time.time) -> None:
        """`now` tells seconds since 1970."""
        self._now = now
        self._logs: dict[str, _Log] = {}

    async def declare(self, topics: Sequence[TopicSpec]) -> None:
        refuse_siblings(spec.name for spec in topics)
        for spec in topics:
            if spec.name in self._logs:
                self._logs[spec.name].retain(spec)
            else:
                self._logs[spec.name] = _Log(spec, self._now)

    async def store(self, draft: Draft, *, expect_last: int | None = None) -> int:
        sequence = self._log(draft.topic).store(draft, expect_last)
        # Without a pause a loop of publishes would keep the event loop, and the sockets unserved.
        await asyncio.sleep(0)
        return sequence

    async def find(self, topic: str, event_id: str, after: int) -> int | None:
        sequence = self._log(topic).ids.get(event_id)
        return sequence if sequence is not None and sequence > after else None

    async def extent(self, topic: str) -> Extent:
        return self._log(topic).extent()

    async def read(self, topic: str, *, after: int, limit: int, key: str | None = None) -> Page:
        return self._log(topic).page(after, limit, key)

    async def tail(self, topic: str, *, after: int) -> AsyncIterator[Sequence[Entry]]:
        log = self._log(topic)
        while True:
            # Taken before the look, and nothing awaits in between: no change goes unseen.
            changed = log.changed
            page = log.page(after, _TAIL_BATCH, None)
            if page.entries:
                after = page.end
                yield page.entries
            else:
                await changed.wait()

    def _log(self, topic: str) -> "_Log":
        try:
            return self._logs[topic]
        except KeyError:
            raise TopicMissing(f"nobody declared the topic {topic!r} on this broker") from None

    def __repr__(self) -> str:
        return f"<MemoryBroker {len(self._logs)} topics>"


class _Log:
    """One topic: its window of retained events, and what finds them by id, key and age."""

    def __init__(self, spec: TopicSpec, now: Callable[[], float]) -> None:
        self._now = now
        self._origin = int(now() * 1_000_000)
        self._stored_at: deque[tuple[float, int]] = deque()
        # Ordered dicts: taking the oldest out of a plain one scans all that was taken out before.
        self._newest_of_key: OrderedDict[str | None, int] = OrderedDict()
        self.ids: OrderedDict[str, int] = OrderedDict()
        self.changed = asyncio.Event()
        self._window = Window(start=self._origin - 1, limit_events=spec.retain, limit_bytes=spec.max_bytes)
        self._max_age = spec.max_age_seconds or math.inf

    def retain(self, spec: TopicSpec) -> None:
        """Keep by these limits from now on."""
        self._window.limit(events=spec.retain, size=spec.max_bytes)
        self._max_age = spec.max_age_seconds or math.inf

    def store(self, draft: Draft, expect_last: int | None) -> int:
        self._expire()
        known = self.ids.get(draft.id)
        if known is not None:
            return known
        self._check_last(draft, expect_last)
        sequence = self._window.last + 1
        body = EventBody(draft.name, msgspec.Raw(draft.data), draft.timestamp_ms)
        text = encode_event(draft.topic, sequence, body, key=draft.key, event_id=draft.id)
        self._window.extend([StoredEvent(sequence, draft.key, text)])
        self._remember(draft, sequence)
        return sequence

    def extent(self) -> Extent:
        self._expire()
        return Extent(self._origin, self._window.floor + 1, self._window.last)

    def page(self, after: int, limit: int, key: str | None) -> Page:
        extent = self.extent()
        missed = opening(after, extent)
        start = missed.last if missed else max(after, extent.first - 1)
        entries = self._after(start, limit, key)
        # A full page speaks up to its last entry; one that ran out speaks for all there is.
        end = entries[-1].last if len(entries) == limit else extent.last
        return Page(extent, (missed, *entries) if missed else entries, end)

    def _after(self, start: int, limit: int, key: str | None) -> tuple[Entry, ...]:
        count = limit if key is None else _NO_LIMIT
        match self._window.read(start, limit_events=count, limit_bytes=_NO_LIMIT):
            case Replay(entries):
                if key is None:
                    return entries
                return tuple(e for e in entries if isinstance(e, StoredEvent) and e.key == key)[:limit]
            case _:
                return ()

    def _check_last(self, draft: Draft, expect_last: int | None) -> None:
        newest = self._newest_of_key.get(draft.key, 0)
        newest = newest if newest > self._window.floor else 0
        if expect_last is not None and expect_last != newest:
            raise SequenceConflict(f"{draft.topic}: the newest is {newest}, not {expect_last}")

    def _remember(self, draft: Draft, sequence: int) -> None:
        self.ids[draft.id] = sequence
        self._newest_of_key[draft.key] = sequence
        self._newest_of_key.move_to_end(draft.key)
        self._stored_at.append((self._now(), sequence))
        self._forget()
        # Whoever waits has the old event in hand; the next one waits for the next change.
        self.changed.set()
        self.changed = asyncio.Event()

    def _expire(self) -> None:
        horizon = self._now() - self._max_age
        while self._stored_at and self._stored_at[0][0] < horizon:
            self._window.forget(self._stored_at.popleft()[1])
        self._forget()

    def _forget(self) -> None:
        """Let go of ids and keys whose events are no longer kept; both are in the order of storing."""
        floor = self._window.floor
        while self._stored_at and self._stored_at[0][1] <= floor:
            self._stored_at.popleft()
        _drop_oldest(self.ids, floor)
        _drop_oldest(self._newest_of_key, floor)


def _drop_oldest(sequences: OrderedDict[_K, int], floor: int) -> None:
    while sequences:
        oldest = next(iter(sequences))
        if sequences[oldest] > floor:
            return
        del sequences[oldest]
