"""Clients without a network, and the process that they are in without a broker: a test says what their wires take."""

import asyncio
from collections.abc import Callable, Coroutine

from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Input
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.server.allowance import NO_FRAMES
from pulse_radar.server.batch import Batch
from pulse_radar.server.places import ConnectionBounds, Places
from pulse_radar.server.session import Session
from pulse_radar.server.sessions import Sessions
from pulse_radar.server.transport import Listener

__all__ = ["LIMIT", "Process", "StalledWire", "Wire"]

# With more unsent than this a client of such a process is evicted.
LIMIT = 1_048_576


class Wire:
    """A transport that takes all at once, unless a test says how much is unsent, or that it is broken."""

    def __init__(self, *, unsent_bytes: int = 0, is_broken: bool = False) -> None:
        self.unsent_bytes = unsent_bytes
        self.written: list[bytes] = []
        self.writes = 0
        self.closed_with: int | None = None
        self._is_broken = is_broken

    @property
    def event_count(self) -> int:
        return sum(b'"event":' in text for text in self.written)

    @property
    def events(self) -> list[EventFrame]:
        return [frame for frame in map(decode_server, self.written) if isinstance(frame, EventFrame)]

    def listen(self, listener: Listener) -> None:
        """Nothing comes from here."""

    def write(self, batch: Batch) -> int:
        if self._is_broken:
            raise ValueError("a wire of a later version")
        self.written += batch.texts
        self.writes += 1
        return self.unsent_bytes

    def close(self, code: int, reason: str = "") -> None:
        self.closed_with = code

    async def carry(self) -> None:
        """Nobody must."""


class StalledWire(Wire):
    """One that takes nothing, until a test takes all there is."""

    def write(self, batch: Batch) -> int:
        super().write(batch)
        self.unsent_bytes += len(batch.wire)
        return self.unsent_bytes


class Process:
    """The shell of sessions: what is told is kept, and sessions are forgotten as in a runner."""

    def __init__(self, *topics: str) -> None:
        self.hub = Hub(topics)
        self.told: list[Input] = []
        # Who has room for a page.
        self.asked: list[str] = []
        self.sessions = Sessions(Places(ConnectionBounds(9, 9, 9)), unsent_limit_bytes=LIMIT, tell=self.tell)

    def add(self, connection_id: str, wire: Wire) -> Session:
        session = Session(connection_id, wire, self, bounds=NO_FRAMES, visitor=None)
        self.sessions.add(session)
        return session

    def tell(self, told: Input) -> None:
        self.told.append(told)

    def forget(self, connection_id: str) -> None:
        self.sessions.remove(connection_id)

    def ask_for_turn(self, connection_id: str) -> None:
        self.asked.append(connection_id)

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        hear()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        raise AssertionError("nobody asks for anything here")
