"""Fan-out: one topic, many clients; events one at a time, and in bursts. Every peer in one run, in turns.

python -m benchmarks.fanout [--clients 1000] [--rounds 9] [--only NAME]... [--quick]
"""

import argparse
import asyncio
import contextlib
import itertools
import statistics
import sys
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.arena import Arena, Spent, opened
from benchmarks.peers.table import FLOOR, PEERS
from benchmarks.plots import plot
from benchmarks.readers import LostClients
from benchmarks.results import save

__all__ = ["Figures", "figures", "main", "measure", "show"]

# Deliveries of a round: enough to be measured, few enough that no socket's buffer fills.
_DELIVERIES: Final = 20_000
_BURSTS: Final = (1, 10, 100)


class Figures(msgspec.Struct, frozen=True):
    """Of one peer at one burst. `per_cpu_second` and `per_second`: medians over the rounds; spread: quartiles."""

    per_cpu_second: float
    spread: tuple[float, float]
    per_second: float
    crowd_share: float
    writes_per_delivery: float
    bytes_per_delivery: float
    to_floor: float


async def measure(names: list[str], clients: int, rounds: int) -> dict[int, dict[str, Figures]]:
    """By burst and peer. One that loses clients is left out, and said so."""
    async with contextlib.AsyncExitStack() as stack:
        arenas = await opened(stack, [PEERS[name] for name in names], clients)
        # The first round warms up.
        await _round(arenas)
        taken = [await _round(arenas) for _ in range(rounds)]
    spent = {
        burst: {arena.peer.name: [one[burst, arena.peer.name] for one in taken] for arena in arenas}
        for burst in _BURSTS
    }
    return {
        burst: {name: figures(own, of.get(FLOOR)) for name, own in of.items()} for burst, of in spent.items()
    }


async def _round(arenas: list[Arena]) -> dict[tuple[int, str], Spent]:
    """What each spent, by burst and name; those that lose clients leave the list."""
    spent: dict[tuple[int, str], Spent] = {}
    for burst, arena in itertools.product(_BURSTS, list(arenas)):
        if arena not in arenas:
            continue
        events = max(burst, _DELIVERIES // arena.clients // burst * burst)
        try:
            spent[burst, arena.peer.name] = await arena.run(events, burst)
        except LostClients as lost:
            sys.stderr.write(f"left out: {lost}\n")
            arenas.remove(arena)
    return spent


def figures(spent: list[Spent], floor: list[Spent] | None) -> Figures:
    rates = sorted(one.deliveries / one.server_cpu for one in spent)
    quartiles = statistics.quantiles(rates, n=4) if len(rates) > 1 else rates * 3
    to_floor = [
        one.deliveries / one.server_cpu / (low.deliveries / low.server_cpu)
        for one, low in zip(spent, floor or spent, strict=True)
    ]
    return Figures(
        statistics.median(rates),
        (quartiles[0], quartiles[2]),
        statistics.median(one.deliveries / one.wall for one in spent),
        statistics.median(one.crowd_cpu / one.wall for one in spent),
        statistics.median(one.segments / one.deliveries for one in spent),
        statistics.median(one.bytes / one.deliveries for one in spent),
        statistics.median(to_floor),
    )


def show(found: dict[str, dict[str, Figures]]) -> None:
    """Print a table for each title."""
    for title, of in found.items():
        table = Table(
            *(
                "peer",
                "per CPU second",
                "quartiles",
                "per second",
                "to the floor",
                "writes",
                "bytes",
                "crowd busy",
            ),
            title=f"{title}: deliveries per CPU second",
            box=None,
        )
        for name, one in of.items():
            table.add_row(
                name,
                f"{one.per_cpu_second:,.0f}",
                f"{one.spread[0]:,.0f}-{one.spread[1]:,.0f}",
                f"{one.per_second:,.0f}",
                f"{one.to_floor:.2f}",
                f"{one.writes_per_delivery:.3f}",
                f"{one.bytes_per_delivery:.0f}",
                f"{one.crowd_share:.0%}",
            )
        Console(width=120).print(table)


def _title(burst: int) -> str:
    return f"bursts of {burst}" if burst > 1 else "one at a time"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--only", action="append", choices=list(PEERS))
    arguments.add_argument("--quick", action="store_true", help="few clients, one round")
    given = arguments.parse_args()
    clients, rounds = (100, 1) if given.quick else (given.clients, given.rounds)
    measured = asyncio.run(measure(given.only or list(PEERS), clients, rounds))
    found = {_title(burst): of for burst, of in measured.items()}
    show(found)
    if not (given.only or given.quick):
        save(f"fanout_{clients}", measured, clients=clients, rounds=rounds)
        plot(
            f"fanout-{clients}",
            {
                f"{title}: deliveries per CPU second": {n: one.per_cpu_second for n, one in of.items()}
                for title, of in found.items()
            },
        )


if __name__ == "__main__":
    main()
