"""A broker with the application's topics, workers as real processes, and a look at what came of it all."""

import asyncio
import contextlib
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec
from nats.aio.client import Client
from nats.js import JetStreamContext
from sqlalchemy import select

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.opening import open_broker
from pulse_radar.publisher import Publisher
from pulse_radar.radar.jobs import open_job_queue, run_worker
from pulse_radar.radar.settings import RadarSettings
from pulse_radar.radar.store import Atom, Message, open_store
from pulse_radar.radar.topics import TOPICS
from pulse_radar.settings import Settings
from pulse_radar.stream.entry import StoredEvent
from pulse_radar.testing.nats_server import NatsServer
from pulse_radar.testing.telegram_exports import write_export

# Long enough for a busy machine, short enough to fail with a test's own words.
PATIENCE = 60.0

# The key of the event by which a record knows that it hears.
_BEGUN: Final = "begun"

Data = dict[str, Any]


class Record:
    """All that happened on one topic since it was begun, though of a state topic the broker keeps only the newest."""

    def __init__(self, broker: Broker, topic: str) -> None:
        self._broker = broker
        self._topic = topic
        self._position = 0
        self._news = asyncio.Condition()
        self._events: list[Data] = []

    async def keep(self) -> None:
        """Follow the topic, for ever."""
        async for entries in self._broker.tail(self._topic, after=0):
            async with self._news:
                self._events += [msgspec.json.decode(e.text) for e in entries if isinstance(e, StoredEvent)]
                self._position = entries[-1].last
                self._news.notify_all()

    async def begun(self) -> None:
        """Wait until it hears whatever is published from now on."""
        draft = Draft(self._topic, "begun", b"{}", "begun", key=_BEGUN)
        position = await self._broker.store(draft)
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self._position >= position)

    async def events(self) -> list[Data]:
        """All events that are stored by now."""
        last = (await self._broker.extent(self._topic)).last
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: self._position >= last)
        return [event for event in self._events if event.get("key") != _BEGUN]

    async def first(self, is_meant: Callable[[Data], bool]) -> Data:
        """The first event that is meant, as soon as there is one."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: any(map(is_meant, self._events)))
        return next(filter(is_meant, self._events))


class Station:
    """A NATS server with the topics declared, and a record of each."""

    def __init__(self, directory: Path, server: NatsServer, settings: Settings, broker: Broker) -> None:
        self.directory = directory
        self.server = server
        self.settings = settings
        self.broker = broker
        self.records = {spec.name: Record(broker, spec.name) for spec in TOPICS}

    def export(self, messages: int, *, seed: int = 0, name: str = "result.json") -> Path:
        path = self.directory / name
        with path.open("wb") as out:
            write_export(out, messages=messages, seed=seed, full=True)
        return path

    async def queue(self, path: Path, *, job_id: str, pace: float | None = None) -> None:
        async with open_job_queue(self.settings) as queue:
            await queue.ingest(path, job_id=job_id, pace=pace)

    async def events(self, topic: str, key: str | None = None) -> list[Data]:
        """All events of a topic, as they are on the wire."""
        return [e for e in await self.records[topic].events() if key in (None, e.get("key"))]

    async def atoms(self) -> Counter[str]:
        """How often each atom was said to be new."""
        told = await self.events("knowledge")
        return Counter(event["data"]["id"] for event in told if event["event"] == "atom_created")

    async def published(self) -> None:
        """Return when all that was committed is published: a process that ends waits for that only so long."""
        async with (
            open_store(self.settings, RadarSettings.load()) as store,
            Publisher(settings=self.settings) as publisher,
            store.relay(publisher) as relay,
        ):
            await relay.drain(PATIENCE)

    async def until(self, topic: str, key: str, name: str, **wanted: object) -> Data:
        """The data of the first event of this key with this name and these values."""

        def is_meant(event: Data) -> bool:
            is_named = event.get("key") == key and event["event"] == name
            return is_named and wanted.items() <= event["data"].items()

        data: Data = (await self.records[topic].first(is_meant))["data"]
        return data

    async def until_done(self, job_id: str, messages: int) -> Data:
        """The progress of an ingestion once so many messages are done."""
        async with asyncio.timeout(PATIENCE):
            while True:
                told = await self.events("messages", job_id)
                if told and told[-1]["data"]["done"] >= messages:
                    data: Data = told[-1]["data"]
                    return data
                await asyncio.sleep(0.02)

    async def stored(self) -> tuple[list[tuple[int, int]], list[str]]:
        """The messages in the database, by chat and id, and the atoms, by id; each in its order there."""
        async with open_store(self.settings, RadarSettings.load()) as store, store.reading() as session:
            messages = select(Message.chat_id, Message.id).order_by(Message.number)
            atoms = select(Atom.id).order_by(Atom.number)
            rows = [(row.chat_id, row.id) for row in await session.execute(messages)]
            return rows, list(await session.scalars(atoms))

    @asynccontextmanager
    async def jetstream(self) -> AsyncIterator[JetStreamContext]:
        client = Client()
        await client.connect(self.server.url, max_reconnect_attempts=-1, reconnect_time_wait=0)
        try:
            yield client.jetstream()
        finally:
            await client.close()


@asynccontextmanager
async def station(directory: Path, **given: object) -> AsyncIterator[Station]:
    async with NatsServer(directory / "nats") as server:
        settings = Settings.load(broker=server.url, data_dir=directory / "data", **given)
        async with open_broker(settings, is_owner=True) as broker:
            await broker.declare(TOPICS)
            at = Station(directory, server, settings, broker)
            keeping = [asyncio.create_task(record.keep()) for record in at.records.values()]
            try:
                await asyncio.gather(*(record.begun() for record in at.records.values()))
                yield at
            finally:
                for task in keeping:
                    task.cancel()
                await asyncio.gather(*keeping, return_exceptions=True)


@asynccontextmanager
async def working(at: Station) -> AsyncIterator[None]:
    """A worker in this event loop, told to stop at the end."""
    stopping = asyncio.Event()
    worker = asyncio.create_task(run_worker(at.settings, stopping))
    try:
        yield
    finally:
        stopping.set()
        async with asyncio.timeout(PATIENCE):
            await worker


class Worker:
    """`pulse-radar worker` as a process."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self.log = station.directory / f"worker-{id(self)}.log"
        self.process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        place = ("--broker", self._station.server.url, "--data-dir", str(self._station.settings.data_dir))
        command = (sys.executable, "-m", "pulse_radar.cli", "worker", *place)
        with self.log.open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def end(self, number: signal.Signals) -> int:
        """Send it a signal; its exit code."""
        self.process.send_signal(number)
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()
