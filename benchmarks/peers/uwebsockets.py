"""uWebSockets by way of socketify, with its own publish and subscribe; compression off.

A client follows the topics that it says, and hears that it does.
"""

import asyncio
import sys
from typing import Final

from socketify import App, CompressOptions, OpCode, WebSocket

from benchmarks.peers.driving import TOPIC, Data, obey, text_of

__all__ = ["main"]

# What was published is written when a turn of its own loop ends, and nobody is told.
_TURN_SECONDS: Final = 0.002

app: Final = App()


def said(client: WebSocket, topics: str, _opcode: object) -> None:
    for topic in topics.split(","):
        client.subscribe(topic)
    client.send("subscribed", OpCode.TEXT)


async def publish(events: list[Data]) -> int:
    for data in events:
        app.publish(TOPIC, text_of(data), OpCode.TEXT)
    await asyncio.sleep(_TURN_SECONDS)
    deliveries: int = len(events) * app.num_subscribers(TOPIC)
    return deliveries


async def publish_to(topic: str, data: Data) -> None:
    app.publish(topic, text_of(data), OpCode.TEXT)
    await asyncio.sleep(_TURN_SECONDS)


def main(port: int) -> None:
    # Its crowd says nothing, which by default is an end after two minutes.
    app.ws("/ws", {"compression": CompressOptions.DISABLED, "idle_timeout": 0, "message": said})
    app.listen(port)
    # A loop does not keep its tasks.
    obeying = app.loop.create_task(obey(publish, publish_to))
    app.run()
    obeying.cancel()


if __name__ == "__main__":
    main(int(sys.argv[1]))
