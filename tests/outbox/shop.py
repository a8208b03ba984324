"""A shop that announces its orders, and as a process one that is killed where it hurts most."""

import asyncio
import os
import signal
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from pulse_radar import Event, Position, Publisher
from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.outbox import Outbox, Relay
from pulse_radar.protocol.codec.events import decode_event
from pulse_radar.stream.entry import StoredEvent

ORDERS: Final = 40

# Long enough for a busy machine, short enough to fail with a test's own words.
PATIENCE: Final = 60.0


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(default="placed")


outbox: Final = Outbox(Base.metadata)


class OrderPlaced(Event, topic="sales"):
    id: int


async def place(session: AsyncSession, number: int) -> None:
    session.add(Order(id=number))
    outbox.add(session, OrderPlaced(id=number), id=f"order-{number}")


async def placed(engine: AsyncEngine) -> list[int]:
    async with AsyncSession(engine) as session:
        return list(await session.scalars(select(Order.id).order_by(Order.id)))


async def waiting(engine: AsyncEngine) -> int:
    async with AsyncSession(engine) as session:
        return await session.scalar(select(func.count()).select_from(outbox.tables.events)) or 0


async def until_waiting(engine: AsyncEngine, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await waiting(engine) != count:
            await asyncio.sleep(0.02)


async def until_empty(engine: AsyncEngine) -> None:
    await until_waiting(engine, 0)


async def announced(broker: Broker, topic: str = "sales") -> list[object]:
    """What is in the topic, in its order: of each event the value of its data's only field."""
    page = await broker.read(topic, after=0, limit=10_000)
    events = [decode_event(entry.text) for entry in page.entries if isinstance(entry, StoredEvent)]
    return [next(iter(event.data.values())) for event in events if isinstance(event.data, dict)]


def each_once(values: list[object]) -> bool:
    return max(Counter(values).values(), default=1) == 1


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class DiesAt:
    """A publisher in a process that is killed at one of its events: before it is sent, or when it is stored."""

    def __init__(self, publisher: Publisher, point: str, events: int) -> None:
        self._publisher = publisher
        self._point = point
        self._left = events

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        self._left -= 1
        if self._left < 0 and self._point == "before publishing":
            die()
        position = await self._publisher.publish_draft(draft, expect_last=expect_last)
        if self._left < 0 and self._point == "before it is noted":
            die()
        return position

    async def publish_together(self, drafts: Sequence[Draft]) -> list[Position]:
        self._left -= len(drafts)
        if self._left < 0 and self._point == "before publishing":
            die()
        if self._left < 0 and self._point == "while they are stored":
            asyncio.get_running_loop().call_later(0.001, die)
        positions = await self._publisher.publish_together(drafts)
        if self._left < 0 and self._point == "before it is noted":
            die()
        return positions

    @property
    def broker(self) -> Broker:
        return self._publisher.broker


async def main(url: str, broker: str, point: str, events: int, at_once: int) -> None:
    engine = create_async_engine(url)
    async with Publisher(broker) as publisher, Relay(outbox, engine, DiesAt(publisher, point, events)):
        for first in range(0, ORDERS, at_once):
            async with AsyncSession(engine) as session, session.begin():
                for number in range(first, first + at_once):
                    await place(session, number)
                    if number == events and point == "before the commit":
                        await session.flush()
                        die()
        await until_empty(engine)
    raise AssertionError("it outlived its death")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
