"""From `publish` in a worker to the frame in a client, beside the bare ways that it is made of.

    python -m benchmarks.pipeline [--clients 100] [--rounds 9] [--quick]

Ours: a worker process, a nats-server with JetStream, an API process and its clients; a thousand events a second.
Bare: core NATS from one process to another, and a WebSocket's echo, at the same rate. In turns.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import nats
import uvloop
from nats.aio.msg import Msg
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.app import TOPIC
from benchmarks.peers import crowds
from benchmarks.processes import serving
from benchmarks.readers import Readers
from benchmarks.results import save, show
from pulse_radar import Publisher
from pulse_radar.testing.nats_server import NatsServer, free_port

__all__ = ["PER_SECOND", "main", "measure", "worker"]

PER_SECOND: Final = 1_000
_TEXT: Final = "x" * 64

# Milliseconds.
Figures = dict[str, float]


async def ticks(events: int) -> AsyncIterator[int]:
    """When each event is due, in nanoseconds of the system's clock; given out no sooner."""
    began = time.monotonic_ns()
    for number in range(events):
        due = began + number * 1_000_000_000 // PER_SECOND
        await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
        yield due


async def work(url: str, events: int) -> None:
    """What the worker process does: publish, pipelined, and end when all is stored."""
    async with Publisher(url) as publisher, asyncio.TaskGroup() as publishing:
        # Connecting is not what is measured.
        await publisher.publish(TOPIC, "began", {})
        async for due in ticks(events):
            publishing.create_task(publisher.publish(TOPIC, "thing_happened", {"at": due, "text": _TEXT}))


async def bare_publish(url: str, events: int) -> None:
    """What it does where there is nothing but NATS."""
    client = await nats.connect(url)
    async for due in ticks(events):
        await client.publish("bare", json.dumps({"at": due, "text": _TEXT}).encode())
    await client.flush()
    await client.close()


async def worker(what: str, url: str, events: int) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.pipeline", what, url, str(events)
    )
    assert await process.wait() == 0


async def bare_nats(url: str, events: int) -> float:
    """The median from a publish to the subscriber of another process."""
    client = await nats.connect(url)
    found: list[float] = []

    async def heard(message: Msg) -> None:
        found.append((time.monotonic_ns() - json.loads(message.data)["at"]) / 1e6)

    await client.subscribe("bare", cb=heard)
    await client.flush()
    await worker("bare", url, events)
    await client.close()
    assert len(found) == events
    return statistics.median(found)


async def echo(events: int) -> float:
    """The median of a message's way to a WebSocket server of another process, and back."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.pipeline", "echo", str(port), "0"
    )
    found: list[float] = []
    try:
        while True:
            with contextlib.suppress(OSError):
                socket = await connect(f"ws://127.0.0.1:{port}", proxy=None, compression=None)
                break
            await asyncio.sleep(0.05)
        async with socket:
            async for _ in ticks(events):
                sent = time.monotonic_ns()
                await socket.send(_TEXT * 3)
                await socket.recv()
                found.append((time.monotonic_ns() - sent) / 1e6)
    finally:
        process.kill()
        await process.wait()
    return statistics.median(found)


async def serve_echo(port: int) -> None:
    async def answer(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    async with serve(answer, "127.0.0.1", port, compression=None) as server:
        await server.serve_forever()


async def measure(clients: int, rounds: int, seconds: float) -> Figures:
    """Medians over the rounds; `ratio` is ours to the two bare ones together."""
    events = int(PER_SECOND * seconds)
    found: dict[str, list[float]] = {"p50": [], "p99": [], "bare NATS": [], "bare echo": []}
    with tempfile.TemporaryDirectory() as directory:
        async with NatsServer(Path(directory)) as server:
            port = free_port()
            async with (
                serving(server.url, port),
                Readers.open("ours", port, clients, crowds.ours(TOPIC)) as crowd,
            ):
                for turn in range(rounds + 1):
                    await worker("work", server.url, events)
                    await crowd.until(events * clients)
                    ours = await crowd.latencies()
                    bare, there_and_back = await bare_nats(server.url, events), await echo(events)
                    if turn > 0:
                        # The first warms up.
                        found["p50"].append(ours.p50)
                        found["p99"].append(ours.p99)
                        found["bare NATS"].append(bare)
                        found["bare echo"].append(there_and_back)
    ratios = [
        ours / (bare + back)
        for ours, bare, back in zip(found["p50"], found["bare NATS"], found["bare echo"], strict=True)
    ]
    return {name: statistics.median(of) for name, of in (*found.items(), ("ratio", ratios))}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--clients", type=int, default=100)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--quick", action="store_true")
    given = arguments.parse_args()
    rounds, seconds = (1, 1.0) if given.quick else (given.rounds, 5.0)
    found = uvloop.run(measure(given.clients, rounds, seconds))
    if not given.quick:
        save("pipeline", found, clients=given.clients, rounds=rounds, events_per_second=PER_SECOND)
    show(
        f"{given.clients} clients, {PER_SECOND} events a second",
        {name: f"{value:.2f}" + ("" if name == "ratio" else " ms") for name, value in found.items()},
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["work", url, events]:
            uvloop.run(work(url, int(events)))
        case ["bare", url, events]:
            uvloop.run(bare_publish(url, int(events)))
        case ["echo", port, _]:
            uvloop.run(serve_echo(int(port)))
        case _:
            main()
