"""A real TaskIQ worker on a real NATS server: its life told, its death noticed, its jobs stopped."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest import mock

from pulse_radar.jobs import TaskiqRequeue
from tests.jobs.station import Station, Worker, station


@asynccontextmanager
async def shop(at: Station) -> AsyncIterator[Any]:
    """The shop's module in this process, connected, for putting jobs into the queue."""
    with mock.patch.dict(os.environ, at.environment):
        sys.modules.pop("tests.jobs.shop", None)
        module = import_module("tests.jobs.shop")
    await module.broker.startup()
    try:
        yield module
    finally:
        await module.broker.shutdown()


async def test_a_worker_is_followed_cancelled_and_outlived(tmp_path: Path) -> None:
    """One story, for a worker takes seconds to start: each act ends with what everybody was told."""
    async with station(tmp_path, apps=2) as at, shop(at) as jobs, Worker(at) as worker:
        record = at.record

        # A job is queued, started, and done.
        job = await jobs.double.kiq(21)
        done = await record.until(job.task_id, "job_completed")
        assert [moment["state"] for moment in done["transitions"]] == ["queued", "started", "completed"]
        assert done["arguments"]["args"] == [21]
        assert done["worker"].split(":")[1] != str(os.getpid())

        # A retry is no failure.
        flaky = await jobs.flaky.kiq("flaky")
        await record.until(flaky.task_id, "job_completed", 3)
        assert {name for name, _ in record.life(flaky.task_id)} <= {
            "queued",
            "started",
            "retrying",
            "completed",
        }

        # Cancelling is heard by the other process, through any app.
        waiting = await jobs.wait_once.kiq("sleeper")
        await record.until(waiting.task_id, "job_progress")
        answer = await at.apps[1].http.post(f"/jobs/{waiting.task_id}/cancel", json={"reason": "enough"})
        assert answer.status_code == 202
        assert (await record.until(waiting.task_id, "job_cancelled"))["reason"] == "enough"
        assert at.noted().count("sleeper left") == 1

        # In a thread, too.
        blocking = await jobs.block.kiq("blocker")
        await record.until(blocking.task_id, "job_progress")
        assert (await at.http.post(f"/jobs/{blocking.task_id}/cancel")).status_code == 202
        await record.until(blocking.task_id, "job_cancelled")
        assert "blocker left" in at.noted()

        # Killed in the middle: lost, once, although two apps watch. Taken up by another, it is retried, and done.
        orphan = await jobs.wait_once.kiq("orphan")
        doomed = await jobs.wait_once.kiq("doomed")
        await record.until(orphan.task_id, "job_progress")
        await record.until(doomed.task_id, "job_progress")
        await worker.kill()
        lost = await record.until(orphan.task_id, "job_lost")
        assert lost["progress"]["message"] == "waiting"
        await record.until(doomed.task_id, "job_lost")
        # One of them nobody wants any more.
        answer = await at.http.post(f"/jobs/{doomed.task_id}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (202, "cancelled")
        async with Worker(at):
            done = await record.until(orphan.task_id, "job_completed")
            life = record.life(orphan.task_id)
            later = await jobs.double.kiq(1)
            await record.until(later.task_id, "job_completed")
        assert [one for one in life if one[0] != "queued"] == [
            ("started", 1),
            ("lost", 1),
            ("retrying", 1),
            ("started", 2),
            ("completed", 2),
        ]
        assert done["attempt"] == 2
        assert record.life(doomed.task_id)[-1] == ("cancelled", 1)
        assert at.noted().count("doomed") == 1
        # What was cancelled was acknowledged: nothing of it came back, after the time for that was over.
        assert at.noted().count("sleeper") == at.noted().count("blocker") == 1


async def test_a_job_that_failed_runs_again_in_a_worker(tmp_path: Path) -> None:
    async with station(tmp_path) as at, shop(at) as jobs, Worker(at):
        requeue = TaskiqRequeue(jobs.broker)
        at.apps[0].jobs._queue = requeue
        # Stopped in the middle, and then wanted all the same.
        job = await jobs.wait_once.kiq("again")
        await at.record.until(job.task_id, "job_progress")
        await at.http.post(f"/jobs/{job.task_id}/cancel")
        await at.record.until(job.task_id, "job_cancelled")
        answer = await at.http.post(f"/jobs/{job.task_id}/retry")
        assert (answer.status_code, answer.json()["data"]["attempt"]) == (202, 2)
        await at.record.until(job.task_id, "job_completed", 2)
        assert at.record.life(job.task_id)[-3:] == [("queued", 2), ("started", 2), ("completed", 2)]


async def test_workers_that_are_only_cut_off_for_a_moment_lose_nothing(tmp_path: Path) -> None:
    async with station(tmp_path) as at, shop(at) as jobs, Worker(at):
        job = await jobs.block.kiq("steady")
        await at.record.until(job.task_id, "job_progress")
        await at.server.restart()
        # Several rounds of asking.
        await asyncio.sleep(6)
        answer = await at.http.post(f"/jobs/{job.task_id}/cancel")
        assert answer.status_code == 202
        await at.record.until(job.task_id, "job_cancelled")
        assert "lost" not in {name for name, _ in at.record.life(job.task_id)}
