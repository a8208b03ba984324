"""A real Dramatiq worker with its threads, its life told on a real NATS server."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dramatiq import Worker, actor
from dramatiq.brokers.stub import StubBroker

from pulse_radar.jobs import JobProgress
from pulse_radar.jobs.dramatiq import PulseMiddleware
from tests.jobs.station import station


@contextmanager
def working(broker: StubBroker) -> Iterator[None]:
    worker = Worker(broker, worker_threads=2, worker_timeout=50)
    worker.start()
    try:
        yield
    finally:
        worker.stop()


async def test_a_job_of_dramatiq_is_told_retried_and_cancelled(tmp_path: Path) -> None:
    async with station(tmp_path) as at:
        broker = StubBroker()
        middleware = PulseMiddleware(at.server.url)
        broker.add_middleware(middleware)
        calls: list[str] = []

        @actor(broker=broker, max_retries=1, min_backoff=10, max_backoff=20)
        def flaky() -> None:
            JobProgress().update(1, total=2)
            calls.append("flaky")
            if len(calls) == 1:
                raise ConnectionError("not yet")

        @actor(broker=broker, max_retries=0)
        def fail() -> None:
            raise ValueError("no")

        @actor(broker=broker, max_retries=5)
        def endless() -> None:
            progress = JobProgress()
            while True:
                progress.update(1)
                time.sleep(0.02)

        with working(broker):
            job = flaky.send().message_id
            done = await at.record.until(job, "job_completed", 2)
            assert done["progress"]["total"] == 2
            # Nothing of when "queued" comes: the worker may be quicker than who sent it.
            assert at.record.life(job)[-1] == ("completed", 2)
            assert "failed" not in {name for name, _ in at.record.life(job)}

            failed = await at.record.until(fail.send().message_id, "job_failed")
            assert (failed["error_type"], failed["error"]) == ("ValueError", "no")

            job = endless.send().message_id
            await at.record.until(job, "job_progress")
            assert (await at.http.post(f"/jobs/{job}/cancel", json={"reason": "enough"})).status_code == 202
            assert (await at.record.until(job, "job_cancelled"))["reason"] == "enough"
        waits = endless.send().message_id
        await at.record.until(waits, "job_queued")
        assert (await at.http.post(f"/jobs/{waits}/cancel")).status_code == 202
        with working(broker):
            await at.record.until(waits, "job_cancelled")
        assert ("started", 1) not in at.record.life(waits)
        assert middleware.stats().lost == 0
        # Nor did the look begin anew what had ended with the worker.
        assert "pulse-jobs" not in {thread.name for thread in threading.enumerate()}
