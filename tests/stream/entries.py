"""Entries as tests need them: short to write, of any size."""

from collections.abc import Iterable

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Gap, StoredEvent

__all__ = ["event", "events", "expired", "numbers", "reset", "unreadable"]


def event(sequence: int, key: str | None = None, size: int = 10) -> StoredEvent:
    return StoredEvent(sequence, key, b"x" * size)


def events(first: int, last: int) -> tuple[StoredEvent, ...]:
    return tuple(event(sequence) for sequence in range(first, last + 1))


def expired(first: int, last: int) -> Gap:
    return Gap(first, last, GapReason.EXPIRED)


def unreadable(sequence: int) -> Gap:
    return Gap(sequence, sequence, GapReason.UNREADABLE)


def reset(last: int) -> Gap:
    return Gap(None, last, GapReason.RESET)


def numbers(entries: Iterable[Entry]) -> list[int]:
    """The sequences of the events among the entries."""
    return [entry.sequence for entry in entries if isinstance(entry, StoredEvent)]
