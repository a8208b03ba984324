"""Litestar Channels with its in-memory backend and its own route, on uvicorn with uvloop; compression off."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend

from benchmarks.peers.driving import EVENT, TOPIC, obey

__all__ = ["app"]

channels = ChannelsPlugin(
    backend=MemoryChannelsBackend(),
    channels=[TOPIC],
    create_ws_route_handlers=True,
    ws_handler_base_path="/ws",
)


async def publish(events: list[dict[str, object]]) -> int:
    for data in events:
        text = {"topic": TOPIC, "event": EVENT, "data": data, "_seq": 1750000000000000, "id": "0" * 23}
        channels.publish(json.dumps(text), TOPIC)
    # A queue, and then a task for each client.
    for _ in range(4):
        await asyncio.sleep(0)
    return len(events) * len(channels._channels[TOPIC])  # noqa: SLF001 (nothing else tells)


@asynccontextmanager
async def lifespan(_app: Litestar) -> AsyncIterator[None]:
    driving = asyncio.create_task(obey(publish))
    yield
    driving.cancel()


app = Litestar(plugins=[channels], lifespan=[lifespan])
