"""An engine for the database of a URL: SQLite as a server wants it, PostgreSQL as it is."""

import contextlib
import sqlite3
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
    """An engine; it connects when it is first used. Its errors do not say what was to be stored, keys for instance."""
    if make_url(url).get_backend_name() != "sqlite":
        return create_async_engine(url, pool_size=_POOL, pool_pre_ping=True, hide_parameters=True)
    database = make_url(url).database
    if database:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
    options = {"timeout": _BUSY_SECONDS, "factory": _LettingGo}
    engine = create_async_engine(url, pool_size=_POOL, connect_args=options, hide_parameters=True)
    event.listen(engine.sync_engine, "connect", _prepare)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def writing(engine: AsyncEngine) -> AsyncEngine:
    """The same engine, for transactions that read before they write: on SQLite they wait for their turn at once.

    Begun as readers, they would fail if somebody else wrote in between.
    """
    return engine.execution_options(**{_WRITES: True})


class _LettingGo(sqlite3.Connection):
    """Lets go of its locks when it is closed, as it is where a job is cancelled in the middle of a statement.

    SQLite keeps the transaction of a closed connection until the last of its cursors is gone, and the error that
    came of the cancellation holds on to one: whoever handles it would wait for a lock that it has itself.
    """

    def close(self) -> None:
        # It may be closed already.
        with contextlib.suppress(sqlite3.Error):
            self.rollback()
        super().close()


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
