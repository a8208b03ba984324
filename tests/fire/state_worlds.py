"""A small state topic, and a client of it that was served as promised: nothing for a judge to object to."""

from dataclasses import dataclass
from random import Random

from pulse_radar.testing.fire.logbook import (
    Acknowledged,
    Attempted,
    ClientRecord,
    Closed,
    Confirmed,
    Forgot,
    Opened,
    Seen,
    WorkerRecord,
)
from pulse_radar.testing.fire.truth import Fact, Stored, Truth

ORIGIN = 1_703_750_400_000_000
KEYS = ("k0", "k1", "k2", "k3", "k4")
FEED = "monitoring"


@dataclass
class StateWorld:
    """All events of one state topic in order; the stream keeps the newest of each key."""

    events: list[tuple[int, Fact]]

    @property
    def truth(self) -> Truth:
        kept = sorted({fact.key: (sequence, fact) for sequence, fact in self.events}.values())
        stored = [Stored(sequence, fact) for sequence, fact in kept]
        return Truth({"worker": self.work()}, {FEED: stored}, state_topics=frozenset({FEED}))

    def work(self) -> list[WorkerRecord]:
        records: list[WorkerRecord] = []
        for sequence, fact in self.events:
            records.append(Attempted(str(fact.id), "lane", FEED, fact.key, fact.digest, fact.is_deleted))
            records.append(Acknowledged(str(fact.id), sequence))
        return records

    def newest(self, after: int, until: int) -> list[tuple[int, Fact]]:
        """What changed in between: each key once, in the order of the sequences."""
        between = [(sequence, fact) for sequence, fact in self.events if after < sequence <= until]
        return sorted({fact.key: (sequence, fact) for sequence, fact in between}.values())


def make_state_world(chance: Random, size: int) -> StateWorld:
    events = [
        (
            ORIGIN + number,
            Fact(f"w-{number}", chance.choice(KEYS), chance.randrange(2**32), chance.random() < 0.2),
        )
        for number in range(1, size + 1)
    ]
    return StateWorld(events)


def served(world: StateWorld, chance: Random) -> list[ClientRecord]:
    """The logbook of a client that was conflated, cut off and given snapshots, as is right."""
    records: list[ClientRecord] = []
    cursor: int | None = None
    last = world.events[-1][0]
    now = ORIGIN
    while cursor != last or now != last:
        now = min(last, now + chance.randrange(1, 8))
        records.append(Opened(0.0, 1, 2, {} if cursor is None else {FEED: cursor}))
        if cursor is None or chance.random() < 0.15:
            records.append(Forgot(FEED))
            cursor = 0
        due = world.newest(cursor, now)
        is_cut = now != last and chance.random() < 0.3
        for sequence, fact in due[: chance.randrange(len(due) + 1)] if is_cut else due:
            records.append(Seen(FEED, sequence, fact.id, fact.digest, fact.key, fact.is_deleted))
            cursor = sequence
        if is_cut:
            records.append(Closed(0.0, 1006, ""))
            cursor = cursor or None
        else:
            records.append(Confirmed(0.0, FEED, now, is_live=True))
            cursor = now
    return records
