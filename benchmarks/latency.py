"""The time from `publish` to each client, at half of what the slower of two can do: ours beside Centrifugo.

    python -m benchmarks.latency [--clients 1000] [--rounds 9] [--peer NAME]

Both get the same events at the same rate, one at a time, in turns, each server alone on its core.
"""

import argparse
import asyncio
import contextlib
import statistics
from typing import Final

from rich.console import Console
from rich.table import Table

from benchmarks.arena import Arena
from benchmarks.peers.table import OURS, PEERS
from benchmarks.results import save

__all__ = ["main", "measure"]

_SECONDS: Final = 3
_PERCENTILES: Final = ("p50", "p99", "p999")

# Milliseconds, by percentile.
Figures = dict[str, float]


async def measure(names: list[str], clients: int, rounds: int) -> tuple[float, dict[str, Figures]]:
    """Events a second that were offered, and the medians of each peer."""
    async with contextlib.AsyncExitStack() as stack:
        arenas = [await stack.enter_async_context(Arena.open(PEERS[name], clients)) for name in names]
        rate = min([await _capacity(arena) for arena in arenas]) / 2
        found: dict[str, list[Figures]] = {name: [] for name in names}
        for _ in range(rounds):
            for arena in arenas:
                found[arena.peer.name].append(await arena.pace(rate, int(rate * _SECONDS)))
    return rate, {
        name: {percentile: statistics.median(one[percentile] for one in of) for percentile in _PERCENTILES}
        for name, of in found.items()
    }


async def _capacity(arena: Arena) -> float:
    """Events a second, one at a time, that all of its clients have had."""
    events = max(20, 50_000 // arena.clients)
    await arena.run(events, 1)
    return statistics.median([events / (await arena.run(events, 1)).wall for _ in range(5)])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--peer", choices=list(PEERS), default="Centrifugo")
    arguments.add_argument("--quick", action="store_true", help="few clients, one round")
    given = arguments.parse_args()
    if given.peer not in PEERS:
        raise SystemExit(f"{given.peer} is not installed here (make bench builds it where Go is)")
    clients, rounds = (100, 1) if given.quick else (given.clients, given.rounds)
    rate, found = asyncio.run(measure([OURS, given.peer], clients, rounds))
    if not given.quick:
        save("latency", found, clients=clients, rounds=rounds, events_per_second=round(rate))
    table = Table("peer", *_PERCENTILES, title=f"ms to each client at {rate:,.0f} events a second", box=None)
    for name, one in found.items():
        table.add_row(name, *(f"{one[percentile]:.2f}" for percentile in _PERCENTILES))
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
