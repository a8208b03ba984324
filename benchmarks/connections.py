"""What a connection costs: its memory while it is idle, and the rate at which connections are made.

    python -m benchmarks.connections [--clients 2000] [--rounds 3] [--only NAME]... [--quick]

Each client follows seven topics, where the peer has any.
"""

import asyncio
import contextlib
import statistics
from typing import Final

import msgspec

from benchmarks.arena import Connected, opened
from benchmarks.asked import Asked, parser
from benchmarks.peers.driving import TOPICS
from benchmarks.peers.table import FLOOR, PEERS, following
from benchmarks.peers.versions import versions
from benchmarks.plots import Bar, plot
from benchmarks.results import save, show_table

__all__ = ["main", "measure"]

_PEERS: Final = {name: following(peer, TOPICS) for name, peer in PEERS.items() if name != FLOOR}


class Figures(msgspec.Struct, frozen=True):
    """Medians over the rounds. `per_cpu_second`: connections made, in a second of the server's processor."""

    bytes_each: float
    per_cpu_second: float
    per_second: float


async def measure(asked: Asked) -> dict[str, Figures]:
    """By peer. One whose clients do not all come in is left out of that round."""
    found: dict[str, list[Connected]] = {}
    for _ in range(asked.rounds):
        for peer in asked.peers:
            async with contextlib.AsyncExitStack() as stack:
                for arena in await opened(stack, [peer], asked.clients):
                    found.setdefault(peer.name, []).append(arena.connected)
    return {name: _medians(of, asked.clients) for name, of in found.items()}


def _medians(found: list[Connected], clients: int) -> Figures:
    return Figures(
        statistics.median(one.bytes_each for one in found),
        statistics.median(clients / one.server_cpu for one in found),
        statistics.median(clients / one.wall for one in found),
    )


def _show(found: dict[str, Figures]) -> None:
    rows = [
        (name, f"{one.bytes_each:,.0f}", f"{one.per_cpu_second:,.0f}", f"{one.per_second:,.0f}")
        for name, one in found.items()
    ]
    show_table("connections", ("peer", "bytes each", "made per CPU second", "made per second"), rows)


def _plot(found: dict[str, Figures]) -> None:
    plot(
        "connections",
        {
            "bytes of the process per idle connection (less is better)": {
                n: Bar(one.bytes_each) for n, one in found.items()
            },
            "connections made per CPU second of the server": {
                n: Bar(one.per_cpu_second) for n, one in found.items()
            },
        },
    )


def main() -> None:
    asked = Asked.of(parser(__doc__, _PEERS, clients=2_000, rounds=3).parse_args(), _PEERS)
    found = asyncio.run(measure(asked))
    _show(found)
    if asked.is_whole:
        save("connections", found, clients=asked.clients, rounds=asked.rounds, versions=versions())
        _plot(found)


if __name__ == "__main__":
    main()
