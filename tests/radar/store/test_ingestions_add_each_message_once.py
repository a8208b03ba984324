"""Ingestions on both databases: what is committed is whole, once, and goes on where it was."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from pulse_radar.radar.ingestion import Ingestion
from pulse_radar.radar.knowledge import extract
from pulse_radar.radar.store import Atom, Message, Store, models, outbox
from pulse_radar.radar.telegram import read_export
from pulse_radar.testing.telegram_exports import write_export

COUNT = 1_200

# Long enough for a busy machine, short enough to fail with a test's own words.
PATIENCE = 60.0


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "result.json"
    with path.open("wb") as out:
        write_export(out, messages=COUNT, full=True)
    return path


async def stored(store: Store) -> tuple[int, int, int]:
    """How many messages and atoms there are, and how many atoms are announced as new."""
    events = outbox.tables.events.c
    async with store.reading() as session:
        messages = await session.scalar(select(func.count()).select_from(Message))
        atoms = await session.scalar(select(func.count()).select_from(Atom))
        told = await session.scalar(select(func.count()).where(events.name == "atom_created"))
    return messages or 0, atoms or 0, told or 0


async def progress_of(store: Store, ingestion_id: str) -> tuple[str, int, int]:
    async with store.reading() as session:
        one = select(models.Ingestion).where(models.Ingestion.id == ingestion_id)
        ingestion = (await session.scalars(one)).one()
        return ingestion.status, ingestion.done, ingestion.added


async def test_the_same_file_in_three_ingestions_and_one_of_them_twice_at_once(
    store: Store, export: Path
) -> None:
    async def ingest(ingestion_id: str) -> None:
        await Ingestion(ingestion_id, export, store=store, most_waiting=100_000).run(lambda: False)

    await asyncio.gather(*(ingest(name) for name in ("a", "a", "b", "c")))
    with export.open("rb") as file:
        atoms = len(extract(read_export(file)))
    assert await stored(store) == (COUNT, atoms, atoms)
    told = [await progress_of(store, name) for name in ("a", "b", "c")]
    assert [(status, done) for status, done, _ in told] == [("completed", COUNT)] * 3
    assert sum(added for _, _, added in told) == COUNT


async def test_one_that_was_stopped_goes_on_where_it_was_and_reads_a_changed_file_again(
    store: Store, export: Path
) -> None:
    asked: list[bool] = []

    def after_a_chunk() -> bool:
        asked.append(True)
        return len(asked) > COUNT + 1  # once for each message that it counts

    ingestion = Ingestion("job", export, store=store, most_waiting=100_000)
    assert not await ingestion.run(after_a_chunk)
    status, done, added = await progress_of(store, "job")
    assert (status, done) == ("running", added)
    assert 0 < done < COUNT
    os.utime(export, (1, 1))
    assert await Ingestion("job", export, store=store, most_waiting=100_000).run(lambda: False)
    assert await progress_of(store, "job") == ("completed", COUNT, COUNT)
    assert (await stored(store))[0] == COUNT


async def test_one_that_another_run_overtakes_by_whole_chunks_goes_on_to_the_end(
    store: Store, export: Path
) -> None:
    begun, overtaken = threading.Event(), threading.Event()
    asked: list[bool] = []

    def once_overtaken() -> bool:
        begun.set()
        return not overtaken.wait(PATIENCE)

    def after_two_chunks() -> bool:
        asked.append(True)
        return len(asked) > COUNT + 2  # once for each message that it counts

    def run(should_stop: Callable[[], bool]) -> Coroutine[Any, Any, bool]:
        return Ingestion("job", export, store=store, most_waiting=100_000).run(should_stop)

    slow = asyncio.create_task(run(once_overtaken))
    assert await asyncio.to_thread(begun.wait, PATIENCE)
    assert not await run(after_two_chunks)
    assert await progress_of(store, "job") == ("running", 1_000, 1_000)
    overtaken.set()
    assert await slow
    assert await progress_of(store, "job") == ("completed", COUNT, COUNT)
    assert (await stored(store))[0] == COUNT
