"""The middleware that tells what happens to jobs: it never raises, never waits, and counts what it lost."""

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest
from taskiq import TaskiqMessage, TaskiqResult
from taskiq.exceptions import NoResultError

from pulse_radar.radar.jobs.job_life import JobLife, attempt_of
from pulse_radar.settings import Settings
from pulse_radar.testing.nats_server import free_port
from tests.radar.station import station


def message(task_id: str = "job", **labels: Any) -> TaskiqMessage:
    return TaskiqMessage(task_id=task_id, task_name="ingest_export", labels=labels, args=[], kwargs={})


def result(error: BaseException | None = None) -> TaskiqResult[None]:
    return TaskiqResult(is_err=error is not None, return_value=None, execution_time=0.1, error=error)


def run_through(life: JobLife, one: TaskiqMessage, error: BaseException | None = None) -> None:
    life.pre_send(one)
    life.post_send(one)
    life.pre_execute(one)
    life.post_execute(one, result(error))


async def test_a_job_goes_on_while_the_broker_is_away_and_what_nobody_hears_is_counted() -> None:
    life = JobLife(Settings.load(broker=f"nats://127.0.0.1:{free_port()}"))
    await life.startup()
    began_at = time.monotonic()
    for number in range(1_000):
        run_through(life, message(str(number)))
    assert time.monotonic() - began_at < 1.0
    # Queued is told by whoever queues it and by whoever starts it.
    assert life.lost == 3_000
    # Nor does the worker's end wait for it longer than a little.
    began_at = time.monotonic()
    await life.shutdown()
    assert time.monotonic() - began_at < 3.0
    assert life.lost == 4_000


def test_a_persons_log_has_a_line_for_the_beginning_and_the_end_of_an_attempt(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO", "pulse_radar.jobs")
    life = JobLife(Settings.load(broker=f"nats://127.0.0.1:{free_port()}"))
    run_through(life, message("done"))
    run_through(life, message("failed", _retries=1), ValueError("no such file"))
    lines = [re.sub(r"\d\.\d s", "0.1 s", record.getMessage()) for record in caplog.records]
    assert lines == [
        "ingest_export done started",
        "ingest_export done completed after 0.1 s",
        "ingest_export failed started (attempt 2)",
        "ingest_export failed failed after 0.1 s: no such file (attempt 2)",
    ]
    assert [record.levelname for record in caplog.records] == ["INFO", "INFO", "INFO", "ERROR"]
    # Where it was raised is for whoever mends it.
    assert caplog.records[-1].exc_info is not None


async def test_what_was_noted_is_told_when_the_worker_stops(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        life = JobLife(at.settings)
        await life.startup()
        run_through(life, message("done"))
        run_through(life, message("failed"), ValueError("no"))
        run_through(life, message("again"), NoResultError())
        await life.shutdown()
        told = [(event["key"], event["event"]) for event in await at.events("monitoring")]
        ends = {"done": "job_completed", "failed": "job_failed", "again": "job_retrying"}
        assert told == [
            (key, name) for key, end in ends.items() for name in ("job_queued", "job_started", end)
        ]
        failed = next(
            event for event in await at.events("monitoring", "failed") if event["event"] == "job_failed"
        )
        assert (failed["data"]["error_type"], failed["data"]["error"]) == ("ValueError", "no")


async def test_nothing_is_told_as_started_before_it_is_queued(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        life = JobLife(at.settings)
        await life.startup()
        one = life.pre_send(message())
        # The worker is faster than the sender, who tells it, too.
        life.pre_execute(one)
        life.post_send(one)
        await life.shutdown()
        told = await at.events("monitoring")
        assert [event["event"] for event in told] == ["job_queued", "job_started"]
        assert told[0]["data"]["queued_at"] <= told[1]["data"]["started_at"]


async def test_retrying_is_not_told_after_the_next_start(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        life, other = JobLife(at.settings), JobLife(at.settings)
        await life.startup()
        life.pre_execute(message())
        await at.until("monitoring", "job", "job_started")

        async def start_elsewhere() -> None:
            await other.startup()
            other.pre_execute(message(_retries=1))
            await other.shutdown()

        await asyncio.create_task(start_elsewhere())
        life.post_execute(message(), result(NoResultError()))
        await life.shutdown()
        told = [(event["event"], event["data"]["attempt"]) for event in await at.events("monitoring")]
        assert told == [("job_started", 1), ("job_started", 2)]


async def test_two_attempts_in_one_process_keep_their_own_numbers(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        life = JobLife(at.settings)
        await life.startup()

        async def attempt(one: TaskiqMessage, *, then: asyncio.Event, after: asyncio.Event) -> None:
            life.pre_execute(one)
            then.set()
            await after.wait()
            # A retry has counted up in the labels meanwhile.
            one.labels["_retries"] = 7
            life.post_execute(one, result(ValueError("no")))

        began, ended = asyncio.Event(), asyncio.Event()
        first = asyncio.create_task(attempt(message(), then=began, after=ended))
        await began.wait()
        second = asyncio.create_task(attempt(message(_retries=1), then=ended, after=began))
        await asyncio.gather(first, second)
        await life.shutdown()
        told = [(event["event"], event["data"]["attempt"]) for event in await at.events("monitoring")]
        assert sorted(told) == [("job_failed", 1), ("job_failed", 2), ("job_started", 1), ("job_started", 2)]


async def test_what_happened_while_the_broker_was_away_is_told_when_it_is_back(tmp_path: Path) -> None:
    async with station(tmp_path, publish_deadline=0.2) as at:
        life = JobLife(at.settings)
        await life.startup()
        await at.server.kill()
        run_through(life, message())
        await asyncio.sleep(0.5)
        await at.server.start()
        await at.until("monitoring", "job", "job_completed")
        await life.shutdown()
        assert life.lost == 0


async def test_labels_that_somebody_else_wrote_stop_nothing(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        life = JobLife(at.settings)
        await life.startup()
        run_through(life, message(_retries="many", queued_at="yesterday"))
        run_through(life, message("no key at all!"))
        await life.shutdown()
        told = [event["event"] for event in await at.events("monitoring")]
        assert told == ["job_started", "job_completed"]
        assert life.lost == 4


def test_attempts_are_counted_over_retries_and_requeues() -> None:
    assert attempt_of(message()) == 1
    assert attempt_of(message(**{"_retries": "2", "X-Taskiq-requeue": "1"})) == 4
