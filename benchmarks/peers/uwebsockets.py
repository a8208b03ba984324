"""uWebSockets by way of socketify, with its own publish and subscribe; compression off."""

import asyncio
import json
import sys
import threading
import time

from socketify import App, CompressOptions, OpCode

from benchmarks.peers.driving import EVENT, TEXT, TOPIC

clients = 0
app = App()


def opened(ws: object) -> None:
    global clients
    clients += 1
    ws.subscribe(TOPIC)


def closed(_ws: object, _code: int, _message: object) -> None:
    global clients
    clients -= 1


def publish(stamp: dict[str, int]) -> None:
    text = {"topic": TOPIC, "event": EVENT, "data": {**stamp, "text": TEXT}, "_seq": 1750000000000000}
    app.publish(TOPIC, json.dumps(text | {"id": "0" * 23}), OpCode.TEXT)


async def run(events: int, burst: int) -> None:
    for number in range(1, events + 1):
        publish({})
        if number % burst == 0:
            # What was published is written when this turn of its loop ends.
            await asyncio.sleep(0.002)
    print("ran", events * clients, flush=True)  # noqa: T201


async def pace(per_second: float, events: int) -> None:
    began = time.monotonic_ns()
    for number in range(events):
        due = began + int(number * 1e9 / per_second)
        await asyncio.sleep(max(0.0, (due - time.monotonic_ns()) / 1e9))
        publish({"at": due})
    print("ran", events * clients, flush=True)  # noqa: T201


def heed() -> None:
    for line in sys.stdin:
        word, first, second = line.split()
        work = run(int(first), int(second)) if word == "run" else pace(float(first), int(second))
        app.loop.loop.call_soon_threadsafe(app.loop.loop.create_task, work)


# Its crowd says nothing, which by default is an end after two minutes.
app.ws("/ws", {"compression": CompressOptions.DISABLED, "idle_timeout": 0, "open": opened, "close": closed})
app.listen(int(sys.argv[1]), lambda _config: threading.Thread(target=heed, daemon=True).start())
app.run()
