"""Jobs in real worker processes: done once, given back by a worker that stops, taken from one that dies."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from pulse_radar.radar.app import create_app
from pulse_radar.radar.jobs import open_job_queue
from pulse_radar.radar.jobs.broker import MAX_DELIVERIES
from pulse_radar.testing.app_lifespan import running
from tests.radar.station import Station, Worker, station, working
from tests.radar.test_each_message_is_ingested_once import cut_after_message, expected_atoms

COUNT = 500

# Slow enough that a signal lands in the middle.
PACE = 400.0


async def life(at: Station, job_id: str) -> list[tuple[str, int]]:
    """What happened to a job, and in which attempt; its progress left out."""
    told = await at.events("monitoring", job_id)
    return [(e["event"], e["data"]["attempt"]) for e in told if e["event"] != "job_progress"]


async def test_a_job_is_queued_started_and_completed(tmp_path: Path) -> None:
    async with station(tmp_path) as at, working(at):
        path = at.export(COUNT)
        await at.queue(path, job_id="job")
        completed = await at.until("monitoring", "job", "job_completed")
        assert await life(at, "job") == [("job_queued", 1), ("job_started", 1), ("job_completed", 1)]
        assert completed["name"] == "ingest_export"
        assert f":{os.getpid()}:" in completed["worker"]
        assert completed["ended_at"] > completed["started_at"]
        assert completed["duration_seconds"] > 0
        assert completed["progress"]["done"] == completed["progress"]["total"] == COUNT
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)


async def test_a_worker_that_is_told_to_stop_gives_its_job_back_at_once(tmp_path: Path) -> None:
    async with station(tmp_path) as at, Worker(at) as first, Worker(at) as second:
        path = at.export(COUNT)
        await at.queue(path, job_id="job", pace=PACE)
        await at.until_done("job", 100)
        working = (await at.until("monitoring", "job", "job_started"))["worker"]
        stopped = first if f":{first.process.pid}:" in working else second
        began_at = time.monotonic()
        assert await stopped.end(signal.SIGTERM) == 0
        assert time.monotonic() - began_at < 30
        done = await at.until("messages", "job", "ingestion_progress", status="completed")
        assert (done["done"], done["added"]) == (COUNT, COUNT)
        await at.until("monitoring", "job", "job_completed")
        told = await life(at, "job")
        # The other worker may be so fast that "retrying" is no news any more.
        assert [one for one in told if one != ("job_retrying", 1)] == [
            ("job_queued", 1),
            ("job_started", 1),
            ("job_started", 2),
            ("job_completed", 2),
        ]
        assert ("job_retrying", 1) not in told[3:]
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)


async def test_a_broken_file_fails_once_with_its_text_and_the_worker_goes_on(tmp_path: Path) -> None:
    async with station(tmp_path) as at, Worker(at) as worker:
        whole = at.export(COUNT)
        broken = tmp_path / "broken.json"
        broken.write_bytes(cut_after_message(whole, 150))
        await at.queue(broken, job_id="broken")
        await at.queue(tmp_path / "nowhere.json", job_id="absent")
        failed = await at.until("monitoring", "broken", "job_failed")
        assert failed["error_type"] == "ExportBroken"
        assert "at byte" in failed["error"]
        assert "150 messages before it are ingested" in failed["error"]
        absent = await at.until("monitoring", "absent", "job_failed")
        assert "No such file" in absent["error"]
        await at.queue(whole, job_id="whole")
        told = await at.until("messages", "whole", "ingestion_progress", status="completed")
        assert (told["added"], told["skipped"]) == (COUNT - 150, 150)
        assert (await life(at, "broken"))[-1] == ("job_failed", 1)
        assert await worker.end(signal.SIGINT) == 0
        said = worker.log.read_text()
        assert "No such file" in said
        assert "Traceback" not in said


async def test_a_job_goes_on_after_its_broker_was_killed(tmp_path: Path) -> None:
    async with station(tmp_path) as at, working(at):
        path = at.export(COUNT)
        await at.queue(path, job_id="job", pace=PACE)
        await at.until_done("job", 120)
        await at.server.kill()
        await asyncio.sleep(0.5)
        await at.server.start()
        told = await at.until("messages", "job", "ingestion_progress", status="completed")
        assert (told["done"], told["added"]) == (COUNT, COUNT)
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)
        # The same worker takes the next one.
        await at.queue(path, job_id="next")
        await at.until("monitoring", "next", "job_completed")


async def test_a_job_over_which_workers_keep_dying_is_given_up(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        await at.queue(at.export(20), job_id="deadly")
        async with at.jetstream() as jetstream:
            workers = await jetstream.pull_subscribe("pulse.jobs", durable="PULSE-WORKERS")
            for _ in range(MAX_DELIVERIES):
                [delivery] = await workers.fetch(1)
                await delivery.nak()
        async with working(at):
            failed = await at.until("monitoring", "deadly", "job_failed")
    assert f"given up after {MAX_DELIVERIES} workers died over it" in failed["error"]


async def test_the_same_job_queued_twice_is_one_job(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        path = at.export(20)
        await at.queue(path, job_id="job")
        await at.queue(path, job_id="job")
        async with working(at):
            await at.until("monitoring", "job", "job_completed")
            await at.queue(path, job_id="other")
            await at.until("monitoring", "other", "job_completed")
        assert (await life(at, "job")).count(("job_started", 1)) == 1
        assert len([event for event in await at.events("messages", "job") if event["data"]["done"] == 0]) == 2


async def test_two_namespaces_share_a_server_and_no_jobs(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        async with open_job_queue(at.settings.model_copy(update={"namespace": "other"})) as queue:
            await queue.ingest(at.export(20), job_id="theirs")
        async with working(at):
            await at.queue(at.export(20), job_id="ours")
            await at.until("monitoring", "ours", "job_completed")
        assert await life(at, "theirs") == []


@asynccontextmanager
async def app(at: Station) -> AsyncIterator[httpx.AsyncClient]:
    """The application in this process, by its routes."""
    made = create_app(at.settings)
    transport = httpx.ASGITransport(made)
    async with running(made), httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        yield http


async def test_an_ingestion_that_is_paused_goes_on_where_it_was(tmp_path: Path) -> None:
    async with station(tmp_path) as at, working(at), app(at) as http:
        path = at.export(COUNT)
        # Slowly: it must be at it still when it is told to stop, on a busy machine as well.
        await at.queue(path, job_id="job", pace=PACE / 4)
        await at.until_done("job", 120)
        answer = await http.post("/ingestions/job/pause")
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelling")
        paused = await at.until("messages", "job", "ingestion_progress", status="paused")
        assert 120 <= paused["done"] < COUNT
        await at.until("monitoring", "job", "job_cancelled", reason="paused")
        answer = await http.post("/ingestions/job/resume")
        assert (answer.status_code, answer.json()["data"]["attempt"]) == (202, 2)
        done = await at.until("messages", "job", "ingestion_progress", status="completed")
        assert (done["done"], done["added"], done["skipped"]) == (COUNT, COUNT, 0)
        await at.until("monitoring", "job", "job_completed", attempt=2)
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)
        assert (await http.post("/ingestions/job/pause")).status_code == 409


async def test_an_ingestion_that_is_cancelled_ends_and_what_it_did_stays(tmp_path: Path) -> None:
    async with station(tmp_path) as at, working(at), app(at) as http:
        path = at.export(COUNT)
        # Slowly: it must be at it still when it is told to stop, on a busy machine as well.
        await at.queue(path, job_id="job", pace=PACE / 4)
        await at.until_done("job", 120)
        assert (await http.post("/jobs/job/cancel", json={"reason": "wrong chat"})).status_code == 202
        told = await at.until("messages", "job", "ingestion_progress", status="cancelled")
        await at.until("monitoring", "job", "job_cancelled", reason="wrong chat")
        # The whole of it, later: what is there is skipped.
        await at.queue(path, job_id="other")
        done = await at.until("messages", "other", "ingestion_progress", status="completed")
        assert done["skipped"] >= told["done"] > 0
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)


async def test_an_ingestion_that_is_paused_before_it_begins_waits(tmp_path: Path) -> None:
    async with station(tmp_path) as at, app(at) as http:
        await at.queue(at.export(COUNT), job_id="job")
        await at.until("monitoring", "job", "job_queued")
        assert (await http.post("/ingestions/job/pause")).status_code == 202
        await at.until("messages", "job", "ingestion_progress", status="paused")
        async with working(at):
            await at.until("monitoring", "job", "job_cancelled")
            assert (await at.events("knowledge")) == []
            assert (await http.post("/ingestions/job/resume")).status_code == 202
            await at.until("messages", "job", "ingestion_progress", status="completed", added=COUNT)


async def test_a_killed_worker_leaves_its_job_lost_until_another_takes_it_up(tmp_path: Path) -> None:
    async with station(tmp_path) as at, app(at):
        path = at.export(COUNT)
        async with Worker(at) as first:
            await at.queue(path, job_id="job", pace=PACE)
            await at.until_done("job", 120)
            await first.end(signal.SIGKILL)
        await at.until("monitoring", "job", "job_lost")
        async with Worker(at):
            done = await at.until("messages", "job", "ingestion_progress", status="completed")
            await at.until("monitoring", "job", "job_completed", attempt=2)
        assert (done["done"], done["added"], done["skipped"]) == (COUNT, COUNT, 0)
        assert await at.atoms() == await asyncio.to_thread(expected_atoms, path)
        messages, atoms = await at.stored()
        assert (len(messages), set(atoms)) == (COUNT, set(expected_atoms(path)))
        assert (await life(at, "job"))[1:] == [
            ("job_started", 1),
            ("job_lost", 1),
            ("job_retrying", 1),
            ("job_started", 2),
            ("job_completed", 2),
        ]
