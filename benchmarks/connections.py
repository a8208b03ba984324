"""What a connection costs: its memory while it is idle, and the rate at which connections are made.

    python -m benchmarks.connections [--clients 2000] [--rounds 3] [--only NAME]... [--quick]

Each client of ours follows seven topics; of the others it follows what they have.
"""

import argparse
import asyncio
import statistics
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.arena import Arena
from benchmarks.peers.table import FLOOR, PEERS, of_all_topics
from benchmarks.plots import plot
from benchmarks.results import save

__all__ = ["main", "measure"]

_CLIENTS: Final = 2_000


class Figures(msgspec.Struct, frozen=True):
    """Medians over the rounds. `per_cpu_second`: connections made, in a second of the server's processor."""

    bytes_each: float
    per_cpu_second: float
    per_second: float


async def measure(names: list[str], clients: int, rounds: int) -> dict[str, Figures]:
    found: dict[str, list[Figures]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            async with Arena.open(of_all_topics(PEERS[name]), clients) as arena:
                one = Figures(arena.bytes_each, clients / arena.connect_cpu, clients / arena.connect_seconds)
                found[name].append(one)
    return {name: _medians(of) for name, of in found.items()}


def _medians(found: list[Figures]) -> Figures:
    return Figures(
        statistics.median(one.bytes_each for one in found),
        statistics.median(one.per_cpu_second for one in found),
        statistics.median(one.per_second for one in found),
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=_CLIENTS)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--only", action="append", choices=list(PEERS))
    arguments.add_argument("--quick", action="store_true", help="few clients, one round")
    given = arguments.parse_args()
    clients, rounds = (100, 1) if given.quick else (given.clients, given.rounds)
    found = asyncio.run(measure(given.only or [name for name in PEERS if name != FLOOR], clients, rounds))
    if not (given.only or given.quick):
        save("connections", found, clients=clients, rounds=rounds)
        plot(
            "connections",
            {
                "bytes of the process per idle connection": {n: one.bytes_each for n, one in found.items()},
                "connections made per CPU second of the server": {
                    n: one.per_cpu_second for n, one in found.items()
                },
            },
        )
    table = Table("peer", "bytes each", "made per CPU second", "made per second", box=None)
    for name, one in found.items():
        table.add_row(name, f"{one.bytes_each:,.0f}", f"{one.per_cpu_second:,.0f}", f"{one.per_second:,.0f}")
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
