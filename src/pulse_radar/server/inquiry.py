"""Frames that the app is asked about, one after the other, and all that came behind them: order is kept."""

import logging
from collections import deque
from collections.abc import Callable
from typing import Final

from fastapi import HTTPException

from pulse_radar.hub.inputs import Input, Misbehaved, Received, Refused, Renewed
from pulse_radar.hub.limits import PENDING_FRAMES
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import (
    Authenticate,
    ClientFrame,
    ErrorCode,
    ErrorFrame,
    Subscribe,
    UnknownFrame,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.hooks import HookTooSlow
from pulse_radar.server.shell import Shell
from pulse_radar.server.visitor import Visitor

__all__ = ["REASON_LENGTH", "Inquiry", "asks", "forbidden"]

_log: Final = logging.getLogger("pulse_radar.server")

# So much of what somebody else says is passed on: in bytes a close reason has at most 123 (RFC 6455, section 5.5).
REASON_LENGTH: Final = 120


class Inquiry:
    """Those of one connection, from the first that is asked about until none waits any more."""

    __slots__ = ("_connection_id", "_over", "_pending", "_shell", "_task", "_visitor")

    def __init__(
        self, connection_id: str, visitor: Visitor, shell: Shell, over: Callable[[Visitor], None]
    ) -> None:
        """`over` is told who the visitor is then: it may have shown fresh credentials."""
        self._connection_id = connection_id
        self._visitor = visitor
        self._shell = shell
        self._over = over
        self._pending: deque[ClientFrame | UnknownFrame] = deque()
        self._task = shell.start(self._ask_all())

    def add(self, frame: ClientFrame | UnknownFrame) -> bool:
        """Ask about it, or tell of it, in its turn; whether there was room for it."""
        if len(self._pending) >= PENDING_FRAMES:
            reason = f"more than {PENDING_FRAMES} frames wait for a permission"
            self._shell.tell(Misbehaved(self._connection_id, CloseCode.TOO_MANY_FRAMES, reason))
            return False
        self._pending.append(frame)
        return True

    def cancel(self) -> None:
        self._task.cancel()

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._pending)

    def __repr__(self) -> str:
        return f"<Inquiry of {self._connection_id}, {len(self)} frames wait>"

    async def _ask_all(self) -> None:
        try:
            while self._pending:
                self._shell.tell(await self._answer(self._pending[0]))
                # Only now: what comes meanwhile gets in line behind it.
                self._pending.popleft()
        except HookTooSlow:
            self._shell.tell(Misbehaved(self._connection_id, CloseCode.TRY_AGAIN_LATER, ""))
        except Exception:  # noqa: BLE001 the app's own function: whatever it raises
            _log.exception("a hook of the app failed; connection %s is closed", self._connection_id)
            reason = "a permission could not be looked up"
            self._shell.tell(Misbehaved(self._connection_id, CloseCode.INTERNAL_ERROR, reason))
        finally:
            self._over(self._visitor)

    async def _answer(self, frame: ClientFrame | UnknownFrame) -> Input:
        """What the hub is told of it."""
        match frame:
            case Authenticate(token):
                return await self._renew(token)
            case Subscribe(feed) if not await self._visitor.readable([feed], self._shell.hub.topics):
                return Refused(self._connection_id, forbidden(feed))
            case _:
                return Received(self._connection_id, frame)

    async def _renew(self, token: str) -> Renewed | Refused:
        try:
            renewed = await self._visitor.renewed(token)
        except HookTooSlow:
            raise
        except HTTPException as error:
            # The old ones count until their end.
            refused = ErrorFrame(ErrorCode.UNAUTHENTICATED, str(error.detail)[:REASON_LENGTH])
            return Refused(self._connection_id, refused)
        followed = self._shell.hub.followed_by(self._connection_id)
        readable = await renewed.readable(followed, self._shell.hub.topics)
        self._visitor = renewed
        lost = tuple(feed for feed in followed if feed not in readable)
        return Renewed(self._connection_id, renewed.deadline, renewed.expires_at, lost)


def asks(visitor: Visitor, frame: ClientFrame | UnknownFrame) -> bool:
    """Whether the app is asked about this frame."""
    return isinstance(frame, Authenticate) or (isinstance(frame, Subscribe) and not visitor.reads_all)


def forbidden(feed: Feed) -> ErrorFrame:
    """The refusal of a feed that this client may not read."""
    return ErrorFrame(ErrorCode.FORBIDDEN, f"you may not read '{feed}'", str(feed))
