"""uWebSockets by way of socketify, with its own publish and subscribe; compression off.

A client follows the topics that it says, and hears that it does.
"""

import asyncio
import json
import sys
import threading
import time

from socketify import App, CompressOptions, OpCode

from benchmarks.peers.driving import EVENT, TEXT, TOPIC, TOPICS

clients = 0
app = App()


def opened(_ws: object) -> None:
    global clients
    clients += 1


def said(ws: object, topics: str, _opcode: object) -> None:
    for topic in topics.split(","):
        ws.subscribe(topic)
    ws.send("subscribed", OpCode.TEXT)


def closed(_ws: object, _code: int, _message: object) -> None:
    global clients
    clients -= 1


def publish(stamp: dict[str, int], topic: str = TOPIC) -> None:
    text = {"topic": TOPIC, "event": EVENT, "data": {**stamp, "text": TEXT}, "_seq": 1750000000000000}
    app.publish(topic, json.dumps(text | {"id": "0" * 23}), OpCode.TEXT)


async def run(events: int, burst: int) -> None:
    for number in range(1, events + 1):
        publish({})
        if number % burst == 0:
            # What was published is written when this turn of its loop ends.
            await asyncio.sleep(0.002)
    print("ran", events * clients, flush=True)  # noqa: T201


async def mixed(events: int) -> None:
    for number in range(events):
        publish({}, TOPICS[number % len(TOPICS)])
        await asyncio.sleep(0.002)
    print("ran", events, flush=True)  # noqa: T201


async def pace(per_second: float, events: int) -> None:
    began = time.monotonic_ns()
    for number in range(events):
        due = began + int(number * 1e9 / per_second)
        await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
        publish({"at": due})
    print("ran", events * clients, flush=True)  # noqa: T201


def heed() -> None:
    for line in sys.stdin:
        match line.split():
            case ["run", events, burst]:
                work = run(int(events), int(burst))
            case ["mixed", events]:
                work = mixed(int(events))
            case [_, per_second, events]:
                work = pace(float(per_second), int(events))
        app.loop.loop.call_soon_threadsafe(app.loop.loop.create_task, work)


# Its crowd says nothing, which by default is an end after two minutes.
app.ws(
    "/ws",
    {
        "compression": CompressOptions.DISABLED,
        "idle_timeout": 0,
        "open": opened,
        "message": said,
        "close": closed,
    },
)
app.listen(int(sys.argv[1]), lambda _config: threading.Thread(target=heed, daemon=True).start())
app.run()
