"""Fan-out: one topic, many clients; events one at a time, and in bursts. Every peer in one run, in turns.

python -m benchmarks.fanout [--clients 1000] [--rounds 9] [--burst 1]... [--only NAME]... [--quick]
"""

import asyncio
import contextlib
import sys
from collections.abc import Sequence
from functools import partial
from typing import Final

from benchmarks.arena import Arena, in_turns, opened
from benchmarks.asked import Asked, parser
from benchmarks.figures import Figures, figures, plot_deliveries, show_deliveries
from benchmarks.peers.table import PEERS
from benchmarks.peers.versions import versions
from benchmarks.results import save

__all__ = ["main", "measure"]

# Deliveries of a round: enough to be measured, few enough that no socket's buffer fills.
_DELIVERIES: Final = 20_000
_BURSTS: Final = (1, 10, 100)

# One at a time each delivery is a write, or it was not one at a time; the system splits a few, and joins a few.
_LEAST_WRITES: Final = 0.95


async def measure(asked: Asked, bursts: Sequence[int]) -> dict[int, dict[str, Figures]]:
    """By burst and peer. One that does not get a burst done is left out of it, and of those after it."""
    async with contextlib.AsyncExitStack() as stack:
        arenas = await opened(stack, asked.peers, asked.clients)
        found: dict[int, dict[str, Figures]] = {}
        for burst in bursts:
            events = max(burst, _DELIVERIES // asked.clients // burst * burst)
            spent = await in_turns(arenas, asked.rounds, partial(Arena.run, events=events, burst=burst))
            found[burst] = figures(spent)
        return found


def _say_who_joins(found: dict[str, Figures]) -> None:
    for name, one in found.items():
        if one.writes_per_delivery < _LEAST_WRITES:
            joined = f"{one.writes_per_delivery:.2f} writes a delivery"
            sys.stderr.write(
                f"not one at a time: {name}: {joined}, so that its figures are better than they should be\n"
            )


def main() -> None:
    arguments = parser(__doc__, PEERS, clients=1_000, rounds=9)
    arguments.add_argument("--burst", type=int, action="append", help=f"instead of {_BURSTS}")
    given = arguments.parse_args()
    asked, bursts = Asked.of(given, PEERS), sorted(given.burst or _BURSTS)
    measured = asyncio.run(measure(asked, bursts))
    found = {f"bursts of {burst}" if burst > 1 else "one at a time": of for burst, of in measured.items()}
    for title, of in found.items():
        show_deliveries(title, of)
    _say_who_joins(measured.get(1, {}))
    if asked.is_whole and given.burst is None:
        save(
            f"fanout_{asked.clients}",
            measured,
            clients=asked.clients,
            rounds=asked.rounds,
            versions=versions(),
        )
        plot_deliveries(f"fanout-{asked.clients}", found)


if __name__ == "__main__":
    main()
