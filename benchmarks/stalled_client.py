"""One stalled client among a thousand: what the others notice of it.

    python -m benchmarks.stalled_client [--quick]

For each way to stall, the 99th percentile of delivery to the others with it and without it, in turns, because a machine
is not the same from minute to minute. Prints a table and writes benchmarks/results/stalled_client.json.
"""

import argparse
import asyncio
import contextlib
import socket
import statistics
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.app import BALLAST, TOPIC
from benchmarks.crowd import connect_all, handshake
from benchmarks.processes import serving
from benchmarks.results import save, show_table
from benchmarks.traffic import Latencies, steady
from pulse_radar import Publisher
from pulse_radar.testing.nats_server import NatsServer, free_port

__all__ = ["KINDS", "measure"]

_PER_SECOND: Final = 5

# What only the stalled one is sent: with 2.5 MB a second the system's own buffers (4 MB) and the bound (1 MiB) are full
# within its life, so that it is evicted, and comes again.
_BALLAST_BYTES: Final = 64_000
_BALLAST_PER_SECOND: Final = 40
_LIFE_SECONDS: Final = 3

_SMALL_WINDOW: Final = 4_096
_HUGE_WINDOW: Final = 64 * 1024**2

Stall = Callable[[socket.socket], Awaitable[None]]
Figures = dict[str, float]


async def nothing(_: socket.socket) -> None:
    """It does not read at all."""
    await asyncio.sleep(_LIFE_SECONDS)


async def a_byte(client: socket.socket) -> None:
    """It reads a byte a second: the window never opens."""
    for _ in range(_LIFE_SECONDS):
        await asyncio.get_running_loop().sock_recv(client, 1)
        await asyncio.sleep(1)


# How large a window it offers, and what it reads.
KINDS: Final[dict[str, tuple[int, Stall]]] = {
    "stops reading": (_SMALL_WINDOW, nothing),
    "reads a byte a second": (_SMALL_WINDOW, a_byte),
    "has a huge receive window": (_HUGE_WINDOW, nothing),
}


@contextlib.asynccontextmanager
async def stalled(kind: str | None, port: int) -> AsyncIterator[None]:
    """A client of this kind, again and again; None: nobody."""
    task = asyncio.create_task(asyncio.sleep(0) if kind is None else _stall(*KINDS[kind], port))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _stall(window: int, stall: Stall, port: int) -> None:
    loop = asyncio.get_running_loop()
    while True:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
            client.setblocking(False)
            await loop.sock_connect(client, ("127.0.0.1", port))
            await loop.sock_sendall(client, handshake(f"topics={TOPIC},{BALLAST}", port))
            with contextlib.suppress(ConnectionError):
                await stall(client)


async def measure(*, clients: int, rounds: int, seconds: float) -> dict[str, Figures]:
    """Milliseconds, by kind: medians over the rounds, and their ratio to what it is without anybody stalled."""
    found: dict[str | None, list[float]] = {kind: [] for kind in (None, *KINDS)}
    latencies, port = Latencies(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            NatsServer(Path(folder)) as nats,
            Publisher(nats.url) as publisher,
            serving(nats.url, port),
        ):
            crowd = await connect_all([f"topics={TOPIC}"] * clients, port, latencies.note)
            async with (
                steady(publisher, TOPIC, _PER_SECOND),
                steady(publisher, BALLAST, _BALLAST_PER_SECOND, "x" * _BALLAST_BYTES),
            ):
                for kind in [*found] * rounds:
                    async with stalled(kind, port):
                        # Into its first life, and out of the one before.
                        await asyncio.sleep(seconds / 4)
                        latencies.forget()
                        await asyncio.sleep(seconds)
                        found[kind].append(latencies.percentile_99())
            assert not any(member.holes for member in crowd)
            assert not any(member.transport.is_closing() for member in crowd)
    medians = {kind: statistics.median(values) for kind, values in found.items()}
    without = medians.pop(None)
    return {
        str(kind): {"p99_ms_without": without, "p99_ms_with": median, "ratio": median / without}
        for kind, median in medians.items()
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer clients, shorter rounds")
    quick = arguments.parse_args().quick
    size = (
        {"clients": 99, "rounds": 3, "seconds": 1} if quick else {"clients": 999, "rounds": 9, "seconds": 4}
    )
    figures = uvloop.run(measure(**size))
    rows = [(kind, *(f"{value:.2f}" for value in values.values())) for kind, values in figures.items()]
    show_table("one of a thousand", ("it", "p99 without, ms", "p99 with it, ms", "ratio"), rows)
    if not quick:
        save("stalled_client", figures, **size)


if __name__ == "__main__":
    main()
