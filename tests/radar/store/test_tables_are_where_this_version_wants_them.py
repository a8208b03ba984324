"""Migrations: from nothing, several processes at once, and as the models say."""

import asyncio
import sys

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Base, Ingestion, Store
from pulse_radar.radar.store.engine import make_engine, writing
from pulse_radar.radar.store.migrating import HEAD, alembic_config, migrate
from pulse_radar.settings import Settings


async def test_the_migrations_make_what_the_models_say(store: Store) -> None:
    def difference(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, Base.metadata))

    async with store.engine.connect() as connection:
        assert await connection.run_sync(difference) == []


def test_the_newest_migration_is_the_one_that_is_asked_for() -> None:
    assert ScriptDirectory.from_config(alembic_config()).get_current_head() == HEAD


async def test_two_processes_may_start_at_once(radar: RadarSettings) -> None:
    url = radar.database_url(Settings.load())
    code = f"import asyncio\nfrom pulse_radar.radar.store.migrating import migrate\nasyncio.run(migrate({url!r}))"
    processes = [await asyncio.create_subprocess_exec(sys.executable, "-c", code) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    await migrate(url)
    engine = make_engine(url)
    async with engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        versions = (await connection.execute(text("SELECT count(*) FROM alembic_version"))).scalar()
    await engine.dispose()
    assert set(tables) == {*Base.metadata.tables, "alembic_version"}
    assert versions == 1


async def test_what_an_earlier_version_wrote_is_still_there(radar: RadarSettings) -> None:
    url = radar.database_url(Settings.load())

    def upgrade_to_the_first(connection: Connection) -> None:
        command.upgrade(alembic_config(connection), "0001")

    engine = make_engine(url)
    async with writing(engine).begin() as connection:
        await connection.run_sync(upgrade_to_the_first)
        columns = "id, file, status, done, added, created_at, updated_at"
        values = "'old', 'result.json', 'running', 7, 5, CURRENT_TIMESTAMP, CURRENT_TIMESTAMP"
        await connection.execute(text(f"INSERT INTO ingestions ({columns}) VALUES ({values})"))
    await migrate(url)
    async with AsyncSession(engine) as session:
        old = (await session.scalars(select(Ingestion))).one()
    await engine.dispose()
    assert (old.id, old.done, old.added, old.fallbacks, old.next_update) == ("old", 7, 5, 0, None)
