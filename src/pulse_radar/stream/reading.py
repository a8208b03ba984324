"""What a window answers when it is asked what follows a cursor: absence and loss are values."""

from collections.abc import Iterator, Sequence

import msgspec

from pulse_radar.stream.entry import Entry, StoredEvent

__all__ = ["Ahead", "Beyond", "Replay", "UpToDate", "fitting", "parts", "size_of"]


class Replay(msgspec.Struct, frozen=True):
    """The entries after the cursor, as many as were asked for: all there is up to the position `end`."""

    entries: tuple[Entry, ...]
    end: int


class UpToDate(msgspec.Struct, frozen=True):
    """The cursor is the newest position."""


class Beyond(msgspec.Struct, frozen=True):
    """What follows the cursor is older than this window: ask the broker."""


class Ahead(msgspec.Struct, frozen=True):
    """The cursor is newer than this window: it lags, or the cursor is another stream's. Ask the broker."""


def fitting(entries: Sequence[Entry], limit_bytes: int) -> int:
    """How many of the entries fit into so many bytes; one always does."""
    if len(entries) == 1:
        return 1
    total = 0
    for count, entry in enumerate(entries):
        total += size_of(entry)
        if total > limit_bytes and count:
            return count
    return len(entries)


def parts(entries: tuple[Entry, ...], limit_bytes: int) -> Iterator[tuple[Entry, ...]]:
    """The same entries in pieces of so many bytes; one that is larger is a piece by itself."""
    while entries:
        count = fitting(entries, limit_bytes)
        yield entries[:count]
        entries = entries[count:]


def size_of(entry: Entry) -> int:
    """Bytes on the wire, of an event that is encoded."""
    return len(entry.text) if isinstance(entry, StoredEvent) else 0
