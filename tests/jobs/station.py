"""A NATS server, an app that shows jobs, and TaskIQ workers as real processes."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import httpx
import msgspec
from fastapi import FastAPI

from pulse_radar import Pulse, Settings
from pulse_radar.brokers.base import Broker
from pulse_radar.jobs import Jobs
from pulse_radar.stream.entry import StoredEvent
from pulse_radar.testing.nats_server import NatsServer

# Long enough for a busy machine, short enough to fail with a test's own words.
PATIENCE: Final = 60.0

Data = dict[str, Any]


class Record:
    """All events of jobs since it began, though the broker keeps only the newest of each."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._news = asyncio.Condition()
        self.events: list[Data] = []

    async def keep(self) -> None:
        """Follow, for ever."""
        async for entries in self._broker.tail("monitoring", after=0):
            async with self._news:
                self.events += [msgspec.json.decode(e.text) for e in entries if isinstance(e, StoredEvent)]
                self._news.notify_all()

    def of(self, task_id: str) -> list[Data]:
        return [event for event in self.events if event.get("key") == task_id]

    def life(self, task_id: str) -> list[tuple[str, int]]:
        """What was told of a job, and of which attempt; progress left out."""
        told = [(e["event"].removeprefix("job_"), e["data"]["attempt"]) for e in self.of(task_id)]
        return [one for one in told if one[0] != "progress"]

    async def until(self, task_id: str, name: str, attempt: int | None = None) -> Data:
        """The data of the first event of this job with this name, once it is there."""

        def found() -> list[Data]:
            return [
                event["data"]
                for event in self.of(task_id)
                if event["event"] == name and attempt in (None, event["data"]["attempt"])
            ]

        try:
            async with asyncio.timeout(PATIENCE), self._news:
                await self._news.wait_for(lambda: bool(found()))
        except TimeoutError:
            raise AssertionError(f"no {name} of {task_id}, but {self.life(task_id)}") from None
        return found()[0]


class App:
    """One process that shows jobs, in this one."""

    def __init__(self, settings: Settings, queue: Any = None) -> None:
        self.pulse = Pulse(settings=settings)
        self.jobs = Jobs(self.pulse, queue)
        self.asgi = FastAPI()
        self.asgi.include_router(self.jobs.router)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.asgi), base_url="http://localhost")

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        async with self.pulse, self.http:
            yield self


class Station:
    """Everything of it; `apps` are siblings on one broker."""

    def __init__(self, directory: Path, server: NatsServer, apps: list[App], record: Record) -> None:
        self.directory = directory
        self.server = server
        self.apps = apps
        self.record = record
        self.ledger = directory / "ledger"
        self.ledger.touch()

    @property
    def http(self) -> httpx.AsyncClient:
        return self.apps[0].http

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "SHOP_NATS": self.server.url,
            "SHOP_PULSE": self.server.url,
            "SHOP_LEDGER": str(self.ledger),
        }

    def noted(self) -> list[str]:
        return self.ledger.read_text().splitlines()


@asynccontextmanager
async def station(directory: Path, *, apps: int = 1, queue: Any = None) -> AsyncIterator[Station]:
    async with NatsServer(directory / "nats") as server, contextlib.AsyncExitStack() as stack:
        settings = Settings.load(broker=server.url)
        made = [await stack.enter_async_context(App(settings, queue).running()) for _ in range(apps)]
        record = Record(made[0].pulse.broker)
        keeping = asyncio.create_task(record.keep())
        try:
            yield Station(directory, server, made, record)
        finally:
            keeping.cancel()
            await asyncio.wait([keeping])


class Worker:
    """`taskiq worker` with its one child, in a process group of its own."""

    def __init__(self, at: Station) -> None:
        self._at = at
        self.log = at.directory / f"worker-{id(self)}.log"
        self.process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        command = (sys.executable, "-m", "taskiq", "worker", "tests.jobs.shop:broker", "--workers", "1")
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command,
                "--max-async-tasks",
                "20",
                stdout=log,
                stderr=log,
                env={**os.environ, **self._at.environment},
                start_new_session=True,
            )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def kill(self) -> None:
        """SIGKILL to all of it, and nobody hears of it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        await self.process.wait()
