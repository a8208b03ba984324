"""A small published world, and clients in it that were served as promised: nothing for a judge to object to."""

from dataclasses import dataclass
from random import Random

from pulse_radar.testing.fire.logbook import (
    Acknowledged,
    Attempted,
    ClientRecord,
    Closed,
    Confirmed,
    Opened,
    Seen,
    Told,
    WorkerRecord,
)
from pulse_radar.testing.fire.truth import Fact, Stored, Truth

ORIGIN = 1_703_750_400_000_000
KEYS = ("k0", "k1", "k2", None)


@dataclass
class World:
    """One log topic. `forgotten`: so many of its oldest events are no longer kept in the end."""

    events: list[tuple[int, Fact | None]]
    forgotten: int
    # How many of the events' publishers were never told that they are stored.
    unknown: int

    @property
    def truth(self) -> Truth:
        stored = [Stored(sequence, fact) for sequence, fact in self.events[self.forgotten :]]
        return Truth({"worker": self.work()}, {"tasks": stored})

    def work(self) -> list[WorkerRecord]:
        records: list[WorkerRecord] = []
        for number, (sequence, fact) in enumerate(self.events):
            if fact is not None:
                records.append(Attempted(str(fact.id), "lane", "tasks", fact.key, fact.digest))
                # The very last ones are always acknowledged: otherwise nobody would know that they exist.
                if number >= self.unknown or number == len(self.events) - 1:
                    records.append(Acknowledged(str(fact.id), sequence))
        return records

    def served(self, chance: Random, key: str | None, after: int) -> list[ClientRecord]:
        """The logbook of a client that follows the topic, or a key of it, and was served well."""
        return _Served(self, chance, key, after).records

    def position(self, number: int) -> int:
        return ORIGIN + number


def make_world(chance: Random, size: int, *, forgets: bool = False) -> World:
    events: list[tuple[int, Fact | None]] = []
    for number in range(1, size + 1):
        is_event = chance.random() < 0.95 or number == size
        fact = Fact(f"w-{number}", chance.choice(KEYS), chance.randrange(2**32)) if is_event else None
        events.append((ORIGIN + number, fact))
    return World(events, chance.randrange(size) if forgets else 0, chance.randrange(size // 4 + 1))


class _Served:
    def __init__(self, world: World, chance: Random, key: str | None, after: int) -> None:
        self._world = world
        self._chance = chance
        self._key = key
        self._feed = "tasks" if key is None else f"tasks/{key}"
        self._cursor = after
        self.records: list[ClientRecord] = []
        self._open()
        self._follow()
        self._confirm(world.events[-1][0])

    def _follow(self) -> None:
        events = [(sequence, fact) for sequence, fact in self._world.events if sequence > self._cursor]
        while events:
            sequence, fact = events[0]
            behind = self._chance.randrange(1, 6)
            if self._chance.random() < 0.1 and self._is_forgotten(events[:behind]):
                events = self._miss(events, behind)
                continue
            events.pop(0)
            self._take(sequence, fact)
            if self._chance.random() < 0.1:
                self._confirm(sequence)
            if self._chance.random() < 0.05:
                self.records.append(Closed(1.0, 1006, ""))
                self._open()

    def _open(self) -> None:
        self.records.append(Opened(0.0, 1, 2, {self._feed: self._cursor}))

    def _confirm(self, sequence: int) -> None:
        self.records.append(Confirmed(1.0, self._feed, sequence, is_live=True))
        self._cursor = sequence

    def _take(self, sequence: int, fact: Fact | None) -> None:
        if fact is None and self._key is None:
            self.records.append(Told(self._feed, sequence, sequence, "unreadable"))
        elif fact is not None and self._key in (None, fact.key):
            self.records.append(Seen(self._feed, sequence, fact.id, fact.digest, fact.key))
        else:
            return
        self._cursor = sequence

    def _is_forgotten(self, events: list[tuple[int, Fact | None]]) -> bool:
        return bool(events) and events[-1][0] < self._world.events[self._world.forgotten][0]

    def _miss(self, events: list[tuple[int, Fact | None]], count: int) -> list[tuple[int, Fact | None]]:
        last = events[:count][-1][0]
        self.records.append(Told(self._feed, events[0][0], last, "expired"))
        self._cursor = last
        return events[count:]
