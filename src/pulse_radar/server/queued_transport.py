"""A transport over ASGI, which can only wait for a write: a queue, and a writer that empties it."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable

from pulse_radar.server.batch import Batch
from pulse_radar.server.cutoff import CLOSE_SECONDS
from pulse_radar.server.transport import LOW_WATER_BYTES, Listener

__all__ = ["QueuedTransport"]


class QueuedTransport(ABC):
    """A `Transport` but for what differs from one kind of connection to the other."""

    def __init__(self) -> None:
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

    def write(self, batch: Batch) -> int:
        if self._closing is None:
            for part in self._encode(batch):
                self._unsent.append(part)
                self._unsent_bytes += len(part)
            self._wanted.set()
        return self._unsent_bytes

    def close(self, code: int, reason: str = "") -> None:
        if self._closing is None:
            self._closing = (code, reason)
            self._wanted.set()
            self._close_begun.set()

    async def carry(self) -> None:
        """Carry the connection until it is gone: reading, writing, and closing in bounded time."""
        tasks = [asyncio.ensure_future(work) for work in (self._read(), self._write(), self._give_up())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            try:
                # Not gather: it would swallow the message of a cancellation that comes now, which anyio needs.
                await asyncio.wait(tasks)
            finally:
                # A second cancellation may have come.
                self._closing = self._closing or (1006, "")
                self._listener.closed()
        for task in tasks:
            error = None if task.cancelled() else task.exception()
            if error is not None and not self._is_end(error):
                raise error

    # What differs.

    @abstractmethod
    def _encode(self, batch: Batch) -> Iterable[bytes]:
        """The batch in parts that are each written at once."""

    @abstractmethod
    async def _read(self) -> None:
        """Hand on what the peer says, and return when it is gone."""

    @abstractmethod
    async def _send(self, part: bytes) -> None:
        """Write one part; return when there is room for another."""

    @abstractmethod
    async def _finish(self, code: int, reason: str) -> None:
        """Say why it ends, and end it."""

    @abstractmethod
    def _cut_off(self) -> None:
        """The peer no longer reads: drop it, where that is possible."""

    def _is_end(self, _error: BaseException) -> bool:
        """Whether this error only says that the peer is gone."""
        return False

    # What does not.

    async def _write(self) -> None:
        while self._closing is None or self._unsent:
            if not self._unsent:
                self._wanted.clear()
                await self._wanted.wait()
                continue
            part = self._unsent.popleft()
            await self._send(part)
            self._sent(len(part))
        await self._finish(*self._closing)

    def _sent(self, count: int) -> None:
        was_above = self._unsent_bytes > LOW_WATER_BYTES
        self._unsent_bytes -= count
        if was_above and self._unsent_bytes <= LOW_WATER_BYTES:
            self._listener.writable()

    async def _give_up(self) -> None:
        await self._close_begun.wait()
        await asyncio.sleep(CLOSE_SECONDS)
        self._cut_off()
