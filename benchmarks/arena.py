"""A peer and its crowd: a server on one core, its clients on the other, and what both spent.

Linux only: it reads /proc.
"""

import asyncio
import contextlib
import sys
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any, Self

import msgspec

from benchmarks.processes import LOAD_CORE, SERVER_CORE, cpu_seconds, running
from benchmarks.readers import PATIENCE_SECONDS, LostClients, Readers
from pulse_radar.testing.nats_server import free_port

__all__ = ["Arena", "Peer", "Spent", "opened"]


class Peer(msgspec.Struct, frozen=True):
    """One way to send events to many. In its `command` stands `{port}`; `crowd` is how its clients begin."""

    name: str
    command: tuple[str, ...]
    crowd: tuple[str, ...] = ()
    environment: dict[str, str] = {}


class Spent(msgspec.Struct, frozen=True):
    """What a piece of work cost. Units: seconds; `segments` is how many writes of the server arrived."""

    deliveries: int
    wall: float
    server_cpu: float
    crowd_cpu: float
    bytes: int
    segments: int


class Arena:
    """A peer that runs, and its clients, all connected and ready."""

    def __init__(self, peer: Peer, clients: int) -> None:
        self.peer = peer
        self.clients = clients
        self.port = free_port()
        # How long it took until all were ready, and what that cost the server.
        self.connect_seconds = 0.0
        self.connect_cpu = 0.0
        # What each connection keeps resident.
        self.bytes_each = 0.0
        self._server: Process
        self._crowd: Readers

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, peer: Peer, clients: int) -> AsyncIterator[Self]:
        arena = cls(peer, clients)
        async with contextlib.AsyncExitStack() as stack:
            await arena._begin(stack)
            yield arena

    async def run(self, events: int, burst: int) -> Spent:
        """Publish so many, in bursts; return when they are with all clients. Raises: LostClients."""
        deliveries = events * self.clients
        return await self._work(f"run {events} {burst}", deliveries, deliveries)

    async def mixed(self, events: int, deliveries: int) -> Spent:
        """Publish so many, one at a time, in the topics in turn: so many deliveries. Raises: LostClients."""
        return await self._work(f"mixed {events}", events, deliveries)

    async def pace(self, per_second: float, events: int) -> dict[str, float]:
        """Publish at this rate; the percentiles of the time to each client, in milliseconds. Raises: LostClients."""
        await self._crowd.latencies()
        deliveries = events * self.clients
        await self._work(f"pace {per_second} {events}", deliveries, deliveries)
        return await self._crowd.latencies()

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self._server.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("Pss:"))

    async def _begin(self, stack: contextlib.AsyncExitStack) -> None:
        peer, port = self.peer, self.port
        command = [part.format(port=port) for part in peer.command]
        self._server = await stack.enter_async_context(
            running(command, core=SERVER_CORE, environment=peer.environment)
        )
        await self._listening()
        # Its first connections warm it up: what they cost is not what a connection costs.
        async with Readers.open(peer.name, port, 100, peer.crowd, core=LOAD_CORE):
            pass
        await asyncio.sleep(0.5)
        memory, cpu = self.resident_bytes(), cpu_seconds(self._server)
        self._crowd = await stack.enter_async_context(
            Readers.open(peer.name, port, self.clients, peer.crowd, core=LOAD_CORE)
        )
        self.connect_seconds = self._crowd.told["seconds"]
        self.connect_cpu = cpu_seconds(self._server) - cpu
        self.bytes_each = (self.resident_bytes() - memory) / self.clients

    async def _listening(self) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while self._server.returncode is None:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.05)
        raise AssertionError(f"{self.peer.name} ended before it listened")

    async def _work(self, word: str, answer: int, deliveries: int) -> Spent:
        before, cpu = self._crowd.told, cpu_seconds(self._server)
        began = time.perf_counter()
        seen = await self._seen(word, answer, deliveries)
        wall = time.perf_counter() - began
        return Spent(
            deliveries,
            wall,
            cpu_seconds(self._server) - cpu,
            seen["cpu_seconds"] - before["cpu_seconds"],
            seen["bytes"] - before["bytes"],
            seen["segments"] - before["segments"],
        )

    async def _seen(self, word: str, answer: int, deliveries: int) -> dict[str, Any]:
        """Have the server do this; it answers that number, or more: others than the crowd may be connected, too."""
        told = await self._tell_server(word)
        if told < answer:
            raise LostClients(f"{self.peer.name}: {told} deliveries of {answer}")
        return await self._crowd.until(deliveries)

    async def _tell_server(self, word: str) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{word}\n".encode())
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not (line := await self._server.stdout.readline()).startswith(b"ran "):
                    assert line, f"{self.peer.name} ended"
        except TimeoutError:
            raise LostClients(
                f"{self.peer.name}: not done with {word!r} in {PATIENCE_SECONDS:.0f} s"
            ) from None
        return int(line.split()[1])


async def opened(stack: contextlib.AsyncExitStack, peers: Iterable[Peer], clients: int) -> list[Arena]:
    """Each of them with its clients, until the stack ends. One whose clients do not all come in is left out."""
    arenas: list[Arena] = []
    for peer in peers:
        try:
            arenas.append(await stack.enter_async_context(Arena.open(peer, clients)))
        except TimeoutError:
            sys.stderr.write(f"left out: {peer.name}: not all of its clients came in\n")
    return arenas
