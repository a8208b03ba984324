"""The three tables of an outbox, as they are added to an app's own metadata and its migrations."""

from typing import Self

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = ["OutboxTables"]


class OutboxTables(msgspec.Struct, frozen=True):
    """`events` waits to be published; `turns` has one row, which says whose turn that is; `positions` says of each
    topic up to where it holds what this outbox has published and forgotten.
    """

    events: Table
    turns: Table
    positions: Table

    @classmethod
    def on(cls, metadata: MetaData, name: str) -> Self:
        """These tables, `name` being what their names begin with."""
        return cls(_events(metadata, name), _turns(metadata, name), _positions(metadata, name))


def _events(metadata: MetaData, name: str) -> Table:
    return Table(
        f"{name}_events",
        metadata,
        # Never given out again, on SQLite either: a relay that comes late must not delete another event.
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
        Column("event_id", String(128), nullable=False),
        Column("topic", String(63), nullable=False),
        Column("name", String(128), nullable=False),
        Column("key", String(128)),
        Column("data", LargeBinary, nullable=False),
        Column("timestamp_ms", BigInteger),
        Column("ttl_seconds", Float),
        Column("is_deletion", Boolean, nullable=False),
        # The trace in which it was added.
        Column("traceparent", String(55)),
        # Why nobody will ever take it; a person has to look. None for all others.
        Column("refused", Text),
        sqlite_autoincrement=True,
    )


def _turns(metadata: MetaData, name: str) -> Table:
    return Table(
        f"{name}_turns",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("holder", String(64)),
        # Counts every change; nothing is changed but by who knows the number.
        Column("version", BigInteger, nullable=False),
        # Whether some of the waiting events may be published already.
        Column("in_doubt", Boolean, nullable=False),
    )


def _positions(metadata: MetaData, name: str) -> Table:
    return Table(
        f"{name}_positions",
        metadata,
        Column("topic", String(63), primary_key=True),
        Column("sequence", BigInteger, nullable=False),
    )
