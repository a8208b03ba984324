"""One unbroken line from pieces: history and live entries joined, repeats dropped, every hole named."""

from collections.abc import Iterable, Iterator

from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, Gap, StoredEvent

__all__ = ["coalesce", "follow", "opening"]


def opening(after: int, extent: Extent) -> Gap | None:
    """What a reader that stands at `after` has missed before the first retained event, None if nothing.

    `after` 0 asks for whatever is kept, so nothing is missed.
    """
    if after == 0:
        return None
    if after < extent.origin - 1 or after > extent.last:
        # Before this stream began, or a number that it never gave out: another stream's cursor.
        return Gap(None, extent.first - 1, GapReason.RESET)
    if after < extent.first - 1:
        return Gap(after + 1, extent.first - 1, GapReason.EXPIRED)
    return None


def follow(cursor: int, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that continue a log from `cursor`, gapless: a missing number becomes a `Gap`.

    Order: strictly increasing after the cursor, but for a reset, which may begin anywhere.
    """
    line: list[Entry] = []
    for entry in entries:
        for piece in _continue(cursor, entry):
            line.append(piece)
            cursor = piece.last
    return tuple(line)


def _continue(cursor: int, entry: Entry) -> tuple[Entry, ...]:
    if entry.first is None:
        return (entry,)
    if entry.last <= cursor:
        return ()
    if entry.first > cursor + 1:
        return (Gap(cursor + 1, entry.first - 1, GapReason.EXPIRED), entry)
    if isinstance(entry, StoredEvent) or entry.first == cursor + 1:
        return (entry,)
    return (Gap(cursor + 1, entry.last, entry.reason),)


def coalesce(entries: Iterable[Entry]) -> Iterator[Entry]:
    """The same entries with neighbouring holes of one reason told as one."""
    pending: Gap | None = None
    for entry in entries:
        if pending is not None and isinstance(entry, Gap) and _touch(pending, entry):
            pending = Gap(pending.first, entry.last, pending.reason)
            continue
        if pending is not None:
            yield pending
        pending = entry if isinstance(entry, Gap) else None
        if pending is None:
            yield entry
    if pending is not None:
        yield pending


def _touch(earlier: Gap, later: Gap) -> bool:
    return later.reason is earlier.reason and later.first == earlier.last + 1
