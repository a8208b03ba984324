"""What one more API process costs where nobody is connected to it: each follows every topic once.

    python -m benchmarks.further_process [--rounds 5] [--quick]

A thousand events a second on one topic; the processor time and the memory of each process.
"""

import argparse
import asyncio
import contextlib
import statistics
import tempfile
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.processes import cpu_seconds, memory_mb, serving
from benchmarks.results import save, show
from benchmarks.worker import PER_SECOND, published
from pulse_radar.testing.nats_server import NatsServer, free_port

__all__ = ["main", "measure"]

_PROCESSES: Final = 2

Figures = dict[str, float]


async def measure(rounds: int, seconds: float) -> Figures:
    """Medians over rounds and processes: microseconds of the processor an event, its share at this rate, megabytes."""
    events = int(PER_SECOND * seconds)
    spent: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        async with NatsServer(Path(directory)) as server, contextlib.AsyncExitStack() as stack:
            processes = [
                await stack.enter_async_context(serving(server.url, free_port())) for _ in range(_PROCESSES)
            ]
            await published("ours", server.url, events)
            for _ in range(rounds):
                before = [cpu_seconds(process) for process in processes]
                await published("ours", server.url, events)
                # What is on its way arrives within the next moment.
                await asyncio.sleep(0.5)
                spent += [cpu_seconds(process) - had for process, had in zip(processes, before, strict=True)]
            memory = statistics.median(map(memory_mb, processes))
    each = statistics.median(spent) / events
    return {"microseconds an event": each * 1e6, "percent of a core": each * PER_SECOND * 100, "MB": memory}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--quick", action="store_true")
    given = arguments.parse_args()
    rounds, seconds = (1, 1.0) if given.quick else (given.rounds, 5.0)
    found = uvloop.run(measure(rounds, seconds))
    if not given.quick:
        save("further_process", found, rounds=rounds, events_per_second=PER_SECOND)
    show(
        f"one more process, at {PER_SECOND} events a second",
        {name: f"{value:.1f}" for name, value in found.items()},
    )


if __name__ == "__main__":
    main()
