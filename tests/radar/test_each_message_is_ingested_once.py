"""Ingestions of the same messages again, at the same time, and after a death at the worst moment."""

import asyncio
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from pulse_radar.radar.ingestion import Ingestion, IngestionFailed
from pulse_radar.radar.knowledge import extract
from pulse_radar.radar.store.publishing import open_publishing_store
from pulse_radar.radar.telegram import read_export
from tests.radar.station import Data, Station, station

COUNT = 900


def expected_atoms(path: Path) -> dict[str, int]:
    with path.open("rb") as file:
        return dict.fromkeys((atom.id for atom in extract(read_export(file))), 1)


async def ingest(
    at: Station,
    path: Path,
    ingestion_id: str,
    *,
    should_stop: Callable[[], bool] = lambda: False,
) -> bool:
    try:
        async with open_publishing_store(at.settings) as store:
            return await Ingestion(ingestion_id, path, store=store).run(should_stop)
    finally:
        await at.published()


async def last_progress(at: Station, ingestion_id: str) -> Data:
    data: Data = (await at.events("messages", ingestion_id))[-1]["data"]
    return data


async def test_ingesting_twice_adds_nothing(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        path = at.export(COUNT)
        assert await ingest(at, path, "first")
        assert await ingest(at, path, "second")
        first, second = await last_progress(at, "first"), await last_progress(at, "second")
        assert (first["status"], first["done"], first["added"], first["skipped"]) == (
            "completed",
            COUNT,
            COUNT,
            0,
        )
        assert (second["status"], second["done"], second["added"], second["skipped"]) == (
            "completed",
            COUNT,
            0,
            COUNT,
        )
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)


async def test_ingesting_the_same_file_at_the_same_time_adds_each_message_once(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        path = at.export(COUNT)
        await asyncio.gather(*(ingest(at, path, name) for name in ("a", "b", "c")))
        told = [await last_progress(at, name) for name in ("a", "b", "c")]
        assert [one["done"] for one in told] == [COUNT] * 3
        assert sum(one["added"] for one in told) == COUNT
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)


async def test_a_longer_export_of_the_same_chat_adds_only_what_is_new(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        whole = at.export(COUNT)
        part = tmp_path / "part.json"
        part.write_bytes(cut_after_message(whole, COUNT // 2))
        with pytest.raises(IngestionFailed):
            await ingest(at, part, "part")
        await ingest(at, whole, "whole")
        part_added = (await last_progress(at, "part"))["added"]
        assert part_added == COUNT // 2
        assert (await last_progress(at, "whole"))["added"] == COUNT - part_added
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, whole)


async def test_what_is_published_is_what_is_stored_in_the_order_of_the_export(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        path = at.export(COUNT)
        await ingest(at, path, "job")
        messages, atoms = await at.stored()
        with path.open("rb") as file:
            assert messages == [(message.chat.id, message.id) for message in read_export(file)]
        assert set(atoms) == expected_atoms(path).keys()
        assert list(await at.atoms()) == atoms


async def test_an_ingestion_that_is_ahead_of_another_run_of_itself_is_followed(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        path = at.export(2_500)
        await asyncio.gather(*(ingest(at, path, "job") for _ in range(3)))
        told = await last_progress(at, "job")
        assert (told["status"], told["done"], told["added"]) == ("completed", 2_500, 2_500)
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)


async def test_an_ingestion_that_is_asked_to_stop_leaves_off_between_two_chunks(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        path = at.export(COUNT)
        asked: list[bool] = []

        def after_a_chunk() -> bool:
            asked.append(True)
            return len(asked) > COUNT + 1  # once for each message that it counts

        assert not await ingest(at, path, "job", should_stop=after_a_chunk)
        assert (await last_progress(at, "job"))["status"] == "running"
        assert await ingest(at, path, "job")
        assert (await last_progress(at, "job"))["added"] == COUNT


async def test_progress_is_told_at_most_ten_times_a_second_and_at_the_end(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await ingest(at, at.export(4_000), "job")
        told = await at.events("messages", "job")
        assert [told[0]["data"]["status"], told[-1]["data"]["status"]] == ["counting", "completed"]
        running = [event["ts"] for event in told if event["data"]["status"] == "running"][1:]
        # A little less than the tenth of a second: the clock of an event is read after that of the progress.
        assert all(later - earlier > 80 for earlier, later in pairwise(running))


def cut_after_message(path: Path, messages: int) -> bytes:
    """The beginning of an export, as an interrupted copy leaves it: in the middle of the next message."""
    with path.open("rb") as file:
        reader = read_export(file)
        for _ in range(messages):
            next(reader)
        end = reader.stats().bytes_read
    return path.read_bytes()[: end + 40]


async def test_a_broken_export_keeps_what_came_before_and_says_how_to_go_on(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        path = tmp_path / "broken.json"
        path.write_bytes(cut_after_message(at.export(COUNT), 333))
        with pytest.raises(IngestionFailed) as failure:
            await ingest(at, path, "job")
        told = await last_progress(at, "job")
        assert (told["status"], told["done"], told["added"]) == ("failed", 333, 333)
        assert told["error"] == str(failure.value)
        assert "at byte" in told["error"]
        assert "The 333 messages before it are ingested and stay" in told["error"]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda path: None, "cannot read {path}: No such file or directory"),
        (lambda path: path.mkdir(), "cannot read {path}: Is a directory"),
        (lambda path: path.write_text("[1]"), "{path}: the file is a list"),
        (lambda path: path.write_text(""), "{path}: "),
    ],
)
async def test_a_file_that_cannot_be_read_fails_with_one_clear_text(
    tmp_path: Path, make: Callable[[Path], object], text: str
) -> None:
    path = tmp_path / "export.json"
    make(path)
    async with station(tmp_path) as at:
        with pytest.raises(IngestionFailed) as failure:
            await ingest(at, path, "job")
        assert text.format(path=path) in str(failure.value)
        assert (await last_progress(at, "job"))["status"] == "failed"


async def test_a_time_zone_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    async with station(tmp_path) as at, open_publishing_store(at.settings) as store:
        ingestion = Ingestion("job", at.export(10), store=store, timezone="Mars/Olympus")
        with pytest.raises(IngestionFailed, match="knows no time zone 'Mars/Olympus'"):
            await ingestion.run(lambda: False)


async def test_an_ingestion_outlives_a_killed_broker(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        path = at.export(3_000)
        job = asyncio.create_task(ingest(at, path, "job"))
        await at.until("messages", "job", "ingestion_progress", status="running")
        for _ in range(2):
            await asyncio.sleep(0.15)
            await at.server.restart()
        assert await job
        told = await last_progress(at, "job")
        assert (told["done"], told["added"]) == (3_000, 3_000)
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)


async def test_an_ingestion_that_is_asked_to_stop_while_it_counts_leaves_off_and_goes_on_later(
    tmp_path: Path,
) -> None:
    async with station(tmp_path) as at:
        path = at.export(COUNT)
        assert not await ingest(at, path, "job", should_stop=lambda: True)
        assert [event["data"]["status"] for event in await at.events("messages", "job")] == ["counting"]
        assert await ingest(at, path, "job")
        assert (await last_progress(at, "job"))["added"] == COUNT
