"""Steps on their way from the connection to whoever iterates: bounded, so that a slow reader slows the sender."""

import asyncio
from collections import deque
from collections.abc import Iterable

from pulse_radar.client.steps import Step

__all__ = ["Buffer"]


class Buffer:
    """A queue that counts bytes: one who writes and waits for room, and those who take, in order.

    What is put is always taken in, so that a frame need not be split; whoever writes asks for room before.
    """

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._steps: deque[tuple[Step, int]] = deque()
        self._bytes = 0
        # Why there will be no more; the error is raised when all before it is taken.
        self._end: BaseException | None = None
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()

    @property
    def waiting_bytes(self) -> int:
        return self._bytes

    @property
    def has_room(self) -> bool:
        return self._bytes < self._limit_bytes

    @property
    def end(self) -> BaseException | None:
        """What it ended with, None while it goes on."""
        return self._end

    def put(self, steps: Iterable[Step], size: int) -> None:
        """Add what a text of `size` bytes led to."""
        for step in steps:
            self._steps.append((step, size))
            self._bytes += size
            # Once for all that one text led to.
            size = 0
            self._filled.set()

    def close(self, end: BaseException) -> None:
        """Nothing more will come. What waits is still taken, and then `end` raised."""
        self._end = end
        self._filled.set()

    async def wait_room(self) -> None:
        while not self.has_room:
            self._emptied.clear()
            await self._emptied.wait()

    async def take(self) -> Step:
        """The next step. Raises: what it was closed with. Cancel: loses nothing."""
        while not self._steps:
            if self._end is not None:
                raise self._end
            self._filled.clear()
            await self._filled.wait()
        step, size = self._steps.popleft()
        self._bytes -= size
        self._emptied.set()
        return step

    def __repr__(self) -> str:
        return f"<Buffer of {len(self._steps)} steps, {self._bytes} of {self._limit_bytes} bytes>"
