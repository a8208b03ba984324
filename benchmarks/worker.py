"""A worker process that publishes events at a steady rate: by our publisher, or by nothing but NATS.

python -m benchmarks.worker ours|bare URL EVENTS
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from typing import Final, Literal

import nats
import uvloop

from benchmarks.app import TOPIC
from pulse_radar import Publisher

__all__ = ["BARE", "PER_SECOND", "TEXT", "published", "ticks"]

PER_SECOND: Final = 1_000
TEXT: Final = "x" * 64

# The subject of those that nobody stores.
BARE: Final = "bare"


async def published(way: Literal["ours", "bare"], url: str, events: int) -> None:
    """Return when such a process has published so many, and has ended."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "benchmarks.worker", way, url, str(events)
    )
    assert await process.wait() == 0


async def ticks(events: int) -> AsyncIterator[int]:
    """When each event is due, in nanoseconds of the system's clock; given out no sooner."""
    began = time.monotonic_ns()
    for number in range(events):
        due = began + number * 1_000_000_000 // PER_SECOND
        await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
        yield due


async def _publish(url: str, events: int) -> None:
    """Pipelined, and done when all is stored."""
    async with Publisher(url) as publisher, asyncio.TaskGroup() as publishing:
        # Connecting is not what is measured.
        await publisher.publish(TOPIC, "began", {})
        async for due in ticks(events):
            publishing.create_task(publisher.publish(TOPIC, "thing_happened", {"at": due, "text": TEXT}))


async def _publish_bare(url: str, events: int) -> None:
    client = await nats.connect(url)
    async for due in ticks(events):
        await client.publish(BARE, json.dumps({"at": due, "text": TEXT}).encode())
    await client.flush()
    await client.close()


if __name__ == "__main__":
    _, chosen, address, count = sys.argv
    uvloop.run((_publish if chosen == "ours" else _publish_bare)(address, int(count)))
