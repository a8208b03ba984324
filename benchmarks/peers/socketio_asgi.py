"""python-socketio's AsyncServer on uvicorn with uvloop, clients on WebSocket from the first; compression off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import socketio
from starlette.applications import Starlette

from benchmarks.peers.driving import EVENT, TOPIC, obey

__all__ = ["app"]

server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"], http_compression=False)
connected: set[str] = set()


@server.event
async def connect(sid: str, _environ: object) -> None:
    connected.add(sid)


@server.event
async def disconnect(sid: str) -> None:
    connected.discard(sid)


async def publish(events: list[dict[str, object]]) -> int:
    for data in events:
        text = {"topic": TOPIC, "data": data, "_seq": 1750000000000000, "id": "0" * 23}
        await server.emit(EVENT, text)
    # Each client has a task that writes.
    await asyncio.sleep(0)
    return len(events) * len(connected)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncIterator[None]:
    driving = asyncio.create_task(obey(publish))
    yield
    driving.cancel()


app = socketio.ASGIApp(server, Starlette(lifespan=lifespan))
