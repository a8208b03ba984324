"""Litestar Channels with its in-memory backend and its own route, on uvicorn with uvloop; compression off."""

import asyncio

from litestar import Litestar
from litestar.channels import ChannelsPlugin
from litestar.channels.backends.memory import MemoryChannelsBackend

from benchmarks.peers.driving import TOPIC, Data, driven, text_of

__all__ = ["app"]

channels = ChannelsPlugin(
    backend=MemoryChannelsBackend(),
    channels=[TOPIC],
    create_ws_route_handlers=True,
    ws_handler_base_path="/ws",
)


async def publish(events: list[Data]) -> int:
    for data in events:
        channels.publish(text_of(data), TOPIC)
    # A queue, and then a task for each client.
    for _ in range(4):
        await asyncio.sleep(0)
    return len(events) * len(channels._channels[TOPIC])  # noqa: SLF001 (nothing else tells)


app = Litestar(plugins=[channels], lifespan=[driven(publish)])
