"""The bounds and intervals that the hub works by."""

import math
from typing import Final

import msgspec

from pulse_radar.errors import InvalidSetting

__all__ = ["PENDING_FRAMES", "Limits"]

# Frames of one client that wait until they can be heeded: until it is greeted, or while its rights are looked up.
# Nobody needs more than a few.
PENDING_FRAMES: Final = 256

# What makes no sense below 1.
_COUNTS: Final = (
    "subscriptions",
    "window_events",
    "window_bytes",
    "deletions_remembered",
    "page_events",
    "page_bytes",
)


class Limits(msgspec.Struct, frozen=True):
    """Units: `*_seconds` seconds, `*_bytes` bytes. Raises: InvalidSetting, where two of them cannot be."""

    # ADR-007. Shorter costs traffic on idle connections; longer finds dead ones later.
    ping_interval_seconds: float = 20.0
    # ADR-007. Must leave time for an answer to the ping.
    pong_timeout_seconds: float = 30.0
    # Shorter than a browser's patience; longer than a leader election of the broker (8.5 s were measured).
    connecting_seconds: float = 15.0
    # So long a connection is kept while no event can come; then another process may be better off.
    broker_grace_seconds: float = 30.0
    # 1,000 clients in this time are 270 a second for the other processes; docker kills after 10 s.
    drain_seconds: float = 5.0
    # 200 keys of jobs on a page fit well; a client that wants more should follow the whole topic.
    subscriptions: int = 1_000
    # Newest events held per topic, in number and bytes: replay of these costs no question to the broker.
    window_events: int = 10_000
    window_bytes: int = 16 * 1024**2
    # Of each state topic, some 300 bytes each: whoever was away for fewer deletions resumes without a snapshot.
    deletions_remembered: int = 10_000
    # One step of a replay. A quarter of the unsent bound, so that a replay never evicts its own client.
    page_events: int = 1_000
    page_bytes: int = 256 * 1024

    def __post_init__(self) -> None:
        if not 0 < self.ping_interval_seconds < self.pong_timeout_seconds < math.inf:
            raise InvalidSetting(
                f"ping_interval is {self.ping_interval_seconds} s and pong_timeout is "
                f"{self.pong_timeout_seconds} s: the interval must be above 0 and below the timeout, "
                "or healthy clients are disconnected, and the timeout must be finite, or dead ones never are"
            )
        if not 0 <= self.drain_seconds < math.inf:
            raise InvalidSetting(f"drain_seconds is {self.drain_seconds}: it must be 0 or more, and finite")
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise InvalidSetting(f"{name} is {getattr(self, name)}: it must be at least 1")
