"""The transport for any ASGI server: a queue and a writer, since ASGI can only wait for a write.

What it cannot do: cut off a peer that no longer reads. The endpoint ends, and the server keeps the socket
until it gives up by itself.
"""

import asyncio
from collections import deque
from typing import Final

from starlette.websockets import WebSocket, WebSocketDisconnect

from pulse_radar.server.transport import LOW_WATER_BYTES, Batch, Listener

__all__ = ["AsgiTransport"]

# So long a peer may take to read what is unsent when we close.
_CLOSE_SECONDS: Final = 5.0


class AsgiTransport:
    """One accepted WebSocket of an ASGI server; a `Transport`."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._listener: Listener
        self._unsent: deque[bytes] = deque()
        self._unsent_bytes = 0
        # Set when there is something to write, or to close for.
        self._wanted = asyncio.Event()
        self._closing: tuple[int, str] | None = None
        self._close_begun = asyncio.Event()

    @property
    def unsent_bytes(self) -> int:
        return self._unsent_bytes

    def listen(self, listener: Listener) -> None:
        self._listener = listener

    def write(self, batch: Batch) -> None:
        if self._closing is None:
            self._unsent.extend(batch.texts)
            self._unsent_bytes += sum(map(len, batch.texts))
            self._wanted.set()

    def close(self, code: int, reason: str = "") -> None:
        if self._closing is None:
            self._closing = (code, reason)
            self._wanted.set()
            self._close_begun.set()

    async def wait_closed(self) -> None:
        """Carry the connection until it is gone: reading, writing, and closing in bounded time."""
        tasks = [asyncio.ensure_future(work) for work in (self._read(), self._write(), self._give_up())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            # Not gather: it would swallow the message of a cancellation that comes now, which anyio needs.
            await asyncio.wait(tasks)
            self._closing = self._closing or (1006, "")
            self._listener.closed()
        for task in tasks:
            error = None if task.cancelled() else task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect):
                raise error

    async def _read(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text = message.get("text")
            if text is None:
                self._listener.received_binary()
            else:
                self._listener.received(text)

    async def _write(self) -> None:
        while self._closing is None or self._unsent:
            if not self._unsent:
                self._wanted.clear()
                await self._wanted.wait()
                continue
            text = self._unsent.popleft()
            await self._websocket.send_text(text.decode())
            self._sent(len(text))
        code, reason = self._closing
        await self._websocket.close(code, reason)

    def _sent(self, count: int) -> None:
        was_above = self._unsent_bytes > LOW_WATER_BYTES
        self._unsent_bytes -= count
        if was_above and self._unsent_bytes <= LOW_WATER_BYTES:
            self._listener.writable()

    async def _give_up(self) -> None:
        await self._close_begun.wait()
        await asyncio.sleep(_CLOSE_SECONDS)
