"""What a transaction does with its events: commit, roll back, savepoints; and in which order commits are told."""

import asyncio
import subprocess
import sys

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from pulse_radar import EventTooLarge, InvalidEvent, OutboxFull, Pulse
from pulse_radar.outbox import Outbox, Relay
from tests.outbox.shop import (
    Base,
    Order,
    announced,
    each_once,
    outbox,
    place,
    placed,
    until_empty,
    waiting,
)


async def told(pulse: Pulse, engine: AsyncEngine) -> list[object]:
    """All that was announced, once everything is."""
    async with Relay(outbox, engine, pulse):
        await until_empty(engine)
    return await announced(pulse.broker)


async def test_what_is_rolled_back_is_not_announced(engine: AsyncEngine, pulse: Pulse) -> None:
    async with AsyncSession(engine) as session:
        await place(session, 1)
        await session.flush()
        await session.rollback()
        await place(session, 2)
        await session.commit()
        await place(session, 3)
    assert await placed(engine) == [2]
    assert await told(pulse, engine) == [2]


async def test_a_savepoint_takes_its_events_with_it(engine: AsyncEngine, pulse: Pulse) -> None:
    async with AsyncSession(engine) as session, session.begin():
        await place(session, 1)
        async with session.begin_nested():
            await place(session, 2)
            inner = await session.begin_nested()
            await place(session, 3)
            await inner.rollback()
        outer = await session.begin_nested()
        async with session.begin_nested():
            await place(session, 4)
        await outer.rollback()
        await place(session, 5)
    assert await placed(engine) == [1, 2, 5]
    assert await told(pulse, engine) == [1, 2, 5]


async def test_a_commit_of_this_process_is_published_at_once(engine: AsyncEngine, pulse: Pulse) -> None:
    async with Relay(outbox, engine, pulse, poll_seconds=3600):
        for number in range(3):
            async with AsyncSession(engine) as session, session.begin():
                await place(session, number)
            await until_empty(engine)


async def test_transactions_side_by_side_are_announced_in_the_order_of_their_commits(
    engine: AsyncEngine, pulse: Pulse
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    async with AsyncSession(engine) as session, session.begin():
        session.add(Order(id=1, state="new"))
    # The first has flushed, its row and its event, before the second begins; the second is committed first.
    async with AsyncSession(engine) as first, AsyncSession(engine) as second:
        outbox.add(first, "sales", "said", {"by": "first"})
        first.add(Order(id=2))
        await first.flush()
        outbox.add(second, "sales", "said", {"by": "second"})
        second.add(Order(id=3))
        await second.commit()
        await first.commit()
    assert await told(pulse, engine) == ["second", "first"]


async def test_many_writers_at_once_agree_with_the_row_that_they_change(
    engine: AsyncEngine, pulse: Pulse
) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    async with AsyncSession(engine) as session, session.begin():
        session.add(Order(id=1, state="0"))

    async def change(writer: int) -> None:
        for step in range(10):
            async with AsyncSession(engine) as session, session.begin():
                # The event first: its place is that of the commit all the same.
                outbox.add(session, "sales", "changed", {"state": f"{writer}.{step}"})
                order = await session.scalar(select(Order).where(Order.id == 1).with_for_update())
                assert order is not None
                order.state = f"{writer}.{step}"

    async with Relay(outbox, engine, pulse):
        await asyncio.gather(*(change(writer) for writer in range(4)))
        await until_empty(engine)
    said = await announced(pulse.broker)
    async with AsyncSession(engine) as session:
        assert await session.scalar(select(Order.state)) == said[-1]
    assert len(said) == 40
    assert each_once(said)


async def test_a_full_outbox_refuses_the_commit_and_its_rows(engine: AsyncEngine) -> None:
    small = Outbox(Base.metadata.__class__(), limit=3)
    async with engine.begin() as connection:
        await connection.run_sync(small.tables.events.metadata.create_all)
    async with AsyncSession(engine) as session:
        for number in range(3):
            small.add(session, "sales", "said", {"number": number})
        await session.commit()
        session.add(Order(id=1))
        small.add(session, "sales", "said", {"number": 3})
        with pytest.raises(OutboxFull, match="at most 3 may"):
            await session.commit()
        await session.rollback()
    assert await placed(engine) == []


async def test_what_cannot_travel_is_refused_before_anything_is_written(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        with pytest.raises(EventTooLarge, match="announce a reference"):
            outbox.add(session, "sales", "said", {"text": "x" * 300_000})
        with pytest.raises(InvalidEvent):
            outbox.add(session, "sales", "said", {"number": float("nan")})
        await session.commit()
    assert await waiting(engine) == 0


def test_without_its_extra_the_import_names_it() -> None:
    code = "import sys; sys.modules['sqlalchemy'] = None; import pulse_radar.outbox"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert 'pip install "pulse-radar[sqlalchemy]"' in ran.stderr.splitlines()[-1]
