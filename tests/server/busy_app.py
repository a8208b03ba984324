"""A user's app with a live layer, an event stream of its own and a WebSocket of its own."""

import asyncio
import os
from collections.abc import AsyncIterator

from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from pulse_radar import Pulse

pulse = Pulse()
pulse.topic("knowledge")
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)


@app.get("/pid")
async def pid() -> int:
    return os.getpid()


@app.post("/publish-to-everyone/{count}")
async def publish_to_everyone(count: int) -> None:
    for number in range(count):
        await pulse.publish("knowledge", "atom_created", {"n": number, "text": "x" * 4_000})


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def lines() -> AsyncIterator[str]:
        while True:
            yield f"data: {'x' * 10_000}\n\n"
            await asyncio.sleep(0.001)

    return StreamingResponse(lines(), media_type="text/event-stream")


@app.websocket("/own")
async def own(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.send_text(await websocket.receive_text())
