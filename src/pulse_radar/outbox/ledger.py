"""The outbox's tables as a relay uses them: take the turn, read what waits, note what became of it."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from pulse_radar.brokers.base import Draft
from pulse_radar.outbox.tables import OutboxTables
from pulse_radar.outbox.turn import Turn

__all__ = ["Ledger", "Noted", "Waiting"]

# Published between two transactions. Larger ones would only make the doubt after a death larger.
_BATCH: Final = 200

# The only row of its table.
_TURN: Final = 1


class Waiting(msgspec.Struct, frozen=True):
    """An event in the outbox, `row` being its place there."""

    row: int
    draft: Draft


class Noted(msgspec.Struct):
    """What became of a batch: rows that are published, up to where their topics now hold them, rows that nobody will
    take and why. `in_doubt`: one was attempted and its outcome is not known.
    """

    published: list[int] = []
    positions: dict[str, int] = {}
    refused: dict[int, str] = {}
    in_doubt: bool = False


class Ledger:
    """Raises everywhere: SQLAlchemyError."""

    def __init__(self, engine: AsyncEngine, tables: OutboxTables) -> None:
        self._engine = engine
        self._tables = tables
        self._turn = tables.turns.c

    async def open(self) -> None:
        """Make the row that says whose turn it is, where it is missing."""
        async with self._engine.connect() as connection:
            if await connection.scalar(select(self._turn.id)) is not None:
                return
        row = {"id": _TURN, "holder": None, "version": 0, "in_doubt": False}
        # Another process may be faster; a transaction of its own, for one that read before may not write on SQLite.
        with contextlib.suppress(IntegrityError):
            async with self._engine.begin() as connection:
                await connection.execute(insert(self._tables.turns).values(row))

    async def look(self, held_up: Sequence[str]) -> Turn | None:
        """Whose turn it is; None, where nothing waits. Cost: one read, and no lock."""
        async with self._engine.connect() as connection:
            if not await self._read(connection, held_up, 1):
                return None
            found = (await connection.execute(select(self._tables.turns))).one()
            return Turn(found.holder, found.version, found.in_doubt)

    async def take(self, turn: Turn, holder: str, held_up: Sequence[str]) -> list[Waiting] | None:
        """Take the turn as it was seen, and read what waits; None, when somebody else was faster."""
        async with self._engine.begin() as connection:
            if not await self._change(connection, turn.version, holder=holder, in_doubt=True):
                return None
            return await self._read(connection, held_up, _BATCH)

    async def note(
        self, noted: Noted, version: int, held_up: Sequence[str], *, ends: bool
    ) -> list[Waiting] | None:
        """Note what became of a batch and read the next one. The turn ends without one, in doubt, and if it `ends`.

        None, where the turn had been taken from us: what is noted is true all the same.
        """
        async with self._engine.begin() as connection:
            await self._note(connection, noted)
            batch = [] if ends or noted.in_doubt else await self._read(connection, held_up, _BATCH)
            change = {} if batch else {"holder": None, "in_doubt": noted.in_doubt}
            return batch if await self._change(connection, version, **change) else None

    async def give_up(self, holder: str) -> None:
        """End the turn of this holder, if it has it; what it was at stays in doubt."""
        turns = self._tables.turns
        freed = {"holder": None, "version": self._turn.version + 1}
        async with self._engine.begin() as connection:
            await connection.execute(update(turns).where(self._turn.holder == holder).values(freed))

    async def positions(self) -> dict[str, int]:
        """Up to where each topic holds what was noted as published."""
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(self._tables.positions))
            return {row.topic: row.sequence for row in rows}

    async def begin_at(self, positions: Mapping[str, int]) -> None:
        """Note where these topics stand before anything of ours is in them."""
        async with self._engine.begin() as connection:
            for topic, sequence in positions.items():
                await self._reach(connection, topic, sequence)

    async def _note(self, connection: AsyncConnection, noted: Noted) -> None:
        events = self._tables.events
        if noted.published:
            await connection.execute(delete(events).where(events.c.id.in_(noted.published)))
        for row, why in noted.refused.items():
            await connection.execute(update(events).where(events.c.id == row).values(refused=why))
        for topic, sequence in noted.positions.items():
            await self._reach(connection, topic, sequence)

    async def _reach(self, connection: AsyncConnection, topic: str, sequence: int) -> None:
        positions = self._tables.positions
        is_it = positions.c.topic == topic
        moved = await connection.execute(update(positions).where(is_it).values(sequence=sequence))
        if moved.rowcount == 0:
            await connection.execute(insert(positions).values(topic=topic, sequence=sequence))

    async def _change(self, connection: AsyncConnection, version: int, **change: object) -> bool:
        is_as_seen = (self._turn.id == _TURN) & (self._turn.version == version)
        values = {"version": version + 1, **change}
        changed = await connection.execute(update(self._tables.turns).where(is_as_seen).values(values))
        return changed.rowcount == 1

    async def _read(self, connection: AsyncConnection, held_up: Sequence[str], limit: int) -> list[Waiting]:
        events = self._tables.events
        waiting = select(events).where(events.c.refused.is_(None)).order_by(events.c.id).limit(limit)
        if held_up:
            waiting = waiting.where(events.c.topic.not_in(held_up))
        return [_waiting(row) for row in await connection.execute(waiting)]

    def __repr__(self) -> str:
        return f"<Ledger of {self._tables.events.name}>"


def _waiting(row: Row[Any]) -> Waiting:
    fields = row._asdict()
    fields.pop("refused")
    return Waiting(fields.pop("id"), Draft(id=fields.pop("event_id"), **fields))
