"""One client on its wire: what it sends becomes inputs of the hub, in order."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from typing import Final

from pulse_radar.errors import ProtocolError, UsageError
from pulse_radar.hub.inputs import Closed, Draining, Input, Misbehaved, Received, Refused, Writable
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec import decode_client
from pulse_radar.protocol.cursor import refusal
from pulse_radar.protocol.frames import ClientFrame, ErrorCode, ErrorFrame, Pong, Subscribe, UnknownFrame
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.transport import LOW_WATER_BYTES, Transport

__all__ = ["MayRead", "Session", "forbidden", "turn_away"]

_log: Final = logging.getLogger("pulse_radar.server")

MayRead = Callable[[Feed], Awaitable[bool]]

# A close reason has at most 123 bytes (RFC 6455, section 5.5).
_REASON_LENGTH: Final = 120

# Frames of one client that wait while its rights are being looked up.
_PENDING_FRAMES: Final = 256


class Session:
    """A client of this process: the `Listener` of its transport, a voice at the hub."""

    def __init__(
        self,
        connection_id: str,
        transport: Transport,
        tell: Callable[[Input], None],
        *,
        max_frame_bytes: int,
        may_read: MayRead | None,
    ) -> None:
        """`may_read` is asked for each feed that a frame subscribes to; None allows all."""
        self.connection_id = connection_id
        self.transport = transport
        self._tell = tell
        self.max_frame_bytes = max_frame_bytes
        self._may_read = may_read
        # The hub asked to be told when most is written.
        self.is_awaited = False
        # Frames behind one whose right to read is being looked up: order is kept.
        self._pending: asyncio.Queue[ClientFrame | UnknownFrame] = asyncio.Queue(_PENDING_FRAMES)
        self._is_asking = False

    async def run(self) -> None:
        """Carry the connection until it is gone."""
        if self._may_read is None:
            await self.transport.wait_closed()
            return
        asking = asyncio.create_task(self._ask(self._may_read))
        try:
            await self.transport.wait_closed()
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    def await_writable(self) -> None:
        """Tell the hub once no more than the low-water mark is unsent."""
        self.is_awaited = True
        if self.transport.unsent_bytes <= LOW_WATER_BYTES:
            self.writable()

    # What the transport says.

    def received(self, text: str | bytes) -> None:
        size = len(text.encode(errors="replace")) if isinstance(text, str) else len(text)
        if size > self.max_frame_bytes:
            reason = f"a frame of {size} bytes, at most {self.max_frame_bytes} bytes are allowed"
            self._tell(Misbehaved(self.connection_id, CloseCode.FRAME_TOO_LARGE, reason))
            return
        try:
            frame = decode_client(text)
        except ProtocolError as error:
            self._malformed(str(error))
        except UsageError as error:
            self._tell(Refused(self.connection_id, refusal(error)))
        else:
            self._heed(frame)

    def received_binary(self) -> None:
        self._malformed("a binary frame: frames are text")

    def alive(self) -> None:
        self._tell(Received(self.connection_id, Pong()))

    def writable(self) -> None:
        if self.is_awaited:
            self.is_awaited = False
            self._tell(Writable(self.connection_id))

    def ending(self, within_seconds: float = math.inf) -> None:
        self._tell(Draining(within_seconds))

    def closed(self) -> None:
        self._tell(Closed(self.connection_id))

    def _malformed(self, reason: str) -> None:
        self._tell(Misbehaved(self.connection_id, CloseCode.MALFORMED, reason[:_REASON_LENGTH]))

    def _heed(self, frame: ClientFrame | UnknownFrame) -> None:
        asks = self._may_read is not None and isinstance(frame, Subscribe)
        if not asks and not self._is_asking:
            self._tell(Received(self.connection_id, frame))
            return
        try:
            self._pending.put_nowait(frame)
            self._is_asking = True
            # It waits for its turn; that the client is there is known at once.
            self.alive()
        except asyncio.QueueFull:
            reason = f"more than {_PENDING_FRAMES} frames wait for a permission"
            self._tell(Misbehaved(self.connection_id, CloseCode.TOO_MANY_FRAMES, reason))

    async def _ask(self, may_read: MayRead) -> None:
        try:
            while True:
                frame = await self._pending.get()
                if isinstance(frame, Subscribe) and not await may_read(frame.feed):
                    self._tell(Refused(self.connection_id, forbidden(frame.feed)))
                else:
                    self._tell(Received(self.connection_id, frame))
                self._is_asking = not self._pending.empty()
        except Exception:  # noqa: BLE001 the application's own function: whatever it raises
            _log.exception("authorize failed; connection %s is closed", self.connection_id)
            reason = "a permission could not be looked up"
            self._tell(Misbehaved(self.connection_id, CloseCode.INTERNAL_ERROR, reason))


def forbidden(feed: Feed) -> ErrorFrame:
    """The refusal of a feed that this client may not read."""
    return ErrorFrame(ErrorCode.FORBIDDEN, f"you may not read '{feed}'", str(feed))


async def turn_away(transport: Transport, code: int, reason: str = "") -> None:
    """Close a connection that never became a session, and wait until it is gone."""
    transport.listen(_Deaf())
    transport.close(code, reason)
    await transport.wait_closed()


class _Deaf:
    """The listener of a connection that is being closed: nothing it says matters any more."""

    max_frame_bytes = 0

    def received(self, text: str | bytes) -> None:
        """Ignored."""

    def received_binary(self) -> None:
        """Ignored."""

    def alive(self) -> None:
        """Ignored."""

    def writable(self) -> None:
        """Ignored."""

    def ending(self, within_seconds: float = math.inf) -> None:
        """Ignored: it is being closed."""

    def closed(self) -> None:
        """Ignored: whoever waits is told by `wait_closed`."""
