"""Everything that takes part in a run, started, and ended whatever happens."""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self

import httpx
import msgspec

from pulse_radar.testing.fire.network import Network
from pulse_radar.testing.fire.orders import Folder, Orders
from pulse_radar.testing.fire.processes import Child
from pulse_radar.testing.fire.shape import Shape
from pulse_radar.testing.nats_cluster import NatsCluster
from pulse_radar.testing.nats_server import NatsServer, free_port

__all__ = ["Scene"]

_PACKAGE: Final = "pulse_radar.testing.fire"

# What shortens a run without changing what happens in it: heartbeats and deadlines that are over while a fault lasts,
# a window so small that history is read beyond it.
_SETTINGS: Final = {
    "PULSE_PING_INTERVAL": "1.5",
    "PULSE_PONG_TIMEOUT": "4",
    "PULSE_PUBLISH_DEADLINE": "4",
    "PULSE_WINDOW_EVENTS": "500",
    "PULSE_UNSENT_LIMIT_BYTES": str(512 * 1024),
}

_START_SECONDS: Final = 60.0
_LOOK_SECONDS: Final = 0.05

# How an API process ends that finds no broker, and how much of its output is kept.
_NO_BROKER: Final = "Application startup failed. Exiting."
_TAIL: Final = 2_000


class Scene:
    """The processes and the network of one run."""

    def __init__(self, folder: Folder, seed: int, shape: Shape) -> None:
        self.folder = folder
        self.shape = shape
        self.orders = Orders(seed, shape)
        self._api_ports = [free_port() for _ in range(shape.apis)]
        # Three of them are a cluster.
        self.cluster = NatsCluster(folder.path / "brokers") if shape.brokers > 1 else None
        self.brokers: tuple[NatsServer, ...] = ()
        self.network: Network
        self.apis: list[Child] = []
        self.crowds: list[Child] = []
        # The living worker of each number; its name says which life it is.
        self.workers: list[Child] = []
        self._lives = [0] * shape.workers
        # When an API process was killed, on the clock that all processes share.
        self.kills: list[tuple[float, int]] = []
        # When a process of clients was away, and which.
        self.absences: list[tuple[float, float, int]] = []
        # API processes that ended at once, because the broker was away.
        self.vain_starts = 0
        # What went wrong that no fault explains.
        self.troubles: list[str] = []
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._start_brokers(stack)
            self.network = Network(
                self._api_ports,
                self.shape.links_per_api,
                [broker.port for broker in self.brokers],
                self.shape.uplinks,
                self.folder,
            )
            await stack.enter_async_context(self.network)
            stack.push_async_callback(self._kill_all)
            links = tuple(link.port for link in self.network.links)
            self.orders = msgspec.structs.replace(self.orders, links=links)
            self.folder.give(self.orders)
            await self._start_all()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def url(self) -> str:
        """The broker without any fault in between."""
        return ",".join(broker.url for broker in self.brokers)

    async def revive_worker(self, number: int) -> None:
        """Start a worker, or the next life of one that is gone."""
        self._lives[number] += 1
        self.workers[number] = self._worker(number)
        await self.workers[number].start()

    async def supervise(self) -> None:
        """Start again, for ever, what ended by itself; a trouble, unless it found no broker to start with."""
        while True:
            for child in (*self.apis, *self.crowds):
                if child.has_ended_by_itself:
                    self._note_end(child)
                    await child.start()
            for number, child in enumerate(self.workers):
                if child.has_ended_by_itself:
                    self._note_end(child)
                    await self.revive_worker(number)
            await asyncio.sleep(_LOOK_SECONDS)

    def _note_end(self, child: Child) -> None:
        tail = self.folder.output(child.name).read_text(errors="replace")[-_TAIL:]
        if _NO_BROKER in tail:
            self.vain_starts += 1
        else:
            self.troubles.append(f"{child.name} ended by itself with {child.exit_code}: …{tail}")

    def __repr__(self) -> str:
        return f"<Scene {self.shape}>"

    async def _start_brokers(self, stack: AsyncExitStack) -> None:
        if self.cluster is None:
            self.brokers = (await stack.enter_async_context(NatsServer(self.folder.path / "broker")),)
        else:
            self.brokers = (await stack.enter_async_context(self.cluster)).servers

    async def _start_all(self) -> None:
        self.apis = [self._api(number) for number in range(self.shape.apis)]
        self.workers = [self._worker(number) for number in range(self.shape.workers)]
        self.crowds = [self._crowd(number) for number in range(self.shape.crowds)]
        # Topics are created by the API processes, which are there before anybody publishes.
        for child in self.apis:
            await child.start()
        await asyncio.gather(*(_until_up(port) for port in self._api_ports))
        for child in (*self.workers, *self.crowds):
            await child.start()

    async def _kill_all(self) -> None:
        for child in (*self.workers, *self.crowds, *self.apis):
            await child.kill()

    def _api(self, number: int) -> Child:
        return self._child(
            f"api-{number}",
            *("pulse_radar.cli", "serve", self.shape.app, "--port", str(self._api_ports[number])),
            uplink=number,
        )

    def _worker(self, number: int) -> Child:
        life = self._lives[number]
        arguments = (f"{_PACKAGE}.worker", str(self.folder.path), str(number), str(life))
        return self._child(f"worker-{number}", *arguments, uplink=self.shape.apis + number)

    def _crowd(self, number: int) -> Child:
        return self._child(f"crowd-{number}", f"{_PACKAGE}.crowd", str(self.folder.path), str(number))

    def _child(self, name: str, *arguments: str, uplink: int | None = None) -> Child:
        broker = {} if uplink is None else {"PULSE_BROKER": self.network.uplinks[uplink].url}
        broker["PULSE_REPLICAS"] = str(self.shape.brokers)
        return Child(name, *arguments, output=self.folder.output(name), environment={**_SETTINGS, **broker})


async def _until_up(port: int) -> None:
    async with httpx.AsyncClient() as http, asyncio.timeout(_START_SECONDS):
        while True:
            with contextlib.suppress(httpx.TransportError):
                await http.get(f"http://127.0.0.1:{port}/health")
                return
            await asyncio.sleep(_LOOK_SECONDS)
