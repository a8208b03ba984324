"""The time from `publish` to each client, at half of what the slower of two can do: ours beside Centrifugo.

    python -m benchmarks.latency [--clients 1000] [--rounds 9] [--peer NAME] [--quick]

Both get the same events at the same rate, one at a time, in turns, each server alone on its core.
"""

import argparse
import asyncio
import contextlib
import statistics
from typing import Final

from benchmarks.arena import Arena, Peer, in_turns
from benchmarks.peers.table import CENTRIFUGO, OURS, PEERS
from benchmarks.peers.versions import versions
from benchmarks.readers import Latencies
from benchmarks.results import save, show_table

__all__ = ["main", "measure"]

_SECONDS: Final = 3


async def measure(peers: list[Peer], clients: int, rounds: int) -> tuple[float, dict[str, Latencies]]:
    """Events a second that were offered, and the medians of each peer. Raises: LeftOut."""
    async with contextlib.AsyncExitStack() as stack:
        arenas = [await stack.enter_async_context(Arena.open(peer, clients)) for peer in peers]
        rate = min([await _capacity(arena) for arena in arenas]) / 2
        found = await in_turns(arenas, rounds, lambda arena: arena.pace(rate, int(rate * _SECONDS)))
    return rate, {name: _medians(of) for name, of in found.items()}


async def _capacity(arena: Arena) -> float:
    """Events a second, one at a time, that all of its clients have had."""
    events = max(20, 50_000 // arena.clients)
    await arena.run(events, 1)
    return statistics.median([events / (await arena.run(events, 1)).wall for _ in range(5)])


def _medians(found: list[Latencies]) -> Latencies:
    return Latencies(
        statistics.median(one.p50 for one in found),
        statistics.median(one.p99 for one in found),
        statistics.median(one.p999 for one in found),
    )


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--clients", type=int, default=1_000)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--peer", default=CENTRIFUGO)
    arguments.add_argument("--quick", action="store_true", help="a look: few clients, one round")
    given = arguments.parse_args()
    if given.peer not in PEERS:
        arguments.error(f"{given.peer} is not here; there are {', '.join(PEERS)} (Centrifugo where Go is)")
    clients, rounds = (100, 1) if given.quick else (given.clients, given.rounds)
    rate, found = asyncio.run(measure([PEERS[OURS], PEERS[given.peer]], clients, rounds))
    rows = [(name, f"{one.p50:.2f}", f"{one.p99:.2f}", f"{one.p999:.2f}") for name, one in found.items()]
    show_table(f"ms to each client, at {rate:,.0f} events a second", ("peer", "p50", "p99", "p99.9"), rows)
    if not given.quick and given.peer == CENTRIFUGO:
        save(
            "latency",
            found,
            clients=clients,
            rounds=rounds,
            events_per_second=round(rate),
            versions=versions(),
        )


if __name__ == "__main__":
    main()
