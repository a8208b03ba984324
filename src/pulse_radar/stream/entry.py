"""What a topic's history is made of: stored events, known holes, and how far it reaches."""

import msgspec

from pulse_radar.protocol.frames import GapReason

__all__ = ["Entry", "Extent", "Gap", "Page", "StoredEvent"]


class StoredEvent(msgspec.Struct, frozen=True, gc=False):
    """An event at its place in the topic, already encoded for the wire: it is encoded once, here.

    Units: `timestamp_ms` milliseconds since 1970, as its publisher said.
    """

    sequence: int
    key: str | None
    text: bytes  # the event frame, UTF-8 JSON
    is_deletion: bool = False  # of a state topic: the key is no more
    timestamp_ms: int | None = None
    traceparent: str | None = None  # the trace in which it was published

    @property
    def first(self) -> int:
        return self.sequence

    @property
    def last(self) -> int:
        return self.sequence


class Gap(msgspec.Struct, frozen=True, gc=False):
    """A known hole: the events from `first` to `last`, both inclusive, will not come.

    `first` is None where the old numbering ended nobody knows where (a reset).
    After a gap the cursor is `last`.
    """

    first: int | None
    last: int
    reason: GapReason


Entry = StoredEvent | Gap


class Extent(msgspec.Struct, frozen=True, gc=False):
    """How far a topic reaches at the broker right now.

    `origin`: the first sequence this stream ever gave out; a smaller cursor is from an earlier stream.
    `last`: the newest one. `first`: whoever has seen everything before it misses nothing. Of a log that is the
    oldest retained event, of a state topic the oldest change since which no deletion is forgotten;
    where there is none it is `last + 1`.
    """

    origin: int
    first: int
    last: int


class Page(msgspec.Struct, frozen=True):
    """A piece of history as the broker read it: entries after a cursor, oldest first.

    `extent` was measured before the entries were read. `end` is the position up to which this page
    speaks: nothing between the cursor asked for and `end` is missing from it but what a gap names.
    """

    extent: Extent
    entries: tuple[Entry, ...]
    end: int
