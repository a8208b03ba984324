"""Messages into the database: each once, whoever brings it, and whoever else brings it at the same time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Select, and_, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_radar.radar.store import models
from pulse_radar.radar.store.atoms import table_of
from pulse_radar.radar.store.models import Base, Message
from pulse_radar.radar.telegram import Chat, TelegramMessage

__all__ = ["Key", "MessageIntake", "insert_new", "unknown_of"]

# A chat, and a message in it.
Key: TypeAlias = tuple[int, int]


class MessageIntake:
    """Adds the messages of one ingestion."""

    def __init__(self, ingestion_id: str) -> None:
        self._id: Final = ingestion_id
        # Chats that are in the database, under the name that they have here.
        self._chats: set[int] = set()

    async def add(self, session: AsyncSession, messages: Sequence[TelegramMessage]) -> set[Key]:
        """Those that were not there. Their chats are locked until the transaction ends."""
        await self._lock_chats(session, {message.chat.id: message.chat for message in messages})
        new = {_key(message): message for message in await unknown_of(session, messages)}
        if new:
            await session.execute(insert(table_of(Message)), [self._row(message) for message in new.values()])
        return set(new)

    async def _lock_chats(self, session: AsyncSession, chats: Mapping[int, Chat]) -> None:
        """Let nobody else add messages to these chats until we have: what is not there now, is ours to add."""
        # SQLite lets nobody else write anything.
        locks = session.get_bind().dialect.name != "sqlite"
        # All in one order, new or known, so that two who lock several never wait for each other in a circle.
        for chat_id, chat in sorted(chats.items()):
            one = models.Chat.id == chat_id
            if chat_id not in self._chats:
                row = {"id": chat_id, "name": chat.name, "kind": chat.kind}
                await session.execute(insert_new(session, models.Chat), [row])
                await session.execute(update(models.Chat).where(one).values(row))
                self._chats.add(chat_id)
            elif locks:
                await session.execute(select(models.Chat.id).where(one).with_for_update())

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
        return f"<MessageIntake of {self._id}, {len(self._chats)} chats>"


async def unknown_of(session: AsyncSession, messages: Iterable[TelegramMessage]) -> list[TelegramMessage]:
    """Those of these messages that are not in the database, each once; of two with one id the later one."""
    by_key = {_key(message): message for message in messages}
    if not by_key:
        return []
    for row in await session.execute(_those_there(by_key)):
        del by_key[row.chat_id, row.id]
    return list(by_key.values())


def insert_new(session: AsyncSession, model: type[Base]) -> Any:
    """An insert that passes over what is there."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    return dialect.insert(model).on_conflict_do_nothing()


def _key(message: TelegramMessage) -> Key:
    return message.chat.id, message.id


def _those_there(keys: Iterable[Key]) -> Select[int, int]:
    """Which of these messages are in the database."""
    ids: dict[int, list[int]] = {}
    for chat_id, message_id in keys:
        ids.setdefault(chat_id, []).append(message_id)
    in_chats = [and_(Message.chat_id == chat_id, Message.id.in_(some)) for chat_id, some in ids.items()]
    return select(Message.chat_id, Message.id).where(or_(*in_chats))
