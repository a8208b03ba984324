"""On PostgreSQL two ingestions of the same chats wait for each other in a line, and never in a circle."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy import select, text

from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Store, models, open_store
from pulse_radar.radar.store.messages import MessageIntake
from pulse_radar.radar.telegram import Chat, TelegramMessage
from pulse_radar.settings import Settings
from tests.postgres import PostgresServer, needs_postgres
from tests.radar.knowledge.messages import message

pytestmark = needs_postgres

PATIENCE = 60.0


@pytest.fixture
async def store(postgres: PostgresServer) -> AsyncIterator[Store]:
    async with open_store(Settings.load(), RadarSettings.load(database=postgres.database())) as store:
        yield store


def in_chats(*chats: int) -> list[TelegramMessage]:
    """A new message in each of these, in this order."""
    return [message("hello", id=1, chat=Chat(chat)) for chat in chats]


async def bring(store: Store, intake: MessageIntake, messages: Sequence[TelegramMessage]) -> None:
    async with store.writing() as session:
        await intake.add(session, messages)


async def until_somebody_waits(store: Store) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
        "WHERE NOT granted AND datname = current_database()"
    )
    async with asyncio.timeout(PATIENCE):
        while True:
            async with store.reading() as session:
                if await session.scalar(waiting):
                    return
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("known", [(), (3,), (1, 2, 3)])
async def test_who_waits_for_a_chat_has_those_before_it_and_none_behind(
    store: Store, known: tuple[int, ...]
) -> None:
    await bring(store, MessageIntake("other"), in_chats(1, 2, 3))
    intake = MessageIntake("one")
    if known:
        await bring(store, intake, in_chats(*known))
    async with store.writing() as holder:
        await holder.execute(select(models.Chat).where(models.Chat.id == 2).with_for_update())
        bringing = asyncio.create_task(bring(store, intake, in_chats(3, 1, 2)))
        await until_somebody_waits(store)
        async with store.writing() as other:
            free = await other.scalars(select(models.Chat.id).with_for_update(skip_locked=True))
            assert set(free) == {3}
    async with asyncio.timeout(PATIENCE):
        await bringing
