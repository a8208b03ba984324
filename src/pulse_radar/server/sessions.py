"""The clients of this process on their wires: written to side by side, none of them in the way of another."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Final

from pulse_radar.hub.inputs import Congested, Input, Misbehaved, Overflowed, Writable
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server.batch import Batch
from pulse_radar.server.places import Places
from pulse_radar.server.session import Session
from pulse_radar.server.transport import CONGESTED_BYTES
from pulse_radar.server.unwritten import Unwritten

__all__ = ["Sessions"]

_log: Final = logging.getLogger("pulse_radar.server")

# So long a part of a burst may take its slowest readers; with 64 KiB in each, those have 26 Mbit/s.
_BREATH_SECONDS: Final = 0.02

# So many groups are known at most: each is as long as it has members, and one whose members change is another one.
_GROUPS: Final = 64


class Sessions:
    """Who is connected. What becomes of a write is told: too much is unsent, or the wire failed."""

    def __init__(self, places: Places, *, unsent_limit_bytes: int, tell: Callable[[Input], None]) -> None:
        self.places: Final = places
        self._unsent_limit_bytes = unsent_limit_bytes
        self._tell = tell
        self._members: dict[str, Session] = {}
        # Groups of connections as they are here, by the identity of the tuple that the hub keeps while they last.
        self._groups: dict[int, tuple[tuple[str, ...], list[Session]]] = {}
        self._unwritten = Unwritten(self._write)
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

    def add(self, session: Session) -> None:
        """It is one of them, until it is removed."""
        self._members[session.connection_id] = session
        self.places.take(session.whose)
        self._is_empty.clear()

    def remove(self, connection_id: str) -> None:
        """It is gone."""
        session = self._members.pop(connection_id, None)
        if session is not None:
            self.places.give_back(session.whose)
            self._unwritten.forget(session)
        self._groups.clear()
        if not self._members:
            self._is_empty.set()

    async def until_empty(self) -> None:
        await self._is_empty.wait()

    def send(self, connections: tuple[str, ...], batch: Batch) -> None:
        """Write the batch to each of them that is still here, when this turn of the loop ends."""
        self._unwritten.add(self._here(connections), batch)

    def await_writable(self, connection_id: str) -> None:
        """Have it tell when most of what is unsent has gone."""
        session = self._members.get(connection_id)
        if session is not None:
            self._unwritten.write_now(session)
            session.await_writable()

    def take_turn(self, connection_id: str) -> None:
        """It is its turn for a page: give it one, unless live events have filled it up meanwhile. Then it asks anew."""
        session = self._members.get(connection_id)
        if session is None:
            return
        self._unwritten.write_now(session)
        if session.has_room:
            session.is_slow = False
            self._tell(Writable(connection_id))
        else:
            session.await_writable()

    def close(self, connection_id: str, code: int, reason: str) -> None:
        """Close it, after what was sent."""
        session = self._members.get(connection_id)
        if session is not None:
            self._unwritten.write_now(session)
            session.transport.close(code, reason)

    def close_all(self, code: CloseCode) -> None:
        for connection_id in tuple(self._members):
            self.close(connection_id, code, "")

    async def breathe(self) -> None:
        """Let the loop run; where somebody has much to take, no sooner after the last time than readers need.

        A stalled client costs a few such moments in all: with each of them it comes nearer to its eviction.
        """
        while self._unwritten.is_due:  # noqa: ASYNC110 (a turn of the loop is a slice of it)
            await asyncio.sleep(0)
        due = self._breathed_at + _BREATH_SECONDS if self._is_congested else 0.0
        self._is_congested = False
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        self._breathed_at = time.monotonic()

    def unsent_bytes(self) -> list[int]:
        """How much waits for each of them. Cost: a look at each."""
        return [session.transport.unsent_bytes for session in self._members.values()]

    def unsent_bytes_of(self, connection_id: str) -> int:
        """How much waits for this one; 0 where it is gone."""
        session = self._members.get(connection_id)
        return 0 if session is None else session.transport.unsent_bytes

    def __contains__(self, connection_id: str) -> bool:
        return connection_id in self._members

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<Sessions of {len(self._members)} clients>"

    def _here(self, connections: tuple[str, ...]) -> list[Session]:
        """The sessions of these connections, those that are gone left out."""
        known = self._groups.get(id(connections))
        if known is not None:
            return known[1]
        members = self._members
        sessions = [members[connection_id] for connection_id in connections if connection_id in members]
        if len(sessions) > 1:
            if len(self._groups) == _GROUPS:
                del self._groups[next(iter(self._groups))]
            self._groups[id(connections)] = connections, sessions
        return sessions

    def _write(self, sessions: Iterable[Session], batch: Batch) -> None:
        # This loop is what a delivery costs: it holds no call that need not be in it.
        for session in sessions:
            try:
                unsent = session.transport.write(batch.joined if session.reads_joined else batch)
            except Exception:  # noqa: BLE001 (whatever it is, it ends this client, and no other)
                self._broke(session)
            else:
                if unsent > CONGESTED_BYTES:
                    self._slowed(session, unsent)

    def _broke(self, session: Session) -> None:
        _log.exception("connection %s cannot be written to and is closed", session.connection_id)
        reason = "a frame could not be written"
        self._tell(Misbehaved(session.connection_id, CloseCode.INTERNAL_ERROR, reason))

    def _slowed(self, session: Session, unsent: int) -> None:
        if unsent > self._unsent_limit_bytes:
            self._tell(Overflowed(session.connection_id))
            return
        self._is_congested = True
        # That a page of a replay is what it is slow with says nothing of what else comes: that has to become less, too.
        if not session.is_slow:
            session.is_slow = True
            self._tell(Congested(session.connection_id))
