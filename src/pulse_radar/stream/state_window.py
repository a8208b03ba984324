"""A whole state topic in memory: the newest event of each key in sequence order, and what was deleted lately."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, StoredEvent
from pulse_radar.stream.reading import Ahead, Replay, UpToDate, fitting

__all__ = ["Standing", "StateReading", "StateWindow", "StateWindowStats"]

StateReading = Replay | UpToDate | Ahead


class StateWindowStats(msgspec.Struct, frozen=True):
    """A snapshot of a state window. Units: `size` bytes of encoded events."""

    horizon: int
    last: int
    keys: int
    deletions: int
    size: int


class Standing(msgspec.Struct, frozen=True):
    """Where a reader stands that forgot all it knew at `since`, and of which key it reads alone."""

    cursor: int
    since: int
    key: str | None = None

    def must_hear(self, deletion: StoredEvent, birth: int) -> bool:
        """Whether it may have been given what this takes away: a key that came at `birth`."""
        return self.key in (None, deletion.key) and birth <= self.cursor < deletion.sequence > self.since


class StateWindow:
    """The newest event of each key; a newer one takes the older one's place and goes to the end.

    So a reader that goes through it in sequence order, however slowly, gets of every key what is newest by
    then: that is the conflation. What it must not miss is a deletion: the `horizon` is the position since
    which none is forgotten. Readers that were given all they know here need not look at it: what they must hear
    of is kept for them, and of keys that came and went while they were behind they hear nothing.
    Cost: a new event O(1), a reading O(log of all + what is read), both amortised.
    """

    def __init__(
        self,
        *,
        start: int,
        extent: Extent,
        limit_deletions: int,
        standing: Callable[[], Iterable[Standing]] = tuple,
    ) -> None:
        """`start`: what follows it is about to come; `extent`: how far the topic reached just before.

        `standing`: answers where readers stand now that were given all they know here.
        """
        self._limit_deletions = limit_deletions
        self._standing = standing
        # Side by side, in sequence order: the events, None where one was superseded, and their sequences.
        self._slots: list[StoredEvent | None] = []
        self._sequences: list[int] = []
        # The slot of each key.
        self._places: dict[str, int] = {}
        # Where each key came that was unknown before: no reader that is not so far was given it.
        self._births: dict[str, int] = {}
        self._size = 0
        # Deletions in the order of coming; one that was superseded counts until its turn comes.
        self._deletions: deque[StoredEvent] = deque()
        # So many more are remembered, that readers are looked at only now and then.
        self._slack = limit_deletions // 16
        # Those whose turn came while somebody had to hear of them, and how many there may be before the next look.
        self._late: list[StoredEvent] = []
        self._limit_late = self._slack
        self._start = start
        self.last = start
        # The position at which all that was there is here; None when nobody has said since it began anew.
        self._head: int | None = None
        self.horizon = start
        self.settle(extent)

    @property
    def is_whole(self) -> bool:
        """Whether everything that the topic held when this began is here."""
        return self._head is not None and self.last >= self._head

    def settle(self, extent: Extent) -> None:
        """The topic reaches so far: known at the start, and to be told again after a reset."""
        if self._head is None:
            self._head = extent.last
            self.horizon = max(self.horizon, extent.first - 1)

    def extend(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Take what arrived; return the part of it that readers must hear of.

        A hole is what was superseded, which is no loss. A reset empties this: the state comes anew.
        """
        fresh: list[Entry] = []
        for entry in entries:
            if entry.first is None:
                self._begin_anew(entry.last)
                fresh.append(entry)
            elif entry.last > self.last:
                self.last = entry.last
                if isinstance(entry, StoredEvent):
                    self._put(entry)
                    fresh.append(entry)
                elif entry.reason is GapReason.UNREADABLE:
                    fresh.append(entry)
        return tuple(fresh)

    def read(
        self, cursor: int, *, since: int | None, key: str | None, limit_events: int, limit_bytes: int
    ) -> StateReading:
        """What changed after `cursor`, all or of one key; of much only the beginning, at least one event.

        `since`: where the reader forgot all it knew; None: it may know keys from elsewhere.
        """
        if not self.reaches(cursor):
            return Ahead()
        if cursor == self.last:
            return UpToDate()
        reader = None if since is None else Standing(cursor, since, key)
        events = self._of_key(key, cursor, reader) if key else self._after(cursor, reader, limit_events)
        count = fitting(events, limit_bytes)
        is_all = count == len(events) and (key is not None or count < limit_events)
        return Replay(tuple(events[:count]), self.last if is_all else events[count - 1].sequence)

    def reaches(self, cursor: int) -> bool:
        """Whether a reader that stands here can be served."""
        return self.is_whole and cursor <= self.last

    def has_forgotten(self, cursor: int) -> bool:
        """Whether a deletion may be forgotten of which a reader must hear that comes from elsewhere."""
        return cursor < self.horizon

    def get(self, key: str) -> StoredEvent | None:
        """The newest event of a key, which may be its deletion."""
        place = self._places.get(key)
        return None if place is None else self._slots[place]

    def forget(self, deletion: StoredEvent) -> None:
        """Remember this deletion no longer, if it is still what is newest of its key."""
        assert deletion.key is not None
        if self.get(deletion.key) is deletion:
            self._take(deletion.key)
            del self._births[deletion.key]
            self.horizon = max(self.horizon, deletion.sequence)
        while self._deletions and not self._is_newest(self._deletions[0]):
            self._deletions.popleft()

    def stats(self) -> StateWindowStats:
        deletions = sum(slot is not None and slot.is_deletion for slot in self._slots)
        keys = len(self._places) - deletions
        return StateWindowStats(self.horizon, self.last, keys, deletions, self._size)

    @property
    def size(self) -> int:
        """Bytes of encoded events."""
        return self._size

    def __len__(self) -> int:
        """Keys, and deletions that are remembered."""
        return len(self._places)

    def __repr__(self) -> str:
        return f"<StateWindow up to {self.last}, {len(self._places)} keys, {self._size} bytes>"

    def _after(self, cursor: int, reader: Standing | None, limit: int) -> list[StoredEvent]:
        events: list[StoredEvent] = []
        for slot in self._slots_from(bisect_right(self._sequences, cursor)):
            if self._is_news(slot, reader):
                events.append(slot)
                if len(events) == limit:
                    break
        return events

    def _slots_from(self, begin: int) -> Iterator[StoredEvent]:
        for place in range(begin, len(self._slots)):
            slot = self._slots[place]
            if slot is not None:
                yield slot

    def _of_key(self, key: str, cursor: int, reader: Standing | None) -> list[StoredEvent]:
        event = self.get(key)
        return [event] if event and event.sequence > cursor and self._is_news(event, reader) else []

    def _is_news(self, event: StoredEvent, reader: Standing | None) -> bool:
        """Whether a reader must hear of this: of a deletion only if it may have been given the key."""
        if reader is None or not event.is_deletion or event.key is None:
            return True
        return reader.must_hear(event, self._births[event.key])

    def _is_newest(self, event: StoredEvent) -> bool:
        return event.key is not None and self.get(event.key) is event

    def _put(self, event: StoredEvent) -> None:
        # Without a key it is no state: a broker refuses it, and one that is there all the same is passed over.
        if event.key is None:
            return
        if event.key in self._places:
            self._take(event.key)
        self._births.setdefault(event.key, event.sequence)
        self._places[event.key] = len(self._slots)
        self._slots.append(event)
        self._sequences.append(event.sequence)
        self._size += len(event.text)
        if event.is_deletion:
            self._remember(event)

    def _remember(self, deletion: StoredEvent) -> None:
        self._deletions.append(deletion)
        if len(self._deletions) > self._limit_deletions:
            self._late.append(self._deletions.popleft())
        # Looking only when they are twice as many as were left looks at each a bounded number of times.
        if len(self._late) > self._limit_late:
            self._forget_late()

    def _forget_late(self) -> None:
        """Forget those of which nobody must hear any more."""
        standing = frozenset(self._standing())
        late, self._late = self._late, []
        for deletion in late:
            if self._is_awaited(deletion, standing):
                self._late.append(deletion)
            else:
                self.forget(deletion)
        self._limit_late = max(self._slack, 2 * len(self._late))

    def _is_awaited(self, deletion: StoredEvent, standing: Iterable[Standing]) -> bool:
        if deletion.key is None or not self._is_newest(deletion):
            return False
        birth = self._births[deletion.key]
        return any(reader.must_hear(deletion, birth) for reader in standing)

    def _take(self, key: str) -> None:
        place = self._places.pop(key)
        event = self._slots[place]
        assert event is not None, "a key points at its event"
        self._slots[place] = None
        self._size -= len(event.text)
        # Closing ranks only when most are gone moves each event a bounded number of times.
        if len(self._slots) > 2 * len(self._places) + 16:
            self._close_ranks()

    def _close_ranks(self) -> None:
        kept = [slot for slot in self._slots if slot is not None]
        self._slots[:] = kept
        self._sequences = [event.sequence for event in kept]
        self._places = {event.key: place for place, event in enumerate(kept) if event.key is not None}

    def _begin_anew(self, start: int) -> None:
        self._slots.clear()
        self._sequences.clear()
        self._places.clear()
        self._births.clear()
        self._deletions.clear()
        self._late.clear()
        self._size = 0
        self._head = None
        self.last = self.horizon = start
