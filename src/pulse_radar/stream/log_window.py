"""The newest entries of a log topic, encoded and indexed by sequence: what replay is served from first."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Gap, StoredEvent
from pulse_radar.stream.merge import follow
from pulse_radar.stream.reading import Ahead, Beyond, Replay, UpToDate, fitting, size_of

__all__ = ["LogWindow", "LogWindowStats", "Reading"]


Reading = Replay | UpToDate | Gap | Beyond | Ahead


class LogWindowStats(msgspec.Struct, frozen=True):
    """A snapshot of a window. Units: `size` bytes of encoded events."""

    floor: int
    last: int
    events: int
    size: int


# Stands in a slot whose entry was dropped, until the dead half of the list is cut off.
_DROPPED: Final = Gap(None, 0, GapReason.EXPIRED)


class LogWindow:
    """A log topic's newest entries, bounded in number and bytes.

    One slot per sequence, so a position is an index: appending is O(1), reading O(what is read).
    A hole of many numbers is not stored slot by slot: the window begins anew after it.
    """

    def __init__(self, *, start: int, limit_events: int, limit_bytes: int) -> None:
        self._limit_events = limit_events
        self._limit_bytes = limit_bytes
        # The slot of sequence s is _slots[_head + s - floor - 1].
        self._slots: list[Entry] = []
        self._head = 0
        self._size = 0
        # The position before the oldest slot.
        self.floor = start
        # The position of the newest slot.
        self.last = start
        # The hole that ends at the floor, as long as nothing behind it was evicted.
        self._hole: Gap | None = None

    def extend(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Take what arrived; return the part of it that is new, with every hole named."""
        fresh = follow(self.last, entries)
        for entry in fresh:
            self._append(entry)
        self._evict()
        return fresh

    def read(self, cursor: int, *, limit_events: int, limit_bytes: int) -> Reading:
        """What follows `cursor`; of a long replay only the beginning, at least one entry."""
        if cursor == self.last:
            return UpToDate()
        if not self.reaches(cursor):
            return Ahead()
        if cursor < self.floor:
            return self._below(cursor)
        begin = self._head + cursor - self.floor
        entries = self._slots[begin : begin + limit_events]
        entries = entries[: fitting(entries, limit_bytes)]
        return Replay(tuple(entries), entries[-1].last)

    def reaches(self, cursor: int) -> bool:
        """Whether a reader that stands here can be served."""
        return cursor <= self.last

    def newest(self, count: int, key: str | None) -> int | None:
        """The position after which the `count` newest events (of `key`) follow, None if not all are here."""
        if key is None:
            position = self.last - count
            return position if position >= self.floor else None
        for entry in reversed(self._slots[self._head :]):
            if count == 0:
                return entry.last
            if isinstance(entry, StoredEvent) and entry.key == key:
                count -= 1
        return None if count else self.floor

    def limit(self, *, events: int, size: int) -> None:
        """Hold at most so many events and bytes from now on."""
        self._limit_events = events
        self._limit_bytes = size
        self._evict()

    def forget(self, through: int) -> None:
        """Drop everything up to the position `through`."""
        count = max(0, min(through, self.last) - self.floor)
        self._drop(count)

    def stats(self) -> LogWindowStats:
        return LogWindowStats(self.floor, self.last, len(self._slots) - self._head, self._size)

    def __repr__(self) -> str:
        return f"<LogWindow {self.floor + 1}..{self.last}, {self._size} bytes>"

    def _below(self, cursor: int) -> Gap | Beyond:
        hole = self._hole
        # A cursor of 0 asks for whatever is kept, and only the broker knows that.
        if hole is None or cursor == 0:
            return Beyond()
        if hole.first is None:
            return hole
        return Gap(cursor + 1, hole.last, hole.reason) if cursor >= hole.first - 1 else Beyond()

    def _append(self, entry: Entry) -> None:
        if isinstance(entry, StoredEvent) or entry.first == entry.last:
            self._slots.append(entry)
            self._size += size_of(entry)
        else:
            self._slots.clear()
            self._head = self._size = 0
            self.floor = entry.last
            self._hole = entry
        self.last = entry.last

    def _evict(self) -> None:
        excess = len(self._slots) - self._head - self._limit_events
        if excess > 0:
            self._drop(excess)
        while self._size > self._limit_bytes:
            self._drop(1)

    def _drop(self, count: int) -> None:
        if count == 0:
            return
        end = self._head + count
        self._size -= sum(map(size_of, self._slots[self._head : end]))
        self._slots[self._head : end] = [_DROPPED] * count
        self._head = end
        self.floor += count
        self._hole = None
        # Cutting only when half of the list is dead moves each slot once: O(1) for an append.
        if 2 * self._head >= len(self._slots):
            del self._slots[: self._head]
            self._head = 0
