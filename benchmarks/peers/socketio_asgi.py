"""python-socketio's AsyncServer on uvicorn with uvloop, clients on WebSocket from the first; compression off.

Its topics are rooms: those that a client names in its query.
"""

import asyncio
from urllib.parse import parse_qs

import socketio
from starlette.applications import Starlette

from benchmarks.peers.driving import EVENT, TOPIC, Data, driven

__all__ = ["app"]

server = socketio.AsyncServer(async_mode="asgi", transports=["websocket"], http_compression=False)
connected: set[str] = set()


async def connect(sid: str, environ: dict[str, str]) -> None:
    connected.add(sid)
    for topics in parse_qs(environ["QUERY_STRING"]).get("topics", []):
        for topic in topics.split(","):
            await server.enter_room(sid, topic)


async def disconnect(sid: str) -> None:
    connected.discard(sid)


async def publish(events: list[Data]) -> int:
    for data in events:
        await server.emit(EVENT, around(data))
    # Each client has a task that writes.
    await asyncio.sleep(0)
    return len(events) * len(connected)


async def publish_to(topic: str, data: Data) -> None:
    await server.emit(EVENT, around(data), room=topic)
    await asyncio.sleep(0)


def around(data: Data) -> Data:
    """As much around it as others have, the name of the event apart."""
    return {"topic": TOPIC, "data": data, "_seq": 1750000000000000, "id": "0" * 23}


server.on("connect", connect)
server.on("disconnect", disconnect)
app = socketio.ASGIApp(server, Starlette(lifespan=lambda _app: driven(publish, publish_to)))
