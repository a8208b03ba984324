"""One client on its wire: what it sends becomes inputs of the hub, in order."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Final

from fastapi import HTTPException

from pulse_radar.errors import ProtocolError, UsageError
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Closed, Draining, Input, Misbehaved, Received, Refused, Renewed, Writable
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec import decode_client
from pulse_radar.protocol.cursor import refusal
from pulse_radar.protocol.frames import (
    Authenticate,
    ClientFrame,
    ErrorCode,
    ErrorFrame,
    Pong,
    Subscribe,
    UnknownFrame,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.transport import LOW_WATER_BYTES, Transport
from pulse_radar.server.visitor import Visitor

__all__ = ["Session", "forbidden", "turn_away"]

_log: Final = logging.getLogger("pulse_radar.server")

# A close reason has at most 123 bytes (RFC 6455, section 5.5).
_REASON_LENGTH: Final = 120

# Frames of one client that wait while its rights or its credentials are being looked up.
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
        hub: Hub,
        visitor: Visitor | None,
        reads_joined: bool = False,
    ) -> None:
        """`hub` is only asked what it serves this client. `visitor`: None, where no frames can come.

        `reads_joined`: it takes several frames in one message.
        """
        self.connection_id = connection_id
        self.transport = transport
        self.reads_joined = reads_joined
        self._tell = tell
        self.max_frame_bytes = max_frame_bytes
        self._hub = hub
        self._visitor = visitor
        # The hub asked to be told when most is written.
        self.is_awaited = False
        # Frames behind one that is being looked up: order is kept.
        self._pending: deque[ClientFrame | UnknownFrame] = deque()
        # Looks them up, one after the other, while there are any.
        self._asking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Carry the connection until it is gone."""
        try:
            await self.transport.wait_closed()
        finally:
            if self._asking is not None:
                self._asking.cancel()
                await asyncio.gather(self._asking, return_exceptions=True)

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
        if not self._pending and (self._visitor is None or not _asks(self._visitor, frame)):
            self._tell(Received(self.connection_id, frame))
        elif len(self._pending) >= _PENDING_FRAMES:
            reason = f"more than {_PENDING_FRAMES} frames wait for a permission"
            self._tell(Misbehaved(self.connection_id, CloseCode.TOO_MANY_FRAMES, reason))
        else:
            self._pending.append(frame)
            # It waits for its turn; that the client is there is known at once.
            self.alive()
            if self._asking is None or self._asking.done():
                self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        assert self._visitor is not None, "frames wait only where somebody is asked"
        try:
            while self._pending:
                match self._pending[0]:
                    case Authenticate(token):
                        told: Input = await self._renew(self._visitor, token)
                    case Subscribe(feed) if not await self._visitor.readable([feed], self._hub.topics):
                        told = Refused(self.connection_id, forbidden(feed))
                    case frame:
                        told = Received(self.connection_id, frame)
                self._tell(told)
                # Only now: what comes meanwhile gets in line behind it.
                self._pending.popleft()
        except Exception:  # noqa: BLE001 the app's own function: whatever it raises
            _log.exception("a hook of the app failed; connection %s is closed", self.connection_id)
            reason = "a permission could not be looked up"
            self._tell(Misbehaved(self.connection_id, CloseCode.INTERNAL_ERROR, reason))

    async def _renew(self, visitor: Visitor, token: str) -> Renewed | Refused:
        try:
            renewed = await visitor.renewed(token)
        except HTTPException as error:
            # The old ones count until their end.
            refused = ErrorFrame(ErrorCode.UNAUTHENTICATED, str(error.detail)[:_REASON_LENGTH])
            return Refused(self.connection_id, refused)
        followed = self._hub.followed_by(self.connection_id)
        readable = await renewed.readable(followed, self._hub.topics)
        self._visitor = renewed
        lost = tuple(feed for feed in followed if feed not in readable)
        return Renewed(self.connection_id, renewed.deadline, renewed.expires_at, lost)


def _asks(visitor: Visitor, frame: ClientFrame | UnknownFrame) -> bool:
    """Whether the app is asked about this frame."""
    return isinstance(frame, Authenticate) or (isinstance(frame, Subscribe) and not visitor.reads_all)


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
