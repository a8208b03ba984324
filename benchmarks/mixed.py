"""Seven topics, and clients that follow one of them, two, or up to all; events one at a time, in the topics in turn.

    python -m benchmarks.mixed [--clients 994] [--rounds 9] [--only NAME]... [--quick]

The peers that have topics of their own, and the floor: one `send(2)` to each client that follows the event's topic.
"""

import argparse
import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from benchmarks.arena import Peer, opened
from benchmarks.fanout import Figures, figures, show
from benchmarks.peers import crowds
from benchmarks.peers.driving import TOPICS
from benchmarks.peers.table import FLOOR, OURS, PEERS, PORTABLE
from benchmarks.plots import plot
from benchmarks.results import save

__all__ = ["main", "measure"]

_EVENTS: Final = 35


# How clients of each begin that follow these topics.
_CROWDS: Final[dict[str, Callable[..., tuple[str, ...]]]] = {
    OURS: crowds.ours,
    PORTABLE: crowds.ours,
    "python-socketio": crowds.socket_io,
    "Socket.IO on Node": crowds.socket_io,
    "uWebSockets (socketify)": crowds.uwebsockets,
    "Centrifugo": crowds.centrifugo,
    FLOOR: crowds.floor,
}


def followed(kind: int) -> tuple[str, ...]:
    """The topics of one of the seven kinds of clients: as many as its number and one, from its own on."""
    return tuple(TOPICS[(kind + place) % len(TOPICS)] for place in range(kind + 1))


_KINDS: Final = [followed(kind) for kind in range(len(TOPICS))]

# Of an event in each topic, to one client of each kind.
_DELIVERIES: Final = sum(map(len, _KINDS))


async def measure(names: list[str], clients: int, rounds: int) -> dict[str, Figures]:
    """`clients`: a multiple of seven, as many of each kind."""
    deliveries = _EVENTS // len(TOPICS) * clients // len(_KINDS) * _DELIVERIES
    async with contextlib.AsyncExitStack() as stack:
        arenas = await opened(stack, [_mixed(PEERS[name]) for name in names], clients)
        # The first round warms up.
        taken = [
            {arena.peer.name: await arena.mixed(_EVENTS, deliveries) for arena in arenas}
            for _ in range(rounds + 1)
        ][1:]
    spent = {arena.peer.name: [one[arena.peer.name] for one in taken] for arena in arenas}
    return {name: figures(own, spent.get(FLOOR)) for name, own in spent.items()}


def _mixed(peer: Peer) -> Peer:
    crowd = _CROWDS[peer.name]
    return replace(peer, crowd=tuple(word for topics in _KINDS for word in crowd(*topics)))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=994)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--only", action="append", choices=[name for name in PEERS if name in _CROWDS])
    arguments.add_argument("--quick", action="store_true", help="few clients, one round")
    given = arguments.parse_args()
    clients, rounds = (98, 1) if given.quick else (given.clients, given.rounds)
    if clients % len(_KINDS):
        arguments.error(f"--clients must be a multiple of {len(_KINDS)}: as many of each kind")
    names = given.only or [name for name in PEERS if name in _CROWDS]
    found = asyncio.run(measure(names, clients, rounds))
    show({"seven topics, mixed subscriptions": found})
    if not (given.only or given.quick):
        save("mixed", found, clients=clients, rounds=rounds)
        plot(
            "mixed",
            {"mixed topics: deliveries per CPU second": {n: one.per_cpu_second for n, one in found.items()}},
        )


if __name__ == "__main__":
    main()
