"""What happened, counted: every loss and every eviction has a number here."""

from collections import Counter
from typing import Final

import msgspec

from pulse_radar.histogram import Histogram, HistogramStats
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import GapReason

__all__ = ["ClientStats", "Counters", "HubStats", "TopicCounters", "TopicStats"]

# From the same machine to the other side of the earth over a phone; the pong timeout is 30 s.
_HEARTBEAT_SECONDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class TopicStats(msgspec.Struct, frozen=True):
    """A snapshot of one topic. Units: `last` is a position, `live` and `catching_up` are subscriptions now.

    The rest counts since the start: `delivered` and `replayed` event frames that were handed to connections, and
    `event_bytes` those of both; gap frames told, by reason; of a state topic whole states begun, and subscriptions
    that were too slow for every change.
    """

    last: int
    live: int = 0
    catching_up: int = 0
    delivered: int = 0
    replayed: int = 0
    event_bytes: int = 0
    gaps: dict[str, int] = {}
    snapshots: int = 0
    conflated: int = 0


class HubStats(msgspec.Struct, frozen=True):
    """A snapshot of the hub. Units: connections. `behind`: the topics that are not whole here now.

    Since the start: `dismissed` connections that were closed by us, by the name of the close code; `refused` error
    frames told, by what they are about; `heartbeats` seconds from a ping to its answer.
    """

    connections: int
    dismissed: dict[str, int]
    refused: dict[str, int]
    heartbeats: HistogramStats
    topics: dict[str, TopicStats]
    behind: tuple[str, ...] = ()

    @property
    def subscriptions_live(self) -> int:
        return sum(topic.live for topic in self.topics.values())

    @property
    def subscriptions_catching_up(self) -> int:
        return sum(topic.catching_up for topic in self.topics.values())

    @property
    def delivered(self) -> int:
        return sum(topic.delivered for topic in self.topics.values())

    @property
    def replayed(self) -> int:
        return sum(topic.replayed for topic in self.topics.values())

    @property
    def gaps(self) -> dict[str, int]:
        """Told on all topics together, by reason."""
        told = Counter[str]()
        for topic in self.topics.values():
            told.update(topic.gaps)
        return dict(told)

    @property
    def snapshots(self) -> int:
        return sum(topic.snapshots for topic in self.topics.values())

    @property
    def conflated(self) -> int:
        return sum(topic.conflated for topic in self.topics.values())

    @property
    def evicted_slow(self) -> int:
        return self.dismissed.get("slow_consumer", 0)

    @property
    def evicted_stale(self) -> int:
        return self.dismissed.get("heartbeat_timeout", 0)

    @property
    def expired(self) -> int:
        return self.dismissed.get("expired", 0)


class ClientStats(msgspec.Struct, frozen=True):
    """A snapshot of one connection. Units: `opened_at` monotonic seconds, `behind` events to catch up on,
    `unsent_bytes` that wait for it, which its transport knows and the hub does not.
    """

    connection_id: str
    who: str
    feeds: tuple[str, ...]
    behind: int
    opened_at: float
    unsent_bytes: int = 0


class Counters:
    """Running totals of the hub."""

    def __init__(self) -> None:
        # Connections that were closed by us, by the close code, and error frames told, by what they are about.
        self.dismissed: Counter[CloseCode] = Counter()
        self.refused: Counter[str] = Counter()
        # From a ping to its answer.
        self.heartbeats = Histogram(_HEARTBEAT_SECONDS)


class TopicCounters:
    """Running totals of one topic."""

    def __init__(self) -> None:
        # Event frames handed to connections, live and replayed, and the bytes of both.
        self.delivered = 0
        self.replayed = 0
        self.event_bytes = 0
        # Gap frames told, by reason.
        self.gaps: Counter[GapReason] = Counter()
        # Of a state topic: whole states begun, and subscriptions that were too slow for every change.
        self.snapshots = 0
        self.conflated = 0

    def __repr__(self) -> str:
        return f"<TopicCounters {self.delivered} delivered, {self.replayed} replayed>"
