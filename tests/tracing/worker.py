"""A worker process that publishes in every way there is, each within a span of its own, and prints what it traced."""

import asyncio
import json
import sys
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase
from taskiq import InMemoryBroker

from pulse_radar import Publisher, SyncPublisher
from pulse_radar.jobs import PulseMiddleware
from pulse_radar.outbox import Outbox, Relay
from tests.tracing import collecting

tracer = collecting.start()


class Base(DeclarativeBase):
    pass


outbox = Outbox(Base.metadata)


async def by_the_outbox(publisher: Publisher, database: Path) -> None:
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    with tracer.start_as_current_span("outbox"):
        async with AsyncSession(engine) as session, session.begin():
            outbox.add(session, "knowledge", "atom_created", {}, key="outbox")
    async with Relay(outbox, engine, publisher) as relay:
        await relay.drain(60)
    await engine.dispose()


async def by_a_job() -> None:
    broker = InMemoryBroker(await_inplace=True)
    broker.add_middlewares(PulseMiddleware())

    @broker.task
    async def ingest() -> None:
        return

    await broker.startup()
    with tracer.start_as_current_span("job"):
        await ingest.kiq()
    await broker.shutdown()


async def main(database: Path) -> None:
    async with Publisher() as publisher:
        with tracer.start_as_current_span("publisher"):
            await publisher.publish("knowledge", "atom_created", {}, key="publisher")
        await publisher.publish("knowledge", "atom_created", {}, key="nobody")
        await by_the_outbox(publisher, database)
    await by_a_job()


def by_the_face_without_a_loop() -> None:
    with SyncPublisher() as publisher, tracer.start_as_current_span("sync"):
        publisher.publish("knowledge", "atom_created", {}, key="sync")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
    by_the_face_without_a_loop()
    sys.stdout.write(json.dumps(collecting.spans()))
