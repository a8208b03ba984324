"""What it costs to have every acknowledged event on the disk: `sync_interval: always` against the server's default.

    python -m benchmarks.durability [--seconds 3] [--rounds 3]

Real servers on loopback, one alone and three together. Rounds alternate between the two settings, so that both
meet the same noise of the machine; the table shows medians.
"""

import argparse
import asyncio
import contextlib
import os
import tempfile
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from statistics import median
from typing import Final

from benchmarks.results import show_table
from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.testing.nats_cluster import NatsCluster
from pulse_radar.testing.nats_server import NatsServer

_DATA: Final = b'"' + b"x" * 160 + b'"'

# How many publishes are under way at once: an awaited loop, a busy process, a very busy one.
_AT_ONCE: Final = (1, 16, 64)

# The server's own default, and every event before its acknowledgement.
_SETTINGS: Final = ("2m", "always")


async def main(seconds: float, rounds: int) -> None:
    rows: list[tuple[str, ...]] = []
    for servers in (1, 3):
        measured = await _measure(servers, seconds, rounds)
        for at_once in _AT_ONCE:
            default, always = (median(measured[setting, at_once]) for setting in _SETTINGS)
            figures = (f"{default:,.0f}", f"{always:,.0f}", f"{default / always:.1f}")
            rows.append((str(servers), str(at_once), *figures))
    show_table(
        f"events stored per second; a write of 4 kB that is forced to this disk takes {_forced_write_ms():.2f} ms",
        ("servers", "under way", "default", "always", "ratio"),
        rows,
    )


async def _measure(servers: int, seconds: float, rounds: int) -> dict[tuple[str, int], list[float]]:
    """Rates, by the setting and how many were under way."""
    measured: dict[tuple[str, int], list[float]] = {(s, n): [] for s in _SETTINGS for n in _AT_ONCE}
    for _ in range(rounds):
        for setting in _SETTINGS:
            for at_once, rate in (await _rates(servers, setting, seconds)).items():
                measured[setting, at_once].append(rate)
    return measured


def _forced_write_ms() -> float:
    with tempfile.NamedTemporaryFile() as file:
        return median(_one_forced_write_ms(file.fileno()) for _ in range(50))


def _one_forced_write_ms(descriptor: int) -> float:
    begun = time.monotonic()
    os.write(descriptor, bytes(4096))
    os.fsync(descriptor)
    return (time.monotonic() - begun) * 1000


async def _rates(servers: int, setting: str, seconds: float) -> dict[int, float]:
    """Events per second, for each number under way."""
    with tempfile.TemporaryDirectory() as directory:
        async with (
            _url(servers, setting, Path(directory)) as url,
            NatsBroker(url, replicas=servers) as broker,
        ):
            await broker.declare([LogTopic("durability")])
            return {at_once: await _rate(broker, at_once, seconds) for at_once in _AT_ONCE}


@contextlib.asynccontextmanager
async def _url(servers: int, setting: str, store: Path) -> AsyncIterator[str]:
    if servers == 1:
        async with NatsServer(store, sync_interval=setting) as server:
            yield server.url
    else:
        async with NatsCluster(store, sync_interval=setting) as cluster:
            yield cluster.url


async def _rate(broker: NatsBroker, at_once: int, seconds: float) -> float:
    numbers = count()
    begun = time.monotonic()
    end = begun + seconds

    async def publish() -> int:
        stored = 0
        while time.monotonic() < end:
            event_id = f"{at_once}-{next(numbers)}-{begun}"
            await broker.store(Draft("durability", "measured", _DATA, event_id))
            stored += 1
        return stored

    stored = sum(await asyncio.gather(*(publish() for _ in range(at_once))))
    return stored / (time.monotonic() - begun)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    asyncio.run(main(given.seconds, given.rounds))
