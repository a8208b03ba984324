"""What a judge objects to: which part of the promise is broken, for whom, where, and what was seen around it."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

__all__ = ["Breach", "Objection", "count"]


class Breach(StrEnum):
    """Which part of the promise."""

    LOST = "lost"  # published, and neither seen nor told
    TWICE = "twice"
    DISORDER = "disorder"
    ALTERED = "altered"  # not what was published under this number
    UNTRUE = "untrue"  # told to be missing, and it is not; or a position that nobody was at
    STOPPED = "stopped"  # sent away for good without a reason
    STALE = "stale"  # a state topic at rest, and the client's map is not the stream's


class Objection(msgspec.Struct, frozen=True):
    """One breach. `events` counts what is concerned; `around` is what was seen before it, newest last."""

    breach: Breach
    who: str
    feed: str
    sequence: int
    saying: str
    events: int = 1
    around: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.breach}: {self.who}, {self.feed} at {self.sequence}: {self.saying}"


def count(objections: Iterable[Objection], *breaches: Breach) -> int:
    """How many events are concerned."""
    return sum(objection.events for objection in objections if objection.breach in breaches)
