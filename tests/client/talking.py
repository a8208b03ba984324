"""Servers of a test: each connection gets the next talk."""

import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable

from websockets.asyncio.server import ServerConnection, serve

__all__ = ["Talk", "event", "greeting", "talking"]

Talk = Callable[[ServerConnection], Awaitable[None]]


def greeting(last: int, *, pong_timeout: float = 30) -> str:
    data = {
        "status": "connected",
        "connectionId": "abc",
        "topics": ["knowledge"],
        "protocol": 1,
        "pingInterval": pong_timeout * 2 / 3,
        "pongTimeout": pong_timeout,
        "lastSeq": {"knowledge": last},
    }
    return json.dumps({"type": "connection", "data": data})


def event(sequence: int, data: object = None) -> str:
    return json.dumps({"topic": "knowledge", "event": "happened", "data": data, "_seq": sequence})


@contextlib.asynccontextmanager
async def talking(*talks: Talk) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that has one talk after the other; its address, and the paths that were asked for."""
    asked: list[str] = []

    async def talk(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(connection.request.path)
        await talks[len(asked) - 1](connection)

    # Uncompressed: a size that a test names is what fills the sockets.
    async with serve(talk, "127.0.0.1", 0, compression=None) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
