"""The record of one ingestion: its messages, their atoms, how far it is and what is told of it, in one transaction."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_radar.durations import Duration
from pulse_radar.radar.events import IngestionProgress, IngestionStatus
from pulse_radar.radar.knowledge import Atom
from pulse_radar.radar.store.atoms import add_atoms
from pulse_radar.radar.store.messages import Key, MessageIntake, insert_new
from pulse_radar.radar.store.models import Ingestion, outbox
from pulse_radar.radar.store.store import Store
from pulse_radar.radar.telegram import TelegramMessage

__all__ = ["Batch", "Record", "add_batch", "forget_record", "open_record", "settle", "tell"]

# Of a row that is made in this very transaction, and told with it.
_NEW: Final = ""

# Between two looks at how many events wait.
_PAUSE_SECONDS: Final = 0.05


class Batch(msgspec.Struct, frozen=True):
    """The next messages of the file, the atoms in them, and the topics of those that belong to one, by their ids.

    `fallbacks`: messages that an agent was to read and could not, and why.
    """

    messages: Sequence[TelegramMessage]
    atoms: Sequence[Atom]
    topics: Mapping[str, str]
    fallbacks: int = 0
    fallback_reason: str | None = None


# What is to be told after a batch, if it is time for that: asked once it is known what was new.
Told = Callable[[], IngestionProgress | None]


class Record:
    """An ingestion as the database has it. Made by `open_record`. Raises everywhere: SQLAlchemyError, OutboxFull."""

    def __init__(self, store: Store, row: Ingestion) -> None:
        self.file: Final = row.file
        # Messages of the file that are behind it, by whomever, and how many of them it was first to bring.
        self.done = row.done
        self.added = row.added
        self.fallbacks = row.fallbacks
        self.fallback_reason = row.fallback_reason
        self._store = store
        self._id: Final = row.id
        self._intake = MessageIntake(row.id)
        # Events in the outbox, when we last wrote there.
        self._waiting = 0

    async def tell(self, progress: IngestionProgress) -> None:
        """Note the state of the ingestion, and have it told."""
        async with self._store.writing() as session:
            await tell(session, progress)

    async def add(self, batch: Batch, told: Told) -> int:
        """Add what is new of the next messages of the file; their number, or more where another worker was faster.

        All of it or nothing: the messages, their atoms, the events of both, and that they are behind us.
        """
        async with self._store.writing() as session:
            end = self.done + len(batch.messages)
            await self._catch_up(session)
            if self.done >= end:
                # The job runs twice, and the other one is ahead.
                return len(batch.messages) + self.done - end
            new = await add_batch(session, self._intake, batch)
            await self._move(session, batch, end, new)
            progress = told()
            if progress is not None:
                await tell(session, progress)
            self._waiting = await outbox.waiting(session)
        return len(batch.messages)

    async def until_published(self, most_waiting: int) -> None:
        """Wait until at most so many events wait to be published."""
        while self._waiting > most_waiting:
            await asyncio.sleep(_PAUSE_SECONDS)
            async with self._store.reading() as session:
                self._waiting = await outbox.waiting(session)

    async def _catch_up(self, session: AsyncSession) -> None:
        """See how far it is, which nobody changes until we have."""
        columns = select(Ingestion.done, Ingestion.added, Ingestion.fallbacks, Ingestion.fallback_reason)
        locked = columns.where(Ingestion.id == self._id).with_for_update()
        row = (await session.execute(locked)).one()
        self.done, self.added = row.done, row.added
        self.fallbacks, self.fallback_reason = row.fallbacks, row.fallback_reason

    async def _move(self, session: AsyncSession, batch: Batch, end: int, new: int) -> None:
        self.done, self.added = end, self.added + new
        self.fallbacks += batch.fallbacks
        self.fallback_reason = batch.fallback_reason or self.fallback_reason
        names = ("done", "added", "fallbacks", "fallback_reason")
        values = {name: getattr(self, name) for name in names}
        await session.execute(update(Ingestion).where(Ingestion.id == self._id).values(values))

    def __repr__(self) -> str:
        return f"<Record of {self._id}, {self.done} done, {self.added} added>"


async def open_record(
    store: Store, ingestion_id: str, file: str, file_mark: str | None, *, status: str = "counting"
) -> Record:
    """The record of this ingestion, from before, or new with this status. `file_mark`: what the file is like now."""
    async with store.writing() as session:
        ingestion = await _row(session, ingestion_id, file, status)
        if file_mark is not None and ingestion.file_mark != file_mark:
            # Another file under that name: all of it is read, and what is there is passed over one by one.
            ingestion.file_mark, ingestion.done = file_mark, 0
        return Record(store, ingestion)


async def settle(
    store: Store,
    ingestion_id: str,
    file: str,
    status: IngestionStatus,
    *,
    before: Collection[str],
    error: str | None = None,
) -> None:
    """Note and have it told that an ingestion came into this status, where it is in one of those `before`, or new."""
    async with store.writing() as session:
        row = await _row(session, ingestion_id, file, _NEW)
        if row.status == _NEW or row.status in before:
            await tell(session, _as_kept(row, status, error))


async def forget_record(store: Store, ingestion_id: str) -> None:
    """It did not come to an ingestion."""
    async with store.writing() as session:
        await session.execute(delete(Ingestion).where(Ingestion.id == ingestion_id))


async def add_batch(session: AsyncSession, intake: MessageIntake, batch: Batch) -> int:
    """Add the messages that are not there, and their atoms; how many they were."""
    new = await intake.add(session, batch.messages)
    await add_atoms(session, [atom for atom in batch.atoms if _is_of(atom, new)], batch.topics)
    return len(new)


async def tell(session: AsyncSession, progress: IngestionProgress, ttl: Duration | None = None) -> None:
    """Note the state of an ingestion, and have it told; it is forgotten after `ttl`."""
    values = {name: getattr(progress, name) for name in ("status", "total", "chat", "error")}
    await session.execute(update(Ingestion).where(Ingestion.id == progress.ingestion_id).values(values))
    outbox.add(session, progress, ttl=ttl)


async def _row(session: AsyncSession, ingestion_id: str, file: str, status: str) -> Ingestion:
    """The row of this ingestion, from before, or new with this file and status; locked."""
    new = {"id": ingestion_id, "file": file, "status": status}
    await session.execute(insert_new(session, Ingestion), [new])
    one = select(Ingestion).where(Ingestion.id == ingestion_id).with_for_update()
    return (await session.scalars(one)).one()


def _as_kept(row: Ingestion, status: IngestionStatus, error: str | None) -> IngestionProgress:
    """How far it is, as far as that is in the database."""
    added = min(row.added, row.done)
    return IngestionProgress(
        ingestion_id=row.id,
        status=status,
        total=row.total,
        done=row.done,
        added=added,
        skipped=row.done - added,
        chat=row.chat,
        file=row.file,
        error=error,
        fallbacks=row.fallbacks,
        fallback_reason=row.fallback_reason,
    )


def _is_of(atom: Atom, messages: Collection[Key]) -> bool:
    """Whether one of these is among its sources."""
    return any((int(atom.chat_id), int(message_id)) in messages for message_id in atom.message_ids)
