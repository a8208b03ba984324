"""Those who take part in a contract test: one that follows a topic, one that publishes whatever happens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from itertools import count
from types import TracebackType
from typing import Final, Self

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.stream.entry import Entry
from pulse_radar.testing.broker_contract.ledger import Ledger

__all__ = ["PATIENCE_SECONDS", "Publishing", "Watcher", "draft"]

# No wait of a test is longer: generous, for machines that do other things as well.
PATIENCE_SECONDS: Final = 40.0

# Between two events of a background publisher: a test wants hundreds, not the fastest.
_PAUSE_SECONDS: Final = 0.002
_EVENT_BYTES: Final = 1_000_000


def draft(topic: str, event_id: str, *, key: str | None = None, data: bytes = b"1") -> Draft:
    return Draft(topic, "thing_happened", data, event_id, key)


class Watcher:
    """Follows a topic in the background and keeps what it is told."""

    def __init__(self, broker: Broker, topic: str, after: int) -> None:
        self._broker = broker
        self._topic = topic
        self._after = after
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.entries: list[Entry] = []

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._follow())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def reaches(self, position: int) -> list[Entry]:
        """All entries, once there is one at the position or behind it. Raises: TimeoutError."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not self.entries or self.entries[-1].last < position:
                self._changed.clear()
                await self._changed.wait()
        return self.entries

    def __repr__(self) -> str:
        return f"<Watcher of {self._topic}, {len(self.entries)} entries>"

    async def _follow(self) -> None:
        async for batch in self._broker.tail(self._topic, after=self._after):
            self.entries.extend(batch)
            self._changed.set()


class Publishing:
    """Publishes on one topic through whatever happens, and notes what was stored."""

    def __init__(self, broker: Broker, topic: str, ledger: Ledger, *, name: str = "event") -> None:
        self._topic = topic
        self._ledger = ledger
        self._ids = (f"{name}-{number}" for number in count())
        self._queue = PublishQueue(
            broker, limit=10_000, deadline_seconds=PATIENCE_SECONDS, max_event_bytes=_EVENT_BYTES
        )

    async def one(self, *, key: str | None = None) -> int:
        event = draft(self._topic, next(self._ids), key=key)
        sequence = await self._queue.publish(event)
        self._ledger.note(sequence, event.id)
        return sequence

    async def some(self, number: int, *, key: str | None = None) -> list[int]:
        """So many events, one after the other; their sequences."""
        return [await self.one(key=key) for _ in range(number)]

    async def at_once(self, number: int) -> list[int]:
        """So many events side by side; their sequences."""
        return await asyncio.gather(*(self.one() for _ in range(number)))

    @contextlib.asynccontextmanager
    async def meanwhile(self) -> AsyncIterator[None]:
        """Go on publishing while the block runs; what is under way at its end is finished, unless it failed."""
        ended = asyncio.Event()
        task = asyncio.create_task(self._until(ended))
        try:
            yield
        except BaseException:
            # A publish that waits for servers which the block left dead would hide why it failed.
            task.cancel()
            await asyncio.wait([task])
            raise
        ended.set()
        await task

    async def _until(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self.one()
            await asyncio.sleep(_PAUSE_SECONDS)
