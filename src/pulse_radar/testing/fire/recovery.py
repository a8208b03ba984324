"""How long it took: from the SIGKILL of an API process to each of its clients caught up elsewhere. Pure."""

import statistics
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

import msgspec

from pulse_radar.testing.fire.logbook import ClientRecord, Closed, Confirmed, Opened, Waits

__all__ = ["Recovery", "recoveries", "summary"]


class Recovery(msgspec.Struct, frozen=True):
    """One client after one kill. Units: seconds, and how many of them the client waited by its own rule."""

    seconds: float
    own_pauses: float

    @property
    def beyond_own_pauses(self) -> float:
        return max(0.0, self.seconds - self.own_pauses)


class Summary(msgspec.Struct, frozen=True):
    """All of a run. Units: seconds beyond the clients' own pauses, zero where nobody had to recover."""

    kills: int
    clients: int
    median: float
    longest: float


def recoveries(
    records: Sequence[ClientRecord],
    feeds: Iterable[str],
    kills: Sequence[tuple[float, AbstractSet[int]]],
    absences: Sequence[tuple[float, float]],
) -> list[Recovery]:
    """`kills`: when, and over which links that process was reached. `absences`: when this client itself was away."""
    found = (_recovery(records, frozenset(feeds), at, links) for at, links in kills)
    return [
        Recovery(until - at, pauses)
        for at, until, pauses in (recovery for recovery in found if recovery is not None)
        if not any(away < until and back > at for away, back in absences)
    ]


def summary(kills: int, found: Sequence[Recovery]) -> Summary:
    beyond = [recovery.beyond_own_pauses for recovery in found]
    return Summary(kills, len(beyond), statistics.median(beyond or [0.0]), max(beyond, default=0.0))


def _recovery(
    records: Sequence[ClientRecord], feeds: AbstractSet[str], at: float, links: AbstractSet[int]
) -> tuple[float, float, float] | None:
    """When it was killed, when this client had caught up, and how long it paused; None if it was not its process."""
    link: int | None = None
    is_hit = False
    pauses = 0.0
    live: set[str] = set()
    for record in records:
        if isinstance(record, Opened):
            link = record.link
            live.clear()
        elif isinstance(record, Closed):
            is_hit = is_hit or (record.at >= at and link in links)
            link = None
        elif isinstance(record, Waits) and record.at >= at:
            pauses += record.seconds
        elif isinstance(record, Confirmed) and record.is_live:
            live.add(record.feed)
            if is_hit and live >= feeds:
                return at, record.at, pauses
        if not is_hit and link not in links and _time(record) > at:
            return None
    return None


def _time(record: ClientRecord) -> float:
    return getattr(record, "at", 0.0)
