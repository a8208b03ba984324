"""The bare ways that an event's way is made of: core NATS to another process, and a WebSocket there and back.

python -m benchmarks.bare_ways PORT   (the server of the second)
"""

import asyncio
import contextlib
import json
import statistics
import sys
import time
from typing import Final

import nats
import uvloop
from nats.aio.msg import Msg
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from benchmarks.processes import running
from benchmarks.worker import BARE, TEXT, published, ticks
from pulse_radar.testing.nats_server import free_port

__all__ = ["by_nats", "by_websocket"]

# As long as an event is on the wire.
_SAID: Final = TEXT * 3


async def by_nats(url: str, events: int) -> float:
    """The median from a publish to the subscriber of another process. Units: milliseconds."""
    client = await nats.connect(url)
    found: list[float] = []

    async def heard(message: Msg) -> None:
        found.append((time.monotonic_ns() - json.loads(message.data)["at"]) / 1e6)

    await client.subscribe(BARE, cb=heard)
    await client.flush()
    await published("bare", url, events)
    await client.close()
    assert len(found) == events
    return statistics.median(found)


async def by_websocket(events: int) -> float:
    """The median of a message's way to a server of another process, and back. Units: milliseconds."""
    port = free_port()
    found: list[float] = []
    async with (
        running([sys.executable, "-m", "benchmarks.bare_ways", str(port)]),
        await _connected(port) as socket,
    ):
        async for _ in ticks(events):
            sent = time.monotonic_ns()
            await socket.send(_SAID)
            await socket.recv()
            found.append((time.monotonic_ns() - sent) / 1e6)
    return statistics.median(found)


async def _connected(port: int) -> ClientConnection:
    while True:
        with contextlib.suppress(OSError):
            return await connect(f"ws://127.0.0.1:{port}", proxy=None, compression=None)
        await asyncio.sleep(0.05)


async def _serve(port: int) -> None:
    async def answer(socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    async with serve(answer, "127.0.0.1", port, compression=None) as server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
