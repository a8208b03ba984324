"""Topics in the database: written with what is told of them, once, whoever finds them again and however often."""

import asyncio
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec
from sqlalchemy import select, update

from pulse_radar.radar.knowledge import Atom
from pulse_radar.radar.store import Cluster, Store, models, outbox
from pulse_radar.radar.store.atoms import add_atoms
from pulse_radar.radar.store.topics import refresh_topics

SUBJECTS = (
    "restore backup disk region copy",
    "login token phone certificate renew",
    "pricing plan invoice discount table",
    "миграция реплика индексы таблица перенос",
    "پرداخت درگاه بانک شماره تکراری",
)


def talk(numbers: range) -> list[Atom]:
    random = Random(numbers.start)
    return [atom(n, " ".join(random.sample(SUBJECTS[n % len(SUBJECTS)].split(), 4))) for n in numbers]


def atom(number: int, text: str) -> Atom:
    return Atom(
        id=f"telegram:7:{number}:claim:1",
        kind="claim",
        title=text,
        text=text,
        confidence=0.9,
        chat_id="7",
        message_ids=(str(number),),
        date=datetime(2024, 5, 1, tzinfo=UTC),
    )


async def add(store: Store, atoms: list[Atom]) -> None:
    async with store.writing() as session:
        await add_atoms(session, atoms)


async def topics(store: Store) -> dict[str, int]:
    async with store.reading() as session:
        return {row.id: row.atoms for row in await session.scalars(select(Cluster))}


async def members(store: Store) -> dict[str, set[str | None]]:
    """By subject: the topics of its atoms."""
    async with store.reading() as session:
        rows = (await session.scalars(select(models.Atom))).all()
    return {s: {row.topic_id for row in rows if set(row.text.split()) <= set(s.split())} for s in SUBJECTS}


async def told(store: Store) -> list[tuple[str, dict[str, Any]]]:
    """The events that wait to be published, atoms that are new aside."""
    events = outbox.tables.events
    async with store.reading() as session:
        rows = (await session.execute(select(events.c.name, events.c.data).order_by(events.c.id))).all()
    return [(row.name, msgspec.json.decode(row.data)) for row in rows if row.name != "atom_created"]


async def test_topics_and_the_atoms_in_them_are_written_and_told(store: Store) -> None:
    await add(store, talk(range(50)))
    assert await refresh_topics(store)
    assert list((await topics(store)).values()) == [10] * 5
    of_subject = await members(store)
    assert all(len(ids) == 1 and None not in ids for ids in of_subject.values())
    names = [name for name, _ in await told(store)]
    assert names == ["topic_created"] * 5 + ["atom_updated"] * 50
    assert {data["topic_id"] for name, data in await told(store) if name == "atom_updated"} == (
        await topics(store)
    ).keys()


async def test_finding_them_again_changes_nothing_and_tells_nothing(store: Store) -> None:
    await add(store, talk(range(50)))
    await refresh_topics(store)
    before = await told(store)
    assert await refresh_topics(store)
    assert await told(store) == before


async def test_topics_that_grow_keep_their_ids(store: Store) -> None:
    await add(store, talk(range(50)))
    await refresh_topics(store)
    before = await topics(store)
    count = len(await told(store))
    await add(store, talk(range(50, 75)))
    await refresh_topics(store)
    assert await topics(store) == dict.fromkeys(before, 15)
    names = [name for name, _ in (await told(store))[count:]]
    assert names == ["topic_updated"] * 5 + ["atom_updated"] * 25


async def test_two_who_do_it_at_once_leave_what_one_would_have_left(store: Store) -> None:
    await add(store, talk(range(50)))
    found = await asyncio.gather(*(refresh_topics(store) for _ in range(3)))
    assert any(topic_map is not None for topic_map in found)
    assert list((await topics(store)).values()) == [10] * 5
    assert [name for name, _ in await told(store)].count("topic_created") == 5


async def test_a_topic_that_was_gone_may_come_back(store: Store) -> None:
    await add(store, talk(range(50)))
    await refresh_topics(store)
    before = await topics(store)
    async with store.writing() as session:
        await session.execute(update(models.Atom).values(topic_id=None))
        await session.execute(update(Cluster).values(atoms=0))
    assert await refresh_topics(store)
    assert await topics(store) == before


async def test_an_atom_that_comes_later_is_stored_with_its_topic_and_told_with_it(store: Store) -> None:
    await add(store, talk(range(50)))
    topic_map = await refresh_topics(store)
    assert topic_map is not None
    count = len(await told(store))
    more = talk(range(50, 60))
    async with store.writing() as session:
        await add_atoms(session, more, {a.id: topic_map.nearest(a) or "" for a in more})
    assert all(len(ids) == 1 for ids in (await members(store)).values())
    await refresh_topics(store)
    assert [name for name, _ in (await told(store))[count:]] == ["topic_updated"] * 5
