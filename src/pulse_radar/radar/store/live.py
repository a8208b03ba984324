"""What a bot hears, in the database: its messages, their atoms and where it goes on, in one transaction."""

import asyncio
from collections.abc import Callable
from typing import Final

from sqlalchemy import select, update

from pulse_radar.radar.events import IngestionProgress
from pulse_radar.radar.store.messages import MessageIntake, insert_new
from pulse_radar.radar.store.models import Ingestion, outbox
from pulse_radar.radar.store.record import Batch, add_batch, tell
from pulse_radar.radar.store.store import Store

__all__ = ["LiveRecord", "open_live_record"]

# What is told of it is forgotten when it is not told again for so long: nobody else says that it was killed.
_TTL: Final = "2m"

# Events that may wait in the outbox before we wait for whoever publishes them, and between two looks.
_MOST_WAITING: Final = 5_000
_PAUSE_SECONDS: Final = 0.05


class LiveRecord:
    """A source without an end, as the database has it. Made by `open_live_record`.

    Raises everywhere: SQLAlchemyError, OutboxFull.
    """

    def __init__(self, store: Store, row: Ingestion) -> None:
        # Messages that were heard, and how many of them nobody had brought before.
        self.done = row.done
        self.added = row.added
        # Of them, what an agent left to the default extraction, and why, the last time.
        self.fallbacks = row.fallbacks
        self.fallback_reason = row.fallback_reason
        self.next_update = row.next_update
        self._store = store
        self._id: Final = row.id
        self._intake = MessageIntake(row.id)

    async def add(self, batch: Batch, next_update: int, told: Callable[[], IngestionProgress]) -> None:
        """Add what is new among these messages, and go on at this update. All of it or nothing.

        Which messages are new is said by their ids alone: the numbers of updates begin anew after a quiet week.
        """
        async with self._store.writing() as session:
            new = await add_batch(session, self._intake, batch)
            self.done, self.added = self.done + len(batch.messages), self.added + new
            self.fallbacks += batch.fallbacks
            self.fallback_reason = batch.fallback_reason or self.fallback_reason
            self.next_update = next_update
            names = ("done", "added", "fallbacks", "fallback_reason", "next_update")
            values = {name: getattr(self, name) for name in names}
            await session.execute(update(Ingestion).where(Ingestion.id == self._id).values(values))
            await tell(session, told(), _TTL)
        await self._until_published()

    async def tell(self, progress: IngestionProgress) -> None:
        """Note the state of the source, and have it told; while it is running, for a while."""
        async with self._store.writing() as session:
            await tell(session, progress, _TTL if progress.status == "running" else None)

    async def _until_published(self) -> None:
        while True:
            async with self._store.reading() as session:
                if await outbox.waiting(session) <= _MOST_WAITING:
                    return
            await asyncio.sleep(_PAUSE_SECONDS)

    def __repr__(self) -> str:
        return f"<LiveRecord of {self._id}, {self.added} added>"


async def open_live_record(store: Store, ingestion_id: str, name: str) -> LiveRecord:
    """The record of this source, from before or new."""
    async with store.writing() as session:
        row = {"id": ingestion_id, "file": name, "status": "running"}
        await session.execute(insert_new(session, Ingestion), [row])
        ingestion = (await session.scalars(select(Ingestion).where(Ingestion.id == ingestion_id))).one()
        ingestion.file = name
        return LiveRecord(store, ingestion)
