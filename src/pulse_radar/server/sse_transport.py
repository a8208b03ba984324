"""A stream of server-sent events over any ASGI server: what the hub says, and nothing from the other side.

Its reader cannot answer a ping. That it takes what is written is its sign of life: one that does not is found by
its unsent bytes, or by the heartbeat once nothing more can be written to it.
"""

from collections.abc import Iterable

from starlette.types import Receive, Send

from pulse_radar.protocol.event_stream import EventStream
from pulse_radar.protocol.frames import Ping
from pulse_radar.server.batch import Batch
from pulse_radar.server.queued_transport import QueuedTransport
from pulse_radar.server.transport import Listener, Socket

__all__ = ["SseTransport"]


class SseTransport(QueuedTransport):
    """One response that has begun; a `Transport`. Where the server shows its socket, a stalled one is cut off."""

    def __init__(self, receive: Receive, send: Send, socket: Socket | None) -> None:
        super().__init__()
        self._receive = receive
        self._asgi_send = send
        self._socket = socket
        self._stream = EventStream()
        # A ping was written, and nothing was taken since.
        self._is_asked = False

    def listen(self, listener: Listener) -> None:
        super().listen(listener)
        if self._socket is not None:
            self._socket.attend(self, listener)

    def _encode(self, batch: Batch) -> Iterable[bytes]:
        self._is_asked = self._is_asked or any(isinstance(block.frame, Ping) for block in batch.blocks)
        # One part: ASGI makes a chunk of each.
        yield self._stream.write(batch.blocks)

    async def _read(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _send(self, part: bytes) -> None:
        await self._asgi_send({"type": "http.response.body", "body": part, "more_body": True})
        # Whatever is taken: of a busy topic there is always more behind it.
        if self._is_asked:
            self._is_asked = False
            self._listener.alive()

    async def _finish(self, code: int, reason: str) -> None:
        last = self._stream.end(code, reason)
        await self._asgi_send({"type": "http.response.body", "body": last, "more_body": False})

    def _cut_off(self) -> None:
        if self._socket is not None:
            self._socket.abort()
