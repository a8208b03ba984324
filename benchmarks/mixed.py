"""Seven topics, and clients that follow one of them, two, or up to all; events one at a time, in the topics in turn.

    python -m benchmarks.mixed [--clients 994] [--rounds 9] [--only NAME]... [--quick]

The peers that have topics of their own, and the floor: one `send(2)` to each client that follows the event's topic.
"""

import asyncio
import contextlib
from typing import Final

from benchmarks.arena import in_turns, opened
from benchmarks.asked import Asked, parser
from benchmarks.figures import Figures, figures, plot_deliveries, show_deliveries
from benchmarks.peers.driving import TOPICS
from benchmarks.peers.table import PEERS, following
from benchmarks.peers.versions import versions
from benchmarks.results import save

__all__ = ["main", "measure"]


def _followed(kind: int) -> tuple[str, ...]:
    """The topics of one of the seven kinds of clients: as many as its number and one, from its own on."""
    return tuple(TOPICS[(kind + place) % len(TOPICS)] for place in range(kind + 1))


_KINDS: Final = [_followed(kind) for kind in range(len(TOPICS))]

# So often an event in each topic; a client has one of them for each topic that it follows.
_TIMES: Final = 5
_DELIVERIES_OF_EACH_KIND: Final = _TIMES * sum(map(len, _KINDS))

_PEERS: Final = {name: following(peer, *_KINDS) for name, peer in PEERS.items() if peer.following is not None}


async def measure(asked: Asked) -> dict[str, Figures]:
    """Of clients a multiple of seven, as many of each kind."""
    deliveries = asked.clients // len(_KINDS) * _DELIVERIES_OF_EACH_KIND
    async with contextlib.AsyncExitStack() as stack:
        arenas = await opened(stack, asked.peers, asked.clients)
        spent = await in_turns(
            arenas, asked.rounds, lambda arena: arena.mixed(_TIMES * len(TOPICS), deliveries)
        )
    return figures(spent)


def main() -> None:
    arguments = parser(__doc__, _PEERS, clients=994, rounds=9)
    asked = Asked.of(arguments.parse_args(), _PEERS, few=98)
    if asked.clients % len(_KINDS):
        arguments.error(f"--clients must be a multiple of {len(_KINDS)}: as many of each kind")
    found = asyncio.run(measure(asked))
    show_deliveries("mixed topics", found)
    if asked.is_whole:
        save("mixed", found, clients=asked.clients, rounds=asked.rounds, versions=versions())
        plot_deliveries("mixed", {"mixed topics": found})


if __name__ == "__main__":
    main()
