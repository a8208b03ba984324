"""One state topic: the newest event of each key, and what time takes away."""

import asyncio
import heapq
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.memory.events import stored
from pulse_radar.brokers.topic_spec import StateTopic
from pulse_radar.errors import InvalidEvent, OutcomeUnknown, SequenceConflict, TopicFull
from pulse_radar.protocol.codec import DELETION, encode_event
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, Gap, Page, StoredEvent
from pulse_radar.stream.merge import follow
from pulse_radar.stream.reading import Replay
from pulse_radar.stream.state_window import StateWindow

__all__ = ["MemoryState"]

_NO_LIMIT: Final = 2**62

# For so long a repeated id is recognised; an event itself may be superseded at once.
_IDS_KEPT_SECONDS: Final = 120.0


class MemoryState:
    """The newest event of each key. `now` tells seconds since 1970."""

    def __init__(
        self, spec: StateTopic, now: Callable[[], float], origin: int, *, shows_traceparent: bool
    ) -> None:
        self._now = now
        self._shows_traceparent = shows_traceparent
        self.spec = spec
        self._origin = origin
        nothing = Extent(origin, origin, origin - 1)
        self._window = StateWindow(start=origin - 1, extent=nothing, limit_deletions=_NO_LIMIT)
        # When events expire, and until when deletions are remembered; a look shows if it is still meant.
        self._expiries: list[tuple[float, int, StoredEvent]] = []
        self._deletions: deque[tuple[float, StoredEvent]] = deque()
        self._ids: dict[str, int] = {}
        self._ids_stored: deque[tuple[float, str]] = deque()
        # Set at the next change; then there is another one.
        self.changed = asyncio.Event()

    def retain(self, spec: StateTopic) -> None:
        """Keep by these limits from now on; what is there keeps the time that it was given."""
        self.spec = spec

    def store(self, draft: Draft, expect_last: int | None) -> int:
        if draft.key is None:
            raise InvalidEvent(f"{draft.topic} is a state topic: {draft.name!r} needs a key that it is about")
        self._pass_time()
        known = self._ids.get(draft.id)
        if known is not None:
            return known
        newest = self._window.get(draft.key)
        _check_last(draft, newest, expect_last)
        event = stored(draft, self._window.last + 1, shows_traceparent=self._shows_traceparent)
        self._check_room(draft, newest, event)
        self._put(event, draft.ttl_seconds)
        self._ids[draft.id] = event.sequence
        self._ids_stored.append((self._now() + _IDS_KEPT_SECONDS, draft.id))
        return event.sequence

    def find(self, draft: Draft, after: int) -> int | None:
        self._pass_time()
        known, newest = self._ids.get(draft.id), self._window.get(draft.key or "")
        if known is None and newest is not None and newest.sequence > after:
            raise OutcomeUnknown(
                draft.id, f"{draft.topic}/{draft.name} may have been stored, and be superseded"
            )
        return known

    def extent(self) -> Extent:
        self._pass_time()
        return Extent(self._origin, self._window.horizon + 1, self._window.last)

    def page(self, after: int, limit: int, key: str | None) -> Page:
        extent = self.extent()
        start = after or self._origin - 1
        if start > extent.last or not self._is_remembered(start, after):
            begin = Gap(None, self._origin - 1, GapReason.RESET)
            entries, end = self._changes(begin.last, limit, key)
            return Page(extent, (begin, *entries), end)
        entries, end = self._changes(start, limit, key)
        return Page(extent, tuple(entries), end)

    def newest(self, key: str) -> StoredEvent | None:
        """The newest event of a key, as long as it is remembered."""
        self._pass_time()
        return self._window.get(key)

    def due_in(self) -> float | None:
        """Seconds until something may happen by time alone."""
        return max(0.0, self._expiries[0][0] - self._now()) if self._expiries else None

    def __repr__(self) -> str:
        return f"<MemoryState {self.spec.name}, {self._window!r}>"

    def _is_remembered(self, start: int, after: int) -> bool:
        """Whether a reader can go on from here; one that begins has nothing that could be deleted."""
        return after == 0 or start >= self._window.horizon

    def _changes(self, start: int, limit: int, key: str | None) -> tuple[Sequence[Entry], int]:
        match self._window.read(start, since=None, key=key, limit_events=limit, limit_bytes=_NO_LIMIT):
            case Replay(entries, end):
                return (entries if key else _line(start, entries, end)), end
            case _:
                return (), self._window.last

    def _deletion(self, key: str) -> StoredEvent:
        """By time, and nobody's doing."""
        sequence = self._window.last + 1
        text = encode_event(self.spec.name, sequence, DELETION, key=key, deleted=True)
        return StoredEvent(sequence, key, text, is_deletion=True)

    def _put(self, event: StoredEvent, ttl_seconds: float | None) -> None:
        self._window.extend([event])
        if event.is_deletion:
            self._deletions.append((self._now() + self.spec.deletions_kept_seconds, event))
        else:
            ttl = min(ttl_seconds or math.inf, self.spec.ttl_seconds or math.inf)
            if ttl < math.inf:
                self._expire_later(event, ttl)
        # Whoever waits has the old event in hand; the next one waits for the next change.
        self.changed.set()
        self.changed = asyncio.Event()

    def _expire_later(self, event: StoredEvent, ttl_seconds: float) -> None:
        heapq.heappush(self._expiries, (self._now() + ttl_seconds, event.sequence, event))
        # A key that is renewed often leaves many that are meant no more.
        if len(self._expiries) > 2 * len(self._window) + 16:
            self._expiries = [item for item in self._expiries if self._is_newest(item[2])]
            heapq.heapify(self._expiries)

    def _is_newest(self, event: StoredEvent) -> bool:
        return event.key is not None and self._window.get(event.key) is event

    def _check_room(self, draft: Draft, newest: StoredEvent | None, event: StoredEvent) -> None:
        if newest is None and len(self._window) >= self.spec.max_keys:
            raise TopicFull(
                f"{draft.topic} has {len(self._window)} keys, and may have no more: raise max_keys, delete "
                "keys, or give them a ttl"
            )
        size = self._window.size + len(event.text) - (len(newest.text) if newest else 0)
        if size > self.spec.max_bytes and not draft.is_deletion:
            raise TopicFull(f"{draft.topic} would have {size} bytes, and may have {self.spec.max_bytes}")

    def _pass_time(self) -> None:
        now = self._now()
        while self._expiries and self._expiries[0][0] <= now:
            event = heapq.heappop(self._expiries)[2]
            if event.key is not None and self._is_newest(event):
                self._put(self._deletion(event.key), None)
        while self._deletions and self._deletions[0][0] <= now:
            self._window.forget(self._deletions.popleft()[1])
        while self._ids_stored and self._ids_stored[0][0] <= now:
            self._ids.pop(self._ids_stored.popleft()[1], None)


def _check_last(draft: Draft, newest: StoredEvent | None, expect_last: int | None) -> None:
    sequence = 0 if newest is None else newest.sequence
    if expect_last is not None and expect_last != sequence:
        raise SequenceConflict(f"{draft.topic}: the newest is {sequence}, not {expect_last}")


def _line(start: int, entries: Sequence[Entry], end: int) -> tuple[Entry, ...]:
    """The events with every hole between them, and behind them, named."""
    line = follow(start, entries)
    reached = line[-1].last if line else start
    return line if reached >= end else (*line, Gap(reached + 1, end, GapReason.EXPIRED))
