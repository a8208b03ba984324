"""What telling of jobs costs a worker: jobs that do nothing, with the middleware and without, in turns.

    python -m benchmarks.jobs [--quick]

Prints a table and writes benchmarks/results/jobs.json.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop
from taskiq import InMemoryBroker

from benchmarks.results import save, show_table
from pulse_radar import Pulse
from pulse_radar.jobs import Jobs, PulseMiddleware
from pulse_radar.testing.nats_server import NatsServer

# So many jobs side by side, as in a worker with `--max-async-tasks 20`.
_AT_ONCE: Final = 20

Figures = dict[str, float]


async def jobs_done(broker: InMemoryBroker, count: int, middleware: PulseMiddleware | None = None) -> Figures:
    """Microseconds a job: of the clock until they are done, of the processor until they are told as well."""
    task = broker.find_task("nothing")
    assert task is not None

    async def some() -> None:
        for _ in range(count // _AT_ONCE):
            await task.kiq()

    cpu, clock = time.process_time(), time.perf_counter()
    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    clock = time.perf_counter() - clock
    # Nothing tells when a queue is empty but a look at it.
    while middleware is not None and middleware.stats().waiting > 0:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    return {"cpu_us": (time.process_time() - cpu) / count * 1e6, "clock_us": clock / count * 1e6}


def make_broker(middleware: PulseMiddleware | None) -> InMemoryBroker:
    broker = InMemoryBroker(await_inplace=True)
    if middleware is not None:
        broker.add_middlewares(middleware)

    @broker.task("nothing")
    async def nothing() -> None:
        await asyncio.sleep(0)

    return broker


async def measure(url: str, rounds: int, count: int) -> Figures:
    pulse = Pulse(url)
    Jobs(pulse, max_jobs=10 * rounds * count)
    async with pulse:
        """It declares the topic; what follows here is the worker's alone."""
    middleware = PulseMiddleware(url)
    told, untold = make_broker(middleware), make_broker(None)
    await told.startup()
    await untold.startup()
    while not middleware.stats().is_connected:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    with_it, without = [], []
    for _ in range(rounds):
        without.append(await jobs_done(untold, count))
        with_it.append(await jobs_done(told, count, middleware))
    await told.shutdown()
    await untold.shutdown()
    assert middleware.stats().lost == 0, middleware.stats()
    return {
        f"{kind}_{name}": statistics.median(figures[kind] for figures in side)
        for name, side in (("with", with_it), ("without", without))
        for kind in ("cpu_us", "clock_us")
    }


async def _measured(rounds: int, count: int) -> Figures:
    with tempfile.TemporaryDirectory() as directory:
        async with NatsServer(Path(directory)) as server:
            return await measure(server.url, rounds, count)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a fifth of it")
    quick = arguments.parse_args().quick
    rounds, count = (3, 400) if quick else (7, 1_000)
    found = uvloop.run(_measured(rounds, count))
    rows = [
        (label, f"{found[f'{kind}_without']:.0f}", f"{found[f'{kind}_with']:.0f}")
        for kind, label in (("cpu_us", "processor"), ("clock_us", "clock"))
    ]
    show_table("microseconds a job (median)", ("of the", "without", "with"), rows)
    if not quick:
        save("jobs", found, rounds=rounds, jobs_a_round=count)


if __name__ == "__main__":
    main()
