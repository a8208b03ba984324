"""What every peer does on a word from the benchmark: publish so many events, one burst after the other.

A peer is told on its standard input, and answers on its standard output with how many deliveries that were:

    run EVENTS BURST         the next burst when the last one is written to all
    pace PER_SECOND EVENTS   one at a time at this rate, each with the moment at which it was due
    mixed EVENTS             one at a time, each in the next of the topics; it answers with their number
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from pulse_radar.protocol.json_value import JsonValue

__all__ = ["EVENT", "TOPIC", "TOPICS", "Data", "Publish", "PublishTo", "driven", "obey", "text_of"]

TOPIC: Final = "events"
TOPICS: Final = (TOPIC, *(f"topic{number}" for number in range(6)))
EVENT: Final = "thing_happened"

# With what is around it, about 180 bytes on the wire.
_TEXT: Final = "x" * 64

Data = dict[str, JsonValue]

# Publishes these together; returns when they are written to all, with the number of deliveries.
Publish = Callable[[list[Data]], Awaitable[int]]

# Publishes one in this topic; returns when it is written to all who follow it.
PublishTo = Callable[[str, Data], Awaitable[object]]


def text_of(data: Data) -> str:
    """An event as our own server sends it: what peers send that know nothing but texts."""
    return json.dumps(
        {"topic": TOPIC, "event": EVENT, "data": data, "_seq": 1750000000000000, "id": "0" * 23}
    )


@contextlib.asynccontextmanager
async def driven(publish: Publish, publish_to: PublishTo | None = None) -> AsyncIterator[None]:
    """While this is open, standard input is obeyed."""
    driving = asyncio.create_task(obey(publish, publish_to))
    yield
    driving.cancel()


async def obey(publish: Publish, publish_to: PublishTo | None = None) -> None:
    """Do what standard input says, until it ends. `publish_to`: None where there are no topics."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    async for line in lines:
        match line.decode().split():
            case ["run", events, burst]:
                deliveries = await _run(publish, int(events), int(burst))
            case ["pace", per_second, events]:
                deliveries = await _pace(publish, float(per_second), int(events))
            case ["mixed", events] if publish_to is not None:
                deliveries = await _mixed(publish_to, int(events))
            case words:
                raise ValueError(f"not a word of the benchmark: {words}")
        print("ran", deliveries, flush=True)  # noqa: T201 (it is the answer)


async def _run(publish: Publish, events: int, burst: int) -> int:
    deliveries = 0
    for _ in range(events // burst):
        deliveries += await publish([{"text": _TEXT}] * burst)
    return deliveries


async def _pace(publish: Publish, per_second: float, events: int) -> int:
    began, deliveries = time.monotonic_ns(), 0
    for number in range(events):
        due = began + int(number * 1e9 / per_second)
        await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
        deliveries += await publish([{"at": due, "text": _TEXT}])
    return deliveries


async def _mixed(publish_to: PublishTo, events: int) -> int:
    for number in range(events):
        await publish_to(TOPICS[number % len(TOPICS)], {"text": _TEXT})
    return events
