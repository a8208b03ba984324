"""Atoms that were found, stored and announced: new ones, and those that have one more source."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_radar.radar import knowledge
from pulse_radar.radar.knowledge import atom_created, atom_updated
from pulse_radar.radar.store.models import Atom, Base, outbox

__all__ = ["add_atoms", "atom_of", "table_of"]


async def add_atoms(
    session: AsyncSession, found: Sequence[knowledge.Atom], topics: Mapping[str, str] | None = None
) -> None:
    """Add those that are new, and to those that are there what more was found of them. `topics`: of atoms by their ids.

    Nobody else adds any to the same chats meanwhile: their messages are locked.
    """
    topic_of = topics or {}
    there = select(Atom).where(Atom.id.in_([atom.id for atom in found]))
    known = {row.id: row for row in await session.scalars(there)} if found else {}
    new = [atom for atom in found if atom.id not in known]
    if new:
        await session.execute(insert(table_of(Atom)), [_row_of(atom, topic_of.get(atom.id)) for atom in new])
    for atom in found:
        row = known.get(atom.id)
        if row is None:
            outbox.add(session, atom_created(atom, topic_of.get(atom.id)))
        else:
            _update(session, row, atom)


def _update(session: AsyncSession, row: Atom, found: knowledge.Atom) -> None:
    before = atom_of(row)
    now = before.also_from(found)
    if now != before:
        row.message_ids, row.confidence = list(now.message_ids), now.confidence
        outbox.add(session, atom_updated(now, row.topic_id))


def _row_of(atom: knowledge.Atom, topic_id: str | None) -> dict[str, Any]:
    return {
        "id": atom.id,
        "kind": atom.kind,
        "title": atom.title,
        "text": atom.text,
        "search": f"{atom.title}\n{atom.text}".casefold(),
        "confidence": atom.confidence,
        "url": atom.url,
        "chat": atom.chat,
        "chat_id": int(atom.chat_id),
        "message_ids": atom.message_ids,
        "author": atom.author,
        "date": atom.date,
        "topic_id": topic_id,
    }


def atom_of(row: Atom | Row[Any]) -> knowledge.Atom:
    """The atom of a row, by the ORM or without it."""
    return knowledge.Atom(
        id=row.id,
        kind=row.kind,
        title=row.title,
        text=row.text,
        confidence=row.confidence,
        chat_id=str(row.chat_id),
        message_ids=tuple(row.message_ids),
        chat=row.chat,
        author=row.author,
        date=row.date,
        url=row.url,
    )


def table_of(model: type[Base]) -> Table:
    """Inserted into without the ORM: of many rows, each costs a third."""
    return Base.metadata.tables[model.__tablename__]
