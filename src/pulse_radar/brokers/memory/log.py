"""One log: its window of kept events, and what finds them by id, key and age."""

import asyncio
import math
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final, TypeVar

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.memory.events import stored
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import InvalidEvent, OutcomeUnknown, SequenceConflict
from pulse_radar.stream.entry import Entry, Extent, Page, StoredEvent
from pulse_radar.stream.log_window import LogWindow
from pulse_radar.stream.merge import opening
from pulse_radar.stream.reading import Replay

__all__ = ["MemoryLog"]

_K = TypeVar("_K")

_NO_LIMIT: Final = 2**62


class MemoryLog:
    """Every event of a topic, as long as its limits let it. `now` tells seconds since 1970."""

    def __init__(
        self, spec: LogTopic, now: Callable[[], float], origin: int, *, shows_traceparent: bool
    ) -> None:
        self._now = now
        self._shows_traceparent = shows_traceparent
        self._origin = origin
        self._stored_at: deque[tuple[float, int]] = deque()
        # Ordered dicts: taking the oldest out of a plain one scans all that was taken out before.
        self._newest_of_key: OrderedDict[str | None, int] = OrderedDict()
        self._ids: OrderedDict[str, int] = OrderedDict()
        # Set at the next change; then there is another one.
        self.changed = asyncio.Event()
        self._window = LogWindow(start=origin - 1, limit_events=spec.retain, limit_bytes=spec.max_bytes)
        self.spec = spec

    def retain(self, spec: LogTopic) -> None:
        """Keep by these limits from now on."""
        self._window.limit(events=spec.retain, size=spec.max_bytes)
        self.spec = spec

    def store(self, draft: Draft, expect_last: int | None) -> int:
        if draft.is_deletion or draft.ttl_seconds is not None:
            raise InvalidEvent(f"{draft.topic} is a log: its events are not deleted by key, nor by a ttl")
        self._expire()
        known = self._ids.get(draft.id)
        if known is not None:
            return known
        self._check_last(draft, expect_last)
        sequence = self._window.last + 1
        self._window.extend([stored(draft, sequence, shows_traceparent=self._shows_traceparent)])
        self._remember(draft, sequence)
        return sequence

    def find(self, draft: Draft, after: int) -> int | None:
        self._expire()
        known = self._ids.get(draft.id)
        if known is None and self._window.floor > max(after, self._origin - 1):
            raise OutcomeUnknown(
                draft.id, f"{draft.topic}/{draft.name} may have been stored, and be no longer kept"
            )
        return known

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

    def newest(self, key: str) -> StoredEvent | None:
        """The newest event of a key."""
        self._expire()
        sequence = self._newest_of_key.get(key, 0)
        found = self._after(sequence - 1, 1, None) if sequence > self._window.floor else ()
        return next((entry for entry in found if isinstance(entry, StoredEvent)), None)

    def due_in(self) -> None:
        """Nothing of a log that a tail must hear of happens by time alone."""
        return

    def __repr__(self) -> str:
        return f"<MemoryLog {self.spec.name}, {self._window!r}>"

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
        self._ids[draft.id] = sequence
        self._newest_of_key[draft.key] = sequence
        self._newest_of_key.move_to_end(draft.key)
        self._stored_at.append((self._now(), sequence))
        self._forget()
        # Whoever waits has the old event in hand; the next one waits for the next change.
        self.changed.set()
        self.changed = asyncio.Event()

    def _expire(self) -> None:
        horizon = self._now() - (self.spec.max_age_seconds or math.inf)
        while self._stored_at and self._stored_at[0][0] < horizon:
            self._window.forget(self._stored_at.popleft()[1])
        self._forget()

    def _forget(self) -> None:
        """Let go of ids and keys whose events are no longer kept; both are in the order of storing."""
        floor = self._window.floor
        while self._stored_at and self._stored_at[0][1] <= floor:
            self._stored_at.popleft()
        _drop_oldest(self._ids, floor)
        _drop_oldest(self._newest_of_key, floor)


def _drop_oldest(sequences: OrderedDict[_K, int], floor: int) -> None:
    while sequences:
        oldest = next(iter(sequences))
        if sequences[oldest] > floor:
            return
        del sequences[oldest]
