"""`websockets` with its own `broadcast`, as its documentation says for many clients: uvloop, compression off."""

import asyncio
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from benchmarks.peers.driving import Data, obey, text_of

connections: set[ServerConnection] = set()


async def publish(events: list[Data]) -> int:
    for data in events:
        broadcast(connections, text_of(data))
    await asyncio.sleep(0)
    return len(events) * len(connections)


async def handler(connection: ServerConnection) -> None:
    connections.add(connection)
    try:
        await connection.wait_closed()
    finally:
        connections.remove(connection)


async def main(port: int) -> None:
    async with serve(handler, "127.0.0.1", port, compression=None, backlog=2048):
        await obey(publish)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
