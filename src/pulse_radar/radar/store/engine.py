"""An engine for the database of a URL: SQLite as a server wants it, PostgreSQL as it is."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["make_engine", "writing"]

# Another process may be in the middle of a large batch, or of a migration.
_BUSY_SECONDS: Final = 30.0

# Connections of one process: requests of a page, a relay, and jobs.
_POOL: Final = 10

# In the execution options of a connection: its transactions will write.
_WRITES: Final = "pulse_radar_writes"

_PRAGMAS: Final = (
    # Readers and the writer do not wait for each other.
    "PRAGMA journal_mode = WAL",
    # An event that was published is not to lose its row because the power went.
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
)


def make_engine(url: str) -> AsyncEngine:
    """An engine; it connects when it is first used."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(url, pool_size=_POOL, pool_pre_ping=True)
    database = make_url(url).database
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_async_engine(url, pool_size=_POOL, connect_args={"timeout": _BUSY_SECONDS})
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def writing(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, for transactions that read before they write: on SQLite they wait for their turn at once.

    Begun as readers, they would fail if somebody else wrote in between.
    """
    return engine.execution_options(**{_WRITES: True})


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver would begin transactions when it thinks fit, and not before it creates a table.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
