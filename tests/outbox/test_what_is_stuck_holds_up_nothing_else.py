"""A topic that takes nothing, an event that nobody takes, a database that was away: all the rest goes out."""

import asyncio
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

import pytest
from sqlalchemy import MetaData, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from pulse_radar import BrokerRefused, EventTooLarge, InvalidEvent, Position, Pulse
from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.outbox import Outbox, Relay
from pulse_radar.testing.faulty_link import FaultyLink
from tests.outbox.shop import PATIENCE, Base, announced, outbox, until_empty, until_waiting
from tests.postgres import PostgresServer, needs_postgres


async def until_announced(pulse: Pulse, values: list[object]) -> None:
    async with asyncio.timeout(PATIENCE):
        while await announced(pulse.broker) != values:
            await asyncio.sleep(0.02)


async def test_one_that_waits_for_long_is_counted_once(engine: AsyncEngine, pulse: Pulse) -> None:
    small = Outbox(MetaData(), name="small", limit=4)
    async with engine.begin() as connection:
        await connection.run_sync(small.tables.events.metadata.create_all)
    async with Relay(small, engine, pulse):
        async with AsyncSession(engine) as session, session.begin():
            small.add(session, "nobody_declared_it", "said")
        for number in range(6):
            async with AsyncSession(engine) as session, session.begin():
                small.add(session, "sales", "said", {"number": number})
            await until_announced(pulse, list(range(number + 1)))
        async with AsyncSession(engine) as session, asyncio.timeout(PATIENCE):
            while await small.waiting(session) != 1:
                await session.rollback()
                await asyncio.sleep(0.02)


