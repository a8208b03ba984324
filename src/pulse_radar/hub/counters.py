"""What happened, counted: every loss and every eviction has a number here."""

from collections import Counter

import msgspec

from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import GapReason

__all__ = ["ClientStats", "Counters", "HubStats"]


class HubStats(msgspec.Struct, frozen=True):
    """A snapshot of the hub. Units: everything since the start counts frames, connections or events."""

    connections: int
    subscriptions_live: int
    subscriptions_catching_up: int
    delivered: int
    replayed: int
    gaps: dict[str, int]
    evicted_slow: int
    evicted_stale: int
    expired: int
    dismissed: dict[str, int]
    refused: dict[str, int]
    snapshots: int
    conflated: int
    topics: dict[str, int]


class ClientStats(msgspec.Struct, frozen=True):
    """A snapshot of one connection. Units: `opened_at` monotonic seconds, `behind` events to catch up on."""

    connection_id: str
    who: str
    feeds: tuple[str, ...]
    behind: int
    opened_at: float


class Counters:
    """Running totals of the hub."""

    def __init__(self) -> None:
        # Event frames handed to connections, live and replayed.
        self.delivered = 0
        self.replayed = 0
        # Gap frames told, by reason.
        self.gaps: Counter[GapReason] = Counter()
        self.evicted_slow = 0
        self.evicted_stale = 0
        self.expired = 0
        # Connections that were closed by us, by the close code, and error frames told, by what they are about.
        self.dismissed: Counter[CloseCode] = Counter()
        self.refused: Counter[str] = Counter()
        # Of state topics: whole states begun, and subscriptions that were too slow for every change.
        self.snapshots = 0
        self.conflated = 0
