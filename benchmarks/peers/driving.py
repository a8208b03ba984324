"""What every peer does on a word from the benchmark: publish so many events, one burst after the other.

A peer is told on its standard input, and answers on its standard output with how many deliveries that were:

    run EVENTS BURST         the next burst when the last one is written to all
    pace PER_SECOND EVENTS   one at a time at this rate, each with the moment at which it was due
"""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Final

__all__ = ["EVENT", "TEXT", "TOPIC", "Publish", "obey"]

TOPIC: Final = "events"
EVENT: Final = "thing_happened"

# With what is around it, about 180 bytes on the wire.
TEXT: Final = "x" * 64

Data = dict[str, object]

# Publishes these together; returns when they are written to all, with the number of deliveries.
Publish = Callable[[list[Data]], Awaitable[int]]


async def obey(publish: Publish) -> None:
    """Do what standard input says, until it ends."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        match line.decode().split():
            case ["run", events, burst]:
                deliveries = await _run(publish, int(events), int(burst))
            case ["pace", per_second, events]:
                deliveries = await _pace(publish, float(per_second), int(events))
            case words:
                raise ValueError(f"not a word of the benchmark: {words}")
        print("ran", deliveries, flush=True)  # noqa: T201 (it is the answer)


async def _run(publish: Publish, events: int, burst: int) -> int:
    deliveries = 0
    for _ in range(events // burst):
        deliveries += await publish([{"text": TEXT}] * burst)
    return deliveries


async def _pace(publish: Publish, per_second: float, events: int) -> int:
    began, deliveries = time.monotonic_ns(), 0
    for number in range(events):
        due = began + int(number * 1e9 / per_second)
        await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
        deliveries += await publish([{"at": due, "text": TEXT}])
    return deliveries
