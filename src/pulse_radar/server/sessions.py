"""The clients of this process on their wires: written to side by side, none of them in the way of another."""

import asyncio
import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from pulse_radar.hub.inputs import Congested, Input, Misbehaved, Overflowed
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server.session import Session
from pulse_radar.server.transport import CONGESTED_BYTES, Batch

__all__ = ["Sessions"]

_log: Final = logging.getLogger("pulse_radar.server")

# So long a part of a burst may take its slowest readers; with 64 KiB in each, those have 26 Mbit/s.
_BREATH_SECONDS: Final = 0.02


class Sessions:
    """Who is connected. What becomes of a write is told: too much is unsent, or the wire failed."""

    def __init__(self, *, unsent_limit_bytes: int, tell: Callable[[Input], None]) -> None:
        self._unsent_limit_bytes = unsent_limit_bytes
        self._tell = tell
        self._members: dict[str, Session] = {}
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        # Somebody has much unsent of what was last sent.
        self._is_congested = False
        # When a burst last gave the loop time.
        self._breathed_at = 0.0

    def new_id(self) -> str:
        """Eight characters that nobody here has."""
        while True:
            connection_id = secrets.token_hex(4)
            if connection_id not in self._members:
                return connection_id

    @contextlib.contextmanager
    def with_one_more(self, session: Session) -> Iterator[None]:
        """It is one of them while the block runs."""
        self._members[session.connection_id] = session
        self._is_empty.clear()
        try:
            yield
        finally:
            session.closed()
            del self._members[session.connection_id]
            if not self._members:
                self._is_empty.set()

    async def until_empty(self) -> None:
        await self._is_empty.wait()

    def send(self, connections: Sequence[str], batch: Batch) -> None:
        """Write the batch to each of them that is still here."""
        for connection_id in connections:
            session = self._members.get(connection_id)
            if session is not None:
                self._write(session, batch)

    def await_writable(self, connection_id: str) -> None:
        """Have it tell when most of what is unsent has gone."""
        if connection_id in self._members:
            self._members[connection_id].await_writable()

    def close(self, connection_id: str, code: int, reason: str) -> None:
        if connection_id in self._members:
            self._members[connection_id].transport.close(code, reason)

    def close_all(self, code: CloseCode) -> None:
        for session in tuple(self._members.values()):
            session.transport.close(code)

    async def breathe(self) -> None:
        """Let the loop run; where somebody has much to take, no sooner after the last time than readers need.

        A stalled client costs a few such moments in all: with each of them it comes nearer to its eviction.
        """
        due = self._breathed_at + _BREATH_SECONDS if self._is_congested else 0.0
        self._is_congested = False
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self._breathed_at = time.monotonic()

    @property
    def most_unsent_bytes(self) -> int:
        """How much waits for whoever has most waiting. Cost: a look at each."""
        return max((session.transport.unsent_bytes for session in self._members.values()), default=0)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<Sessions of {len(self._members)} clients>"

    def _write(self, session: Session, batch: Batch) -> None:
        try:
            session.transport.write(batch.joined if session.reads_joined else batch)
            unsent = session.transport.unsent_bytes
        except Exception:  # noqa: BLE001 (whatever it is, it ends this client, and no other)
            _log.exception("connection %s cannot be written to and is closed", session.connection_id)
            reason = "a frame could not be written"
            self._tell(Misbehaved(session.connection_id, CloseCode.INTERNAL_ERROR, reason))
            return
        if unsent > self._unsent_limit_bytes:
            self._tell(Overflowed(session.connection_id))
        elif unsent > CONGESTED_BYTES:
            self._is_congested = True
            if not session.is_awaited:
                self._tell(Congested(session.connection_id))
