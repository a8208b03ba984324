"""Who tells of jobs needs what docs/OPERATIONS.md says, and with less the jobs run all the same."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from taskiq import InMemoryBroker

from pulse_radar import Pulse
from pulse_radar.jobs import Jobs, PulseMiddleware, UnknownJob
from pulse_radar.jobs.life import Job
from pulse_radar.testing.nats_server import NatsServer

PATIENCE = 20.0

TELLS = (
    '"websocket.>", "$JS.API.STREAM.INFO.*", "$JS.API.DIRECT.GET.*", "$JS.API.STREAM.MSG.GET.*", "_INBOX.>"'
)
USERS = f"""
authorization {{ users: [
  {{ user: "app", password: "x" }}
  {{ user: "worker", password: "x", permissions: {{
      publish: [{TELLS}], subscribe: ["_INBOX.>", "pulse.control.>"] }} }}
  {{ user: "deaf", password: "x", permissions: {{ publish: [{TELLS}], subscribe: ["_INBOX.>"] }} }}
] }}
"""


@asynccontextmanager
async def working(directory: Path, user: str) -> AsyncIterator[tuple[Jobs, InMemoryBroker]]:
    async with NatsServer(directory, settings=USERS) as server:
        pulse = Pulse(server.url.replace("//", "//app:x@"))
        jobs = Jobs(pulse)
        broker = InMemoryBroker()
        broker.add_middlewares(PulseMiddleware(server.url.replace("//", f"//{user}:x@")))
        async with pulse:
            await broker.startup()
            try:
                yield jobs, broker
            finally:
                await broker.shutdown()


async def until(jobs: Jobs, task_id: str, state: str) -> Job:
    async with asyncio.timeout(PATIENCE):
        while True:
            with contextlib.suppress(UnknownJob):
                job = await jobs.find(task_id)
                if job.state == state:
                    return job
            await asyncio.sleep(0.05)


def sleeping(broker: InMemoryBroker, goes_on: asyncio.Event) -> Any:
    @broker.task("sleep")
    async def sleep() -> None:
        await goes_on.wait()

    return sleep


async def test_a_worker_with_these_rights_tells_and_is_asked(tmp_path: Path) -> None:
    async with working(tmp_path, "worker") as (jobs, broker):
        job = await sleeping(broker, asyncio.Event()).kiq()
        await until(jobs, job.task_id, "started")
        assert (await jobs.cancel(job.task_id)).state == "cancelling"
        await until(jobs, job.task_id, "cancelled")


async def test_a_worker_that_cannot_be_asked_works_although_its_jobs_look_lost(tmp_path: Path) -> None:
    async with working(tmp_path, "deaf") as (jobs, broker):
        goes_on = asyncio.Event()
        job = await sleeping(broker, goes_on).kiq()
        await until(jobs, job.task_id, "lost")
        goes_on.set()
        done = await until(jobs, job.task_id, "completed")
        assert done.attempt == 1
