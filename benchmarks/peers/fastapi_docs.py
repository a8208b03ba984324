"""The ConnectionManager of FastAPI's documentation ("Handling disconnections and multiple clients"), word for word.

uvicorn as its documentation says for production: uvloop and httptools; compression off.
"""

from fastapi import FastAPI, WebSocket, WebSocketDisconnect

from benchmarks.peers.driving import Data, driven, text_of

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


async def publish(events: list[Data]) -> int:
    for data in events:
        await manager.broadcast(text_of(data))
    return len(events) * len(manager.active_connections)


app = FastAPI(lifespan=lambda _app: driven(publish))


@app.websocket("/ws")
async def websocket_endpoint(websocket: WebSocket) -> None:
    await manager.connect(websocket)
    try:
        while True:
            await websocket.receive_text()
    except WebSocketDisconnect:
        manager.disconnect(websocket)
