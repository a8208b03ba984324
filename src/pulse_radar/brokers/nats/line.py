"""A topic's entries put together from batches and announcements: one unbroken line, ready to be delivered."""

from collections.abc import Sequence
from typing import Final

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Gap, StoredEvent
from pulse_radar.stream.merge import follow

__all__ = ["ROOM_EVENTS", "Line"]

# In each of the two queues. What finds no room is read from the stream later.
ROOM_EVENTS: Final = 10_000
_ROOM_BYTES: Final = 16 * 1024 * 1024


class Line:
    """What is ready to be delivered, and what was announced ahead of it."""

    def __init__(self, position: int, room_events: int) -> None:
        # Everything up to here is delivered, ready to be, or named in a gap.
        self.position = position
        # The newest event up to the position: it tells this stream from another with the same numbers.
        self.witness: StoredEvent | None = None
        self._ready = _Queue(room_events)
        # The newest unbroken run of what was announced ahead of the position.
        self._run = _Queue(room_events)

    @property
    def is_ready(self) -> bool:
        return bool(self._ready.entries)

    @property
    def proven_from(self) -> int:
        """A batch from here on shows whether the stream still holds what it held."""
        return max(1, self.position) if self.witness is None else self.witness.last

    @property
    def announced(self) -> int:
        """How far the announcements go that are kept."""
        return self._run.entries[-1].last if self._run.entries else self.position

    @property
    def waiting(self) -> int:
        return len(self._ready.entries) + len(self._run.entries)

    def deliver(self) -> tuple[Entry, ...]:
        """Take all that is ready."""
        return tuple(self._ready.take())

    def is_known(self, entry: Entry) -> bool:
        """Whether the line has it already."""
        return entry.last <= self.position and not self.contradicts(entry)

    def contradicts(self, entry: Entry) -> bool:
        """Whether it has the number of our witness and is another one."""
        return self.witness is not None and entry.last == self.witness.last and entry != self.witness

    def add(self, entries: Sequence[Entry]) -> bool:
        """Continue with stored entries, each hole named. Whether anything was new."""
        if self.witness is None and entries:
            self._call(entries[0])
        news = follow(self.position, entries)
        for entry in news:
            self._take(entry)
        return bool(news)

    def add_next(self, entry: Entry) -> bool:
        """Continue with what was announced, if it is the next and there is room for it."""
        is_next = entry.first == self.position + 1 and self._ready.has_room
        if is_next:
            self._take(entry)
        return is_next

    def start(self, position: int) -> None:
        """Begin after this position instead: nothing before it is asked for."""
        self.position = position

    def expire(self, through: int) -> None:
        """Everything after the position, up to there, is no longer kept."""
        self.add((Gap(self.position + 1, through, GapReason.EXPIRED),))

    def reset(self, position: int) -> None:
        """Another numbering begins after this position."""
        self._run.take()
        self.witness = None
        self.add((Gap(None, position, GapReason.RESET),))

    def stash(self, entry: Entry) -> None:
        """Keep what was announced ahead of the position."""
        run = self._run.entries
        if run and (entry.last != run[-1].last + 1 or not self._run.has_room):
            self._run.take()
        if entry.last > self.position:
            self._run.append(entry)

    def forget_stash(self) -> None:
        self._run.take()

    def join_stash(self) -> bool:
        """Continue with what was stashed, if there is no hole before it. Whether it was so."""
        ahead = [entry for entry in self._run.entries if not self.is_known(entry)]
        continues = not ahead or ahead[0].last == self.position + 1
        if continues:
            self._run.take()
            self.add(ahead)
        return continues

    def __repr__(self) -> str:
        ready, ahead = len(self._ready.entries), len(self._run.entries)
        return f"<Line up to {self.position}, {ready} ready, {ahead} ahead>"

    def _take(self, entry: Entry) -> None:
        """It is what follows the position."""
        self._ready.append(entry)
        self.position = entry.last
        self._call(entry)

    def _call(self, entry: Entry) -> None:
        """Make it the witness, if it is an event and the one at the position."""
        if isinstance(entry, StoredEvent) and entry.last == self.position:
            self.witness = entry


class _Queue:
    """Entries that wait, in order."""

    def __init__(self, room_events: int) -> None:
        self._room_events = room_events
        self.entries: list[Entry] = []
        self._bytes = 0

    @property
    def has_room(self) -> bool:
        return len(self.entries) < self._room_events and self._bytes < _ROOM_BYTES

    def append(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._bytes += len(entry.text) if isinstance(entry, StoredEvent) else 0

    def take(self) -> list[Entry]:
        taken, self.entries, self._bytes = self.entries, [], 0
        return taken
