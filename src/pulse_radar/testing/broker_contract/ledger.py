"""The promise as a check: what was seen and what was told to be missing is exactly what was published."""

from collections.abc import Iterable, Sequence

import msgspec

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Gap, StoredEvent

__all__ = ["Ledger", "gaps", "ids", "numbers"]


class _IdOnly(msgspec.Struct):
    id: str | None = None


class Ledger:
    """Every event that was acknowledged, by number and id, of one topic."""

    def __init__(self) -> None:
        self.events: dict[int, str] = {}

    @property
    def last(self) -> int:
        return max(self.events)

    def note(self, sequence: int, event_id: str) -> None:
        """An event was acknowledged. The same event twice is fine, two under one number are not."""
        known = self.events.setdefault(sequence, event_id)
        assert known == event_id, f"{sequence} was given to {known} and to {event_id}"

    def check(self, entries: Sequence[Entry], *, after: int) -> None:
        """Hold what a reader was told against what was published.

        Raises: AssertionError, naming the first contradiction.
        """
        _check_line(entries, after)
        seen = [entry for entry in entries if isinstance(entry, StoredEvent)]
        for entry in seen:
            published = self.events.get(entry.sequence)
            assert _id(entry) == published, f"{entry.sequence} is {_id(entry)}, published was {published}"
        assert len({_id(entry) for entry in seen}) == len(seen), "an event was delivered twice"
        told = [entry for entry in entries if isinstance(entry, Gap)]
        position = entries[-1].last if entries else after
        for sequence in self.events.keys() - {entry.sequence for entry in seen}:
            assert sequence <= after or sequence > position or _is_told(sequence, told), f"lost {sequence}"

    def __repr__(self) -> str:
        return f"<Ledger of {len(self.events)} events>"


def numbers(entries: Iterable[Entry]) -> list[int]:
    """The sequences of the events among the entries."""
    return [entry.sequence for entry in entries if isinstance(entry, StoredEvent)]


def ids(entries: Iterable[Entry]) -> list[str | None]:
    """The ids of the events among the entries."""
    return [_id(entry) for entry in entries if isinstance(entry, StoredEvent)]


def gaps(entries: Iterable[Entry]) -> list[Gap]:
    return [entry for entry in entries if isinstance(entry, Gap)]


def _check_line(entries: Sequence[Entry], after: int) -> None:
    cursor = after
    highest = 0
    for entry in entries:
        continues = entry.first is None or cursor == 0 or entry.first == cursor + 1
        assert continues, f"{entry} does not continue {cursor}"
        assert entry.last > highest or entry.first is None, f"{entry} goes back behind {highest}"
        cursor = highest = entry.last


def _is_told(sequence: int, told: Iterable[Gap]) -> bool:
    for gap in told:
        if gap.reason is GapReason.RESET and sequence <= gap.last:
            return True
        if gap.first is not None and gap.first <= sequence <= gap.last:
            return True
    return False


def _id(entry: StoredEvent) -> str | None:
    return msgspec.json.decode(entry.text, type=_IdOnly).id
