"""One client on its wire: what it sends becomes inputs of the hub, in order."""

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Final, Protocol

from fastapi import HTTPException

from pulse_radar.errors import ProtocolError, UsageError
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Closed, Draining, Input, Misbehaved, Received, Refused, Renewed
from pulse_radar.hub.limits import PENDING_FRAMES
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
from pulse_radar.server.allowance import FrameBounds
from pulse_radar.server.hooks import HookTooSlow
from pulse_radar.server.places import NOBODY, Whose
from pulse_radar.server.transport import LOW_WATER_BYTES, Transport
from pulse_radar.server.visitor import Visitor

__all__ = ["Session", "Shell", "forbidden"]

_log: Final = logging.getLogger("pulse_radar.server")

# A close reason has at most 123 bytes (RFC 6455, section 5.5).
_REASON_LENGTH: Final = 120


class Shell(Protocol):
    """What a session needs of the process that it is in."""

    @property
    def hub(self) -> Hub:
        """Only asked what it serves."""

    def tell(self, told: Input) -> None:
        """Give the hub a fact."""

    def forget(self, connection_id: str) -> None:
        """This connection is gone."""

    def ask_for_turn(self, connection_id: str) -> None:
        """This one has room for its next page: let it have one when it is its turn."""

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        """It said something: call this when it is its turn, which may be now."""

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Do this beside all else."""


class Session:
    """A client of this process: the `Listener` of its transport, a voice at the hub."""

    __slots__ = (
        "_asking",
        "_pending",
        "_shell",
        "_visitor",
        "allowance",
        "connection_id",
        "is_awaited",
        "is_slow",
        "max_frame_bytes",
        "reads_joined",
        "transport",
        "whose",
    )

    def __init__(
        self,
        connection_id: str,
        transport: Transport,
        shell: Shell,
        *,
        bounds: FrameBounds,
        visitor: Visitor | None,
        whose: Whose = NOBODY,
        reads_joined: bool = False,
    ) -> None:
        """`visitor`: None, where no frames can come. `reads_joined`: it takes several frames in one message."""
        self.connection_id = connection_id
        self.transport = transport
        self._shell = shell
        self.reads_joined = reads_joined
        self.max_frame_bytes = bounds.max_bytes
        self.allowance = bounds.allowance(time.monotonic())
        self._visitor = visitor
        self.whose = whose
        # The hub asked to be told when most is written.
        self.is_awaited = False
        # It was told that it is slow, and has not been told to have room since.
        self.is_slow = False
        # Frames behind one that is being looked up: order is kept. None: there is none.
        self._pending: deque[ClientFrame | UnknownFrame] | None = None
        # Looks them up, one after the other, while there are any.
        self._asking: asyncio.Task[None] | None = None

    def await_writable(self) -> None:
        """Tell the hub once no more than the low-water mark is unsent."""
        self.is_awaited = True
        if self.has_room:
            self.writable()

    @property
    def has_room(self) -> bool:
        """Whether the next page of a replay may be written."""
        return self.transport.unsent_bytes <= LOW_WATER_BYTES

    # What the transport says.

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        self._shell.hear_in_turn(hear)

    def received(self, text: str | bytes) -> None:
        size = len(text.encode(errors="replace")) if isinstance(text, str) else len(text)
        if size > self.max_frame_bytes:
            self.too_long(size)
            return
        try:
            frame = decode_client(text)
        except ProtocolError as error:
            self._malformed(str(error))
        except UsageError as error:
            self._shell.tell(Refused(self.connection_id, refusal(error)))
        else:
            self._heed(frame)

    def too_long(self, size: int) -> None:
        reason = f"a frame of {size} bytes, at most {self.max_frame_bytes} bytes are allowed"
        self._shell.tell(Misbehaved(self.connection_id, CloseCode.FRAME_TOO_LARGE, reason))

    def too_many(self) -> None:
        reason = "more frames than a client may send"
        self._shell.tell(Misbehaved(self.connection_id, CloseCode.TOO_MANY_FRAMES, reason))

    def received_binary(self) -> None:
        self._malformed("a binary frame: frames are text")

    def alive(self) -> None:
        self._shell.tell(Received(self.connection_id, Pong()))

    def writable(self) -> None:
        if self.is_awaited:
            self.is_awaited = False
            self._shell.ask_for_turn(self.connection_id)

    def ending(self, within_seconds: float = math.inf) -> None:
        self._shell.tell(Draining(within_seconds))

    def closed(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        self._shell.tell(Closed(self.connection_id))
        self._shell.forget(self.connection_id)

    def __repr__(self) -> str:
        waiting = f", {len(self._pending)} frames wait for the app" if self._pending else ""
        slow = ", slow" if self.is_slow else ""
        return f"<Session {self.connection_id}, {self.transport.unsent_bytes} bytes unsent{slow}{waiting}>"

    def _malformed(self, reason: str) -> None:
        self._shell.tell(Misbehaved(self.connection_id, CloseCode.MALFORMED, reason[:_REASON_LENGTH]))

    def _heed(self, frame: ClientFrame | UnknownFrame) -> None:
        if self._pending is None:
            if self._visitor is None or not _asks(self._visitor, frame):
                self._shell.tell(Received(self.connection_id, frame))
                return
            self._pending = deque()
            self._asking = self._shell.start(self._ask(self._visitor, self._pending))
        if len(self._pending) >= PENDING_FRAMES:
            reason = f"more than {PENDING_FRAMES} frames wait for a permission"
            self._shell.tell(Misbehaved(self.connection_id, CloseCode.TOO_MANY_FRAMES, reason))
            return
        self._pending.append(frame)
        # It waits for its turn; that the client is there is known at once.
        self.alive()

    async def _ask(self, visitor: Visitor, pending: deque[ClientFrame | UnknownFrame]) -> None:
        try:
            while pending:
                match pending[0]:
                    case Authenticate(token):
                        told: Input = await self._renew(visitor, token)
                        visitor = self._visitor or visitor
                    case Subscribe(feed) if not await visitor.readable([feed], self._shell.hub.topics):
                        told = Refused(self.connection_id, forbidden(feed))
                    case frame:
                        told = Received(self.connection_id, frame)
                self._shell.tell(told)
                # Only now: what comes meanwhile gets in line behind it.
                pending.popleft()
        except HookTooSlow:
            self._shell.tell(Misbehaved(self.connection_id, CloseCode.TRY_AGAIN_LATER, ""))
        except Exception:  # noqa: BLE001 the app's own function: whatever it raises
            _log.exception("a hook of the app failed; connection %s is closed", self.connection_id)
            reason = "a permission could not be looked up"
            self._shell.tell(Misbehaved(self.connection_id, CloseCode.INTERNAL_ERROR, reason))
        finally:
            self._pending = self._asking = None

    async def _renew(self, visitor: Visitor, token: str) -> Renewed | Refused:
        try:
            renewed = await visitor.renewed(token)
        except HookTooSlow:
            raise
        except HTTPException as error:
            # The old ones count until their end.
            refused = ErrorFrame(ErrorCode.UNAUTHENTICATED, str(error.detail)[:_REASON_LENGTH])
            return Refused(self.connection_id, refused)
        followed = self._shell.hub.followed_by(self.connection_id)
        readable = await renewed.readable(followed, self._shell.hub.topics)
        self._visitor = renewed
        lost = tuple(feed for feed in followed if feed not in readable)
        return Renewed(self.connection_id, renewed.deadline, renewed.expires_at, lost)


def _asks(visitor: Visitor, frame: ClientFrame | UnknownFrame) -> bool:
    """Whether the app is asked about this frame."""
    return isinstance(frame, Authenticate) or (isinstance(frame, Subscribe) and not visitor.reads_all)


def forbidden(feed: Feed) -> ErrorFrame:
    """The refusal of a feed that this client may not read."""
    return ErrorFrame(ErrorCode.FORBIDDEN, f"you may not read '{feed}'", str(feed))
