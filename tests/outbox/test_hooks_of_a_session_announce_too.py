"""What a hook of SQLAlchemy adds, within the commit itself, shares the fate of the transaction as all else does."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event, insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from sqlalchemy.orm import Session, object_session

from pulse_radar import OutboxFull, Pulse
from pulse_radar.outbox import Relay
from tests.outbox.shop import Order, OrderPlaced, announced, outbox, placed, until_empty, waiting


def announce_new(session: Session, *_: object) -> None:
    for one in session.new:
        if isinstance(one, Order):
            outbox.add(session, OrderPlaced(id=one.id), id=f"order-{one.id}")


def announce_one(_mapper: object, _connection: object, order: Order) -> None:
    session = object_session(order)
    assert session is not None
    outbox.add(session, OrderPlaced(id=order.id), id=f"order-{order.id}")


@pytest.fixture(
    params=[
        (Session, "before_flush", announce_new),
        (Session, "before_commit", announce_new),
        (Order, "after_insert", announce_one),
    ],
    ids=["before_flush", "before_commit", "after_insert"],
)
def _hook(request: pytest.FixtureRequest) -> Iterator[None]:
    event.listen(*request.param)
    yield
    event.remove(*request.param)


@pytest.mark.usefixtures("_hook")
async def test_what_a_hook_adds_is_announced(engine: AsyncEngine, pulse: Pulse) -> None:
    async with AsyncSession(engine) as session:
        for number in (1, 2):
            # The second time the session has had an event already.
            async with session.begin():
                session.add(Order(id=number))
    assert await placed(engine) == [1, 2]
    async with Relay(outbox, engine, pulse):
        await until_empty(engine)
    assert await announced(pulse.broker) == [1, 2]


@pytest.mark.usefixtures("_hook")
async def test_it_comes_behind_what_was_added_before(engine: AsyncEngine, pulse: Pulse) -> None:
    async with AsyncSession(engine) as session, session.begin():
        outbox.add(session, OrderPlaced(id=0))
        session.add(Order(id=1))
    async with Relay(outbox, engine, pulse):
        await until_empty(engine)
    assert await announced(pulse.broker) == [0, 1]


@pytest.mark.usefixtures("_hook")
async def test_what_a_hook_adds_goes_with_a_commit_that_fails(engine: AsyncEngine, pulse: Pulse) -> None:
    async with engine.begin() as connection:
        # Without a session, and so without its hooks.
        await connection.execute(insert(Order).values(id=2, state="placed"))
    async with AsyncSession(engine) as session:
        session.add_all([Order(id=1), Order(id=2)])
        with pytest.raises(IntegrityError):
            await session.commit()
        await session.rollback()
        assert await waiting(engine) == 0
        # And the session is as good as before.
        session.add(Order(id=3))
        await session.commit()
    async with Relay(outbox, engine, pulse):
        await until_empty(engine)
    assert await announced(pulse.broker) == [3]


@pytest.mark.usefixtures("_hook")
async def test_a_full_outbox_fails_the_commit_for_a_hook_too(
    engine: AsyncEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "limit", 1)
    async with AsyncSession(engine) as session:
        session.add_all([Order(id=1), Order(id=2)])
        with pytest.raises(OutboxFull):
            await session.commit()
    assert await placed(engine) == []
    assert await waiting(engine) == 0
