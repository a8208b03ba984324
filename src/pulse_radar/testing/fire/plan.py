"""What is done to whom, and when: a pure function of a seed, so that a seed is enough to do it again."""

from collections.abc import Callable, Iterator
from enum import StrEnum
from random import Random
from typing import Final

import msgspec

from pulse_radar.testing.fire.shape import Shape

__all__ = ["PLACES", "Fault", "Kind", "Place", "make_plan"]


class Place(StrEnum):
    """Where something can happen. A place has room for one fault at a time."""

    API = "API process"
    WORKER = "worker"
    BROKER = "broker"
    CROWD = "clients"
    LINK = "network to clients"
    UPLINK = "network to broker"
    ROUTES = "network between brokers"
    STREAM = "stream"


class Kind(StrEnum):
    """What can happen."""

    API_KILLED = "API process: SIGKILL"
    API_PAUSED = "API process: SIGSTOP, SIGCONT"
    API_RESTARTED = "API process: SIGTERM, restart"
    WORKER_KILLED = "worker: SIGKILL"
    WORKER_PAUSED = "worker: SIGSTOP, SIGCONT"
    BROKER_KILLED = "nats-server: SIGKILL"
    BROKER_PAUSED = "nats-server: SIGSTOP, SIGCONT"
    BROKER_RESTARTED = "nats-server: SIGTERM, restart"
    CROWD_KILLED = "a process of clients: SIGKILL"
    CROWD_PAUSED = "a process of clients: SIGSTOP, SIGCONT"
    LINK_CUT = "clients' network: cut"
    LINK_FORGOTTEN = "clients' network: half-open"
    LINK_STALLED = "clients' network: stall"
    LINK_DEAF = "clients' network: one way only"
    LINK_DELAYED = "clients' network: delay"
    LINK_REORDERED = "clients' network: reorder across connections"
    LINK_THROTTLED = "clients' network: throttle"
    LINK_CORRUPTED = "clients' network: corrupt"
    UPLINK_CUT = "broker's network: cut"
    UPLINK_FORGOTTEN = "broker's network: half-open"
    UPLINK_STALLED = "broker's network: stall"
    UPLINK_DELAYED = "broker's network: delay"
    ROUTES_CUT = "network between nats-servers: cut"
    ROUTES_STALLED = "network between nats-servers: stall"
    FOREIGN_STORED = "foreign bytes in a stream"


class Fault(msgspec.Struct, frozen=True):
    """One thing that happens. Units: seconds since the beginning, and for how long."""

    at: float
    lasts: float
    kind: Kind
    target: int

    @property
    def place(self) -> tuple[Place, int]:
        return PLACES[self.kind], self.target


PLACES: Final = {
    kind: place
    for prefix, place in {
        "API": Place.API,
        "WORKER": Place.WORKER,
        "BROKER": Place.BROKER,
        "CROWD": Place.CROWD,
        "LINK": Place.LINK,
        "UPLINK": Place.UPLINK,
        "ROUTES": Place.ROUTES,
        "FOREIGN": Place.STREAM,
    }.items()
    for kind in Kind
    if kind.name.startswith(f"{prefix}_")
}

# The longest stalls outlast the heartbeat of a run, the shortest are over before anybody notices.
_SHORTEST_SECONDS: Final = 0.2
_LONGEST_SECONDS: Final = 6.0

# A place is left alone for a moment after a fault, so that its end is seen, too.
_REST_SECONDS: Final = 0.5

# Nothing begins so shortly before the end that it could not take effect.
_CALM_SECONDS: Final = 0.5


def make_plan(seed: int, seconds: float, shape: Shape) -> tuple[Fault, ...]:
    """The faults of a run, by their beginnings. The same seed, time and shape make the same plan.

    Kinds are dealt like cards: every kind has its turn before one comes again.
    """
    chance = Random(seed)  # noqa: S311 - it shall be the same each time
    kinds = _dealt(chance, [kind for kind in Kind if _places(kind, shape)])
    busy_until: dict[tuple[Place, int], float] = {}
    plan: list[Fault] = []
    at = shape.gap_seconds
    while at < seconds - _CALM_SECONDS:
        kind = next(kinds)
        free = [place for place in _places(kind, shape) if busy_until.get(place, 0.0) <= at]
        if free:
            fault = _fault(chance, kind, chance.choice(free), at, seconds)
            busy_until[fault.place] = at + fault.lasts + _REST_SECONDS
            plan.append(fault)
        at += chance.uniform(0, 2 * shape.gap_seconds)
    return tuple(plan)


def _dealt(chance: Random, kinds: list[Kind]) -> Iterator[Kind]:
    while True:
        chance.shuffle(kinds)
        yield from kinds


def _places(kind: Kind, shape: Shape) -> list[tuple[Place, int]]:
    place = PLACES[kind]
    return [(place, number) for number in range(_SIZES[place](shape))]


def _fault(chance: Random, kind: Kind, place: tuple[Place, int], at: float, seconds: float) -> Fault:
    # As many short ones as long ones: what breaks often breaks at the edges of a time-out.
    lasts = _SHORTEST_SECONDS * (_LONGEST_SECONDS / _SHORTEST_SECONDS) ** chance.random()
    return Fault(round(at, 3), round(min(lasts, seconds - at), 3), kind, place[1])


_SIZES: Final[dict[Place, Callable[[Shape], int]]] = {
    Place.API: lambda shape: shape.apis,
    Place.WORKER: lambda shape: shape.workers,
    Place.BROKER: lambda shape: shape.brokers,
    Place.CROWD: lambda shape: shape.crowds,
    Place.LINK: lambda shape: shape.links,
    Place.UPLINK: lambda shape: shape.uplinks,
    # Which server is cut off from the others.
    Place.ROUTES: lambda shape: shape.brokers if shape.brokers > 1 else 0,
    Place.STREAM: lambda shape: 1,
}