async def test_what_is_tried_again_in_an_hour_makes_nothing_late(
    engine: AsyncEngine, pulse: Pulse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for where in ("obstacles", "relay"):
        monkeypatch.setattr(f"pulse_radar.outbox.{where}.PAUSE_SECONDS", 3_600.0)
    async with Relay(outbox, engine, pulse) as relay:
        async with AsyncSession(engine) as session, session.begin():
            outbox.add(session, "nobody_declared_it", "said")
        async with asyncio.timeout(PATIENCE):
            while relay.stats().failure is None:
                await asyncio.sleep(0.02)
        async with AsyncSession(engine) as session, session.begin():
            outbox.add(session, "sales", "said", {"id": 1})
        await until_announced(pulse, [1])


@pytest.mark.parametrize("count", [1, 2])
async def test_a_topic_that_another_process_declares(engine: AsyncEngine, pulse: Pulse, count: int) -> None:
    await pulse.broker.declare([LogTopic("elsewhere")])
    async with Relay(outbox, engine, pulse) as relay:
        async with AsyncSession(engine) as session, session.begin():
            for _ in range(count):
                outbox.add(session, "elsewhere", "said")
            outbox.add(session, "sales", "said", {"id": 1})
        await until_waiting(engine, count)
        assert "elsewhere" in (relay.stats().failure or "")
    assert await announced(pulse.broker) == [1]


async def test_a_topic_that_is_gone_when_a_relay_died(engine: AsyncEngine, pulse: Pulse) -> None:
    before = Pulse("memory://")
    before.topic("former")
    async with before, Relay(outbox, engine, before):
        async with AsyncSession(engine) as session, session.begin():
            outbox.add(session, "former", "said")
        await until_empty(engine)
    async with AsyncSession(engine) as session, session.begin():
        outbox.add(session, "former", "said")
        outbox.add(session, "sales", "said", {"id": 1})
    async with engine.begin() as connection:
        # As a relay leaves it that was killed.
        await connection.execute(outbox.tables.turns.update().values(in_doubt=True))
    async with Relay(outbox, engine, pulse):
        await until_waiting(engine, 1)
    assert await announced(pulse.broker) == [1]


class Choosy:
    """A pulse that meets an event of this name as a test says."""

    def __init__(self, pulse: Pulse, **meets: Callable[[], object]) -> None:
        self._pulse = pulse
        self._meets = meets

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        self._meets.get(draft.name, lambda: None)()
        return await self._pulse.publish_draft(draft)

    async def publish_together(self, drafts: Sequence[Draft]) -> list[Position]:
        return []

    @property
    def broker(self) -> Broker:
        return self._pulse.broker


def refuses(error: Exception) -> Callable[[], None]:
    def meet() -> None:
        raise error

    return meet


async def test_what_the_broker_refuses(engine: AsyncEngine, pulse: Pulse) -> None:
    await pulse.broker.declare([LogTopic("prices")])
    choosy = Choosy(pulse, refused=refuses(BrokerRefused("not like this")))
    async with Relay(outbox, engine, choosy) as relay:
        async with AsyncSession(engine) as session, session.begin():
            outbox.add(session, "prices", "refused")
            outbox.add(session, "sales", "said", {"id": 1})
        await until_waiting(engine, 1)
        assert relay.stats().failure == "not like this"
    assert await announced(pulse.broker) == [1]


async def test_an_error_that_nobody_foresaw_ends_no_relay(engine: AsyncEngine, pulse: Pulse) -> None:
    errors = [ZeroDivisionError("how could it"), ZeroDivisionError("how could it")]

    def meet() -> None:
        if errors:
            raise errors.pop()

    async with Relay(outbox, engine, Choosy(pulse, said=meet)):
        async with AsyncSession(engine) as session, session.begin():
            outbox.add(session, "sales", "said", {"id": 1})
        await until_empty(engine)
    assert await announced(pulse.broker) == [1]


async def test_what_nobody_takes_is_kept_though_the_relay_died_that_found_so(
    engine: AsyncEngine, pulse: Pulse
) -> None:
    too_large = refuses(EventTooLarge("too large"))
    dies = asyncio.Event()

    def die() -> None:
        dies.set()
        raise asyncio.CancelledError

    async with AsyncSession(engine) as session, session.begin():
        for name in ("refused", "said", "last"):
            outbox.add(session, "sales", name, {"name": name})
    dying = Relay(outbox, engine, Choosy(pulse, refused=too_large, last=die), patience_seconds=0.4)
    async with dying:
        await dies.wait()
    async with Relay(outbox, engine, Choosy(pulse, refused=too_large), patience_seconds=0.4):
        await until_waiting(engine, 1)
    assert await announced(pulse.broker) == ["said", "last"]
    async with AsyncSession(engine) as session:
        events = outbox.tables.events.c
        assert (await session.execute(select(events.name, events.refused))).all() == [
            ("refused", "too large")
        ]


async def test_a_ttl_that_no_broker_keeps_is_refused_where_it_is_written(engine: AsyncEngine) -> None:
    async with AsyncSession(engine) as session:
        with pytest.raises(InvalidEvent, match="at most 100 years"):
            outbox.add(session, "prices", "set", {}, key="k", ttl=10_000_000_000)


@needs_postgres
async def test_a_database_that_was_away_is_used_again(postgres: PostgresServer, pulse: Pulse) -> None:
    url = urlsplit(postgres.database())
    async with FaultyLink(url.port or 0) as link:
        host = url.netloc.replace(str(url.port), str(link.port))
        engine = create_async_engine(url._replace(scheme="postgresql+asyncpg", netloc=host).geturl())
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        async with Relay(outbox, engine, pulse) as relay:
            link.cut()
            async with asyncio.timeout(PATIENCE):
                while relay.stats().failure is None:
                    await asyncio.sleep(0.02)
            # Long enough for attempts to connect anew, whose errors are the driver's own.
            await asyncio.sleep(1.2)
            link.mend()
            async with AsyncSession(engine) as session, session.begin():
                outbox.add(session, "sales", "said", {"id": 1})
            await until_announced(pulse, [1])
        await engine.dispose()
