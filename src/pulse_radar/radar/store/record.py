"""The record of one ingestion: its messages, their atoms, how far it is and what is told of it, in one transaction."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Select, and_, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_radar.radar.events import IngestionProgress
from pulse_radar.radar.knowledge import Atom
from pulse_radar.radar.store import models
from pulse_radar.radar.store.atoms import add_atoms, table_of
from pulse_radar.radar.store.models import Base, Ingestion, Message, outbox
from pulse_radar.radar.store.store import Store
from pulse_radar.radar.telegram import Chat, TelegramMessage

__all__ = ["Batch", "Record", "open_record"]

# Between two looks at how many events wait.
_PAUSE_SECONDS: Final = 0.05


class Batch(msgspec.Struct, frozen=True):
    """The next messages of the file, the atoms in them, and the topics of those that belong to one, by their ids."""

    messages: Sequence[TelegramMessage]
    atoms: Sequence[Atom]
    topics: Mapping[str, str]


# What is to be told after a batch, if it is time for that: asked once it is known what was new.
Told = Callable[[], IngestionProgress | None]


class Record:
    """An ingestion as the database has it. Made by `open_record`. Raises everywhere: SQLAlchemyError, OutboxFull."""

    def __init__(self, store: Store, ingestion_id: str, file: str, done: int, added: int) -> None:
        self.file: Final = file
        # Messages of the file that are behind it, by whomever, and how many of them it was first to bring.
        self.done = done
        self.added = added
        self._store = store
        self._id: Final = ingestion_id
        # Chats that are in the database, under the name that they have here.
        self._chats: set[int] = set()
        # Events in the outbox, when we last wrote there.
        self._waiting = 0

    async def tell(self, progress: IngestionProgress) -> None:
        """Note the state of the ingestion, and have it told."""
        async with self._store.writing() as session:
            await self._tell(session, progress)

    async def add(self, batch: Batch, told: Told) -> int:
        """Add what is new of the next messages of the file; their number, or more where another worker was faster.

        All of it or nothing: the messages, their atoms, the events of both, and that they are behind us.
        """
        async with self._store.writing() as session:
            done, added = await self._locked(session)
            end = self.done + len(batch.messages)
            if done >= end:
                # The job runs twice, and the other one is ahead.
                self.done, self.added = done, added
                return len(batch.messages) + done - end
            new = await self._add_messages(session, batch.messages)
            await add_atoms(session, [a for a in batch.atoms if _is_of(a, new)], batch.topics)
            self.done, self.added = end, added + len(new)
            await self._move(session)
            progress = told()
            if progress is not None:
                await self._tell(session, progress)
            self._waiting = await outbox.waiting(session)
        return len(batch.messages)

    async def until_published(self, most_waiting: int) -> None:
        """Wait until at most so many events wait to be published."""
        while self._waiting > most_waiting:
            await asyncio.sleep(_PAUSE_SECONDS)
            async with self._store.reading() as session:
                self._waiting = await outbox.waiting(session)

    async def _locked(self, session: AsyncSession) -> tuple[int, int]:
        """How far it is, which nobody changes until we have."""
        columns = select(Ingestion.done, Ingestion.added).where(Ingestion.id == self._id)
        row = (await session.execute(columns.with_for_update())).one()
        return row.done, row.added

    async def _add_messages(
        self, session: AsyncSession, messages: Sequence[TelegramMessage]
    ) -> set[tuple[int, int]]:
        """Those that were not there, by chat and id."""
        chats = {message.chat.id: message.chat for message in messages}
        await self._lock_chats(session, chats)
        by_key = {_key(message): message for message in messages}
        for row in await session.execute(_those_there(by_key)):
            del by_key[row.chat_id, row.id]
        if by_key:
            await session.execute(insert(table_of(Message)), [self._row(m) for m in by_key.values()])
        return set(by_key)

    async def _lock_chats(self, session: AsyncSession, chats: Mapping[int, Chat]) -> None:
        """Let nobody else add messages to these chats until we have: what is not there now, is ours to add."""
        # SQLite lets nobody else write anything.
        locks = session.get_bind().dialect.name != "sqlite"
        # All in one order, new or known, so that two who lock several never wait for each other in a circle.
        for chat_id, chat in sorted(chats.items()):
            one = models.Chat.id == chat_id
            if chat_id not in self._chats:
                row = {"id": chat_id, "name": chat.name, "kind": chat.kind}
                await session.execute(_new_ones(session, models.Chat), [row])
                await session.execute(update(models.Chat).where(one).values(row))
                self._chats.add(chat_id)
            elif locks:
                await session.execute(select(models.Chat.id).where(one).with_for_update())

    async def _move(self, session: AsyncSession) -> None:
        values = {"done": self.done, "added": self.added}
        await session.execute(update(Ingestion).where(Ingestion.id == self._id).values(values))

    async def _tell(self, session: AsyncSession, progress: IngestionProgress) -> None:
        values = {name: getattr(progress, name) for name in ("status", "total", "chat", "error")}
        await session.execute(update(Ingestion).where(Ingestion.id == self._id).values(values))
        outbox.add(session, progress)

    def _row(self, message: TelegramMessage) -> dict[str, Any]:
        return {
            "chat_id": message.chat.id,
            "id": message.id,
            "kind": message.kind.value,
            "date": message.date,
            "sender": message.sender or message.author,
            "sender_id": message.sender_id,
            "reply_to": message.reply_to,
            "text": message.text,
            "ingestion_id": self._id,
        }

    def __repr__(self) -> str:
        return f"<Record of {self._id}, {self.done} done, {self.added} added>"


async def open_record(
    store: Store, ingestion_id: str, file: str, file_mark: str | None, *, status: str = "counting"
) -> Record:
    """The record of this ingestion, from before, or new with this status. `file_mark`: what the file is like now."""
    async with store.writing() as session:
        row = {"id": ingestion_id, "file": file, "status": status, "done": 0, "added": 0}
        await session.execute(_new_ones(session, Ingestion), [row])
        one = select(Ingestion).where(Ingestion.id == ingestion_id).with_for_update()
        ingestion = (await session.scalars(one)).one()
        if file_mark is not None and ingestion.file_mark != file_mark:
            # Another file under that name: all of it is read, and what is there is passed over one by one.
            ingestion.file_mark, ingestion.done = file_mark, 0
        return Record(store, ingestion_id, ingestion.file, ingestion.done, ingestion.added)


def _key(message: TelegramMessage) -> tuple[int, int]:
    return message.chat.id, message.id


def _is_of(atom: Atom, messages: Collection[tuple[int, int]]) -> bool:
    """Whether one of these is among its sources."""
    return any((int(atom.chat_id), int(message_id)) in messages for message_id in atom.message_ids)


def _those_there(keys: Iterable[tuple[int, int]]) -> Select[int, int]:
    """Which of these messages are in the database."""
    ids: dict[int, list[int]] = {}
    for chat_id, message_id in keys:
        ids.setdefault(chat_id, []).append(message_id)
    in_chats = [and_(Message.chat_id == chat_id, Message.id.in_(some)) for chat_id, some in ids.items()]
    return select(Message.chat_id, Message.id).where(or_(*in_chats))


def _new_ones(session: AsyncSession, model: type[Base]) -> Any:
    """An insert that passes over what is there."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(model).on_conflict_do_nothing()
