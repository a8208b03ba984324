"""The ConnectionManager of FastAPI's documentation ("Handling disconnections and multiple clients"), word for word.

uvicorn as its documentation says for production: uvloop and httptools; compression off.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.peers.driving import EVENT, TOPIC, obey

__all__ = ["app"]


class ConnectionManager:
    def __init__(self) -> None:
        self.active_connections: list[WebSocket] = []

    async def connect(self, websocket: WebSocket) -> None:
        await websocket.accept()
        self.active_connections.append(websocket)

    def disconnect(self, websocket: WebSocket) -> None:
        self.active_connections.remove(websocket)

    async def broadcast(self, message: str) -> None:
        for connection in self.active_connections:
            await connection.send_text(message)


manager = ConnectionManager()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    driving = asyncio.create_task(obey(publish))
    yield
    driving.cancel()


async def publish(events: list[dict[str, object]]) -> int:
    for data in events:
        text = {"topic": TOPIC, "event": EVENT, "data": data, "_seq": 1750000000000000, "id": "0" * 23}
        await manager.broadcast(json.dumps(text))
    return len(events) * len(manager.active_connections)


app = FastAPI(lifespan=lifespan)


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket) -> None:
    await manager.connect(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.disconnect(websocket)
