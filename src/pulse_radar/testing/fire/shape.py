"""How large a run is, what is published on which topics, and who follows what. Pure."""

from typing import Final, Literal

import msgspec

__all__ = ["FLOODED", "TOPICS", "Following", "Shape", "TopicShape", "following", "topic_shape"]


class TopicShape(msgspec.Struct, frozen=True):
    """A topic of the run. `keys`: how many keys its events are about; 0: none.

    `retain` is a log's; `ttl_seconds` and `deletes`, the share of deletions among what is published, a state topic's.
    """

    name: str
    retain: int = 0
    keys: int = 0
    kind: Literal["log", "state"] = "log"
    ttl_seconds: int | None = None
    deletes: float = 0.0


# More than a run publishes: what is never forgotten must arrive.
_EVERYTHING: Final = 1_000_000

FLOODED: Final = "ballast"

TOPICS: Final = (
    TopicShape("tasks", _EVERYTHING, keys=12),
    TopicShape("knowledge", _EVERYTHING),
    # Forgets: whoever is away for long is told of a gap.
    TopicShape("providers", 50),
    TopicShape("monitoring", kind="state", keys=20, deletes=0.2),
    # Every key of it deletes itself again and again.
    TopicShape("metrics", kind="state", keys=6, ttl_seconds=3),
    # Floods of large events, more than a slow reader may have unsent.
    TopicShape(FLOODED, 500),
)


class Shape(msgspec.Struct, frozen=True):
    """How many of each take part.

    Units: `events_per_second` of each worker, `gap_seconds` between two faults, `rest_seconds` in which all that is
    stored must have arrived after the last one: a machine that does ten other things takes its time.
    """

    brokers: int = 1
    apis: int = 2
    workers: int = 1
    # Processes that hold the clients.
    crowds: int = 1
    clients: int = 60
    # Ways from clients to each API process; a fault of the network hits one of them.
    links_per_api: int = 2
    events_per_second: float = 30.0
    gap_seconds: float = 0.5
    rest_seconds: float = 120.0
    app: str = "pulse_radar.testing.fire.app:app"

    @property
    def links(self) -> int:
        return self.apis * self.links_per_api

    @property
    def uplinks(self) -> int:
        """Ways to the broker: each API process and each worker has its own."""
        return self.apis + self.workers


class Following(msgspec.Struct, frozen=True):
    """What a client follows, and after which position: 0 is everything that is kept, None what comes from now on.

    `is_stream`: over server-sent events. `is_slow`: now and then it stops reading for a while.
    """

    feeds: tuple[str, ...]
    after: int | None
    is_stream: bool = False
    is_slow: bool = False


_FOLLOWINGS: Final = (
    Following(("monitoring", "metrics"), None),
    Following(("monitoring/k3", "monitoring/k4", "tasks"), None),
    Following(("tasks", "knowledge"), 0),
    Following(("knowledge",), None),
    Following(("tasks/k1", "tasks/k5", "providers"), 0),
    Following(("providers",), 0),
    Following(("tasks", "providers"), None),
    Following(("tasks/k0", "tasks/k2", "tasks/k7", "knowledge"), None),
)


# Among so many one is slow: each of them is sent all that floods.
_SLOW_AMONG: Final = 48
_SLOW: Final = Following((FLOODED, "knowledge"), None, is_slow=True)

# Of so many rounds of the patterns, the last is of streams.
_ROUNDS: Final = 4


def following(client: int) -> Following:
    """What the client with this number follows: a few patterns, in turn."""
    chosen = _SLOW if client % _SLOW_AMONG == _SLOW_AMONG - 1 else _FOLLOWINGS[client % len(_FOLLOWINGS)]
    is_stream = client // len(_FOLLOWINGS) % _ROUNDS == _ROUNDS - 1
    return msgspec.structs.replace(chosen, is_stream=is_stream)


def topic_shape(name: str) -> TopicShape:
    return next(topic for topic in TOPICS if topic.name == name)
