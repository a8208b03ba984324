"""A WebSocket of any ASGI server.

What it cannot do: cut off a peer that no longer reads. The endpoint ends, and the server keeps the socket
until it gives up by itself.
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import partial

from starlette.websockets import WebSocket, WebSocketDisconnect

from pulse_radar.server.batch import Batch
from pulse_radar.server.queued_transport import QueuedTransport

__all__ = ["AsgiTransport"]


class AsgiTransport(QueuedTransport):
    """One accepted WebSocket of an ASGI server; a `Transport`."""

    def __init__(self, websocket: WebSocket) -> None:
        super().__init__()
        self._websocket = websocket

    def _encode(self, batch: Batch) -> Iterable[bytes]:
        return batch.texts

    async def _read(self) -> None:
        is_deaf = False
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if not is_deaf:
                is_deaf = not self._listener.allowance.spend(time.monotonic())
                await self._hear_in_turn(partial(self._hear, message.get("text"), is_too_much=is_deaf))

    async def _hear_in_turn(self, hear: Callable[[], None]) -> None:
        """Until then the next message is not asked for, so that the server stops reading."""
        turn = asyncio.get_running_loop().create_future()

        def come() -> None:
            # It may have gone while it waited.
            if not turn.done():
                hear()
                turn.set_result(None)

        self._listener.hear_in_turn(come)
        if not turn.done():
            self._listener.alive()
            await turn

    def _hear(self, text: str | None, *, is_too_much: bool) -> None:
        if is_too_much:
            self._listener.too_many()
        elif text is None:
            self._listener.received_binary()
        else:
            self._listener.received(text)

    async def _send(self, part: bytes) -> None:
        await self._websocket.send_text(part.decode())

    async def _finish(self, code: int, reason: str) -> None:
        await self._websocket.close(code, reason)

    def _cut_off(self) -> None:
        """Not possible here."""

    def _is_end(self, error: BaseException) -> bool:
        return isinstance(error, WebSocketDisconnect)
