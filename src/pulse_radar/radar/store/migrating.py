"""The tables brought to where this version wants them, at each start, by whoever starts first."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from pulse_radar.radar.store.engine import make_engine, writing

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = ["HEAD", "alembic_config", "migrate"]

# The newest migration. Said here, so that a process that finds it there starts without Alembic.
HEAD: Final = "0004"

_MIGRATIONS: Final = Path(__file__).parent / "migrations"

# Any number that nobody else locks in this database.
_LOCK: Final = 0x70756C7365  # "pulse"


async def migrate(url: str) -> None:
    """Run what migrations are missing. Any number of processes may do so at once: the others wait for the first.

    All of them are one transaction: a process that is killed in the middle leaves nothing behind.
    Raises: SQLAlchemyError.
    """
    # In a thread, for it imports and computes for long: the loop has clients to serve.
    await asyncio.to_thread(lambda: asyncio.run(_migrate(url)))


async def _migrate(url: str) -> None:
    engine = make_engine(url)
    try:
        if not await _is_current(engine):
            async with writing(engine).begin() as connection:
                if engine.dialect.name == "postgresql":
                    await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
                await connection.run_sync(_upgrade)
    finally:
        await engine.dispose()


async def _is_current(engine: AsyncEngine) -> bool:
    try:
        async with engine.connect() as connection:
            found: object = await connection.scalar(text("SELECT version_num FROM alembic_version"))
            return found == HEAD
    except DBAPIError:
        # There is no such table yet, or no such database; the latter is told by what comes next.
        return False


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(alembic_config(connection), HEAD)


def alembic_config(connection: Connection | None = None) -> "Config":
    """What Alembic needs to know, without a file of its own."""
    from alembic.config import Config

    config = Config()
    # It reads this as a template.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
