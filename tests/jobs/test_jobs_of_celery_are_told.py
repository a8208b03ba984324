"""A real Celery worker on Celery's own transport in memory, its life told on a real NATS server."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from celery import Celery  # type: ignore[import-untyped]
from celery.contrib.testing.worker import start_worker  # type: ignore[import-untyped]
from celery.signals import setup_logging  # type: ignore[import-untyped]

from pulse_radar.jobs import JobProgress
from pulse_radar.jobs.celery import tell_jobs
from tests.jobs.station import station


@setup_logging.connect  # type: ignore[untyped-decorator]
def leave_logs_alone(**_given: object) -> None:
    """Where somebody sees to the logs, Celery does not: it would silence warnings in all tests that follow."""


@contextmanager
def working(app: Celery) -> Iterator[None]:
    with start_worker(app, perform_ping_check=False, pool="threads", concurrency=2, shutdown_timeout=20):
        yield


@pytest.mark.filterwarnings("default")  # Celery's own
async def test_a_job_of_celery_is_told_retried_and_cancelled(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        app = Celery("shop", broker="memory://", backend="cache+memory://")
        jobs = tell_jobs(at.server.url)
        calls: list[str] = []

        @app.task(bind=True, name="flaky", max_retries=3)  # type: ignore[untyped-decorator]
        def flaky(self: Any) -> None:
            JobProgress().update(1, total=2)
            calls.append("flaky")
            if len(calls) == 1:
                raise self.retry(exc=ConnectionError("not yet"), countdown=0)

        @app.task(name="fail")  # type: ignore[untyped-decorator]
        def fail() -> None:
            raise ValueError("no")

        @app.task(name="endless")  # type: ignore[untyped-decorator]
        def endless() -> None:
            progress = JobProgress()
            while True:
                progress.update(1)
                time.sleep(0.02)

        try:
            with working(app):
                job = (await asyncio.to_thread(flaky.delay)).id
                done = await at.record.until(job, "job_completed", 2)
                assert done["progress"]["total"] == 2
                life = at.record.life(job)
                # Nothing of when "queued" comes: the worker may be quicker than who sent it.
                assert life[-1] == ("completed", 2)
                assert "failed" not in {name for name, _ in life}

                failed = await at.record.until((await asyncio.to_thread(fail.delay)).id, "job_failed")
                assert (failed["error_type"], failed["error"]) == ("ValueError", "no")

                job = (await asyncio.to_thread(endless.delay)).id
                await at.record.until(job, "job_progress")
                answer = await at.http.post(f"/jobs/{job}/cancel", json={"reason": "enough"})
                assert answer.status_code == 202
                assert (await at.record.until(job, "job_cancelled"))["reason"] == "enough"
            assert jobs.stats().lost == 0
        finally:
            await asyncio.to_thread(jobs.close)
