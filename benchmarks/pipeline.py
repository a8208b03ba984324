"""From `publish` in a worker to the frame in a client, beside the bare ways that it is made of.

    python -m benchmarks.pipeline [--clients 100] [--rounds 9] [--quick]

Ours: a worker process, a nats-server with JetStream, an API process and its clients; a thousand events a second.
Bare: core NATS from one process to another, and a WebSocket's echo, at the same rate. In turns.
"""

import argparse
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import uvloop

from benchmarks.app import TOPIC
from benchmarks.bare_ways import by_nats, by_websocket
from benchmarks.peers import crowds
from benchmarks.processes import serving
from benchmarks.readers import Readers
from benchmarks.results import save, show
from benchmarks.worker import PER_SECOND, published
from pulse_radar.testing.nats_server import NatsServer, free_port

__all__ = ["main", "measure"]


class Round(msgspec.Struct, frozen=True):
    """What the ways took in one round. Units: milliseconds."""

    p50: float
    p99: float
    bare_nats: float
    bare_echo: float

    @property
    def ratio(self) -> float:
        """Ours to the two bare ones together."""
        return self.p50 / (self.bare_nats + self.bare_echo)


_FIGURES: Final[dict[str, Callable[[Round], float]]] = {
    "p50": lambda one: one.p50,
    "p99": lambda one: one.p99,
    "bare NATS": lambda one: one.bare_nats,
    "bare echo": lambda one: one.bare_echo,
    "ratio": lambda one: one.ratio,
}


async def measure(clients: int, rounds: int, seconds: float) -> dict[str, float]:
    """Medians over the rounds."""
    port, events = free_port(), int(PER_SECOND * seconds)
    with tempfile.TemporaryDirectory() as directory:
        async with (
            NatsServer(Path(directory)) as server,
            serving(server.url, port),
            Readers.open("ours", port, clients, crowds.ours(TOPIC)) as crowd,
        ):
            # The first warms up.
            taken = [await _round(server.url, crowd, clients, events) for _ in range(rounds + 1)][1:]
    return {name: statistics.median(map(figure, taken)) for name, figure in _FIGURES.items()}


async def _round(url: str, crowd: Readers, clients: int, events: int) -> Round:
    await published("ours", url, events)
    await crowd.until(events * clients)
    ours = await crowd.latencies()
    return Round(ours.p50, ours.p99, await by_nats(url, events), await by_websocket(events))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=100)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--quick", action="store_true")
    given = arguments.parse_args()
    rounds, seconds = (1, 1.0) if given.quick else (given.rounds, 5.0)
    found = uvloop.run(measure(given.clients, rounds, seconds))
    if not given.quick:
        save(
            f"pipeline_{given.clients}",
            found,
            clients=given.clients,
            rounds=rounds,
            events_per_second=PER_SECOND,
        )
    show(
        f"{given.clients} clients, {PER_SECOND} events a second",
        {name: f"{value:.2f}" + ("" if name == "ratio" else " ms") for name, value in found.items()},
    )


if __name__ == "__main__":
    main()
