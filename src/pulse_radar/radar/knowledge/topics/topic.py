"""A topic: what atoms have in common."""

import msgspec

from pulse_radar.radar.events import Trend

__all__ = ["Topic"]


class Topic(msgspec.Struct, frozen=True, gc=False):
    """Atoms about one thing; `members` are their ids. Without any it is gone, into `merged_into` if that is known."""

    id: str
    name: str
    keywords: tuple[str, ...]
    members: frozenset[str]
    trend: Trend = "steady"
    merged_into: str | None = None
