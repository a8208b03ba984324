"""A peer and its crowd: a server on one core, its clients on the other, and what both spent.

Linux only: it reads /proc.
"""

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from pulse_radar.testing.nats_server import free_port

__all__ = ["LOAD_CORE", "Arena", "LostClients", "Peer", "Spent", "compiled", "cpu_seconds", "pinned"]

_ROOT: Final = Path(__file__).parents[1]
_PATIENCE_SECONDS: Final = 120.0

# The server has one core for itself, the crowd and this process share the other.
_SERVER_CORE: Final = min(os.sched_getaffinity(0))
LOAD_CORE: Final = max(os.sched_getaffinity(0))


class LostClients(Exception):
    """A peer did not bring everything to everybody, so its figures say nothing."""


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
        self._crowd: Process
        self._told: dict[str, Any] = {}

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
        await self._ask("latencies")
        deliveries = events * self.clients
        await self._work(f"pace {per_second} {events}", deliveries, deliveries)
        return await self._ask("latencies")

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self._server.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("Pss:"))

    async def _begin(self, stack: contextlib.AsyncExitStack) -> None:
        port = self.port
        command = [part.format(port=port) for part in self.peer.command]
        self._server = await stack.enter_async_context(pinned(command, _SERVER_CORE, self.peer.environment))
        await self._listening()
        # Its first connections warm it up: what they cost is not what a connection costs.
        async with pinned(self._crowd_command(port, 100), LOAD_CORE) as first:
            await _line(first)
        await asyncio.sleep(0.5)
        memory, cpu = self.resident_bytes(), cpu_seconds(self._server.pid)
        self._crowd = await stack.enter_async_context(
            pinned(self._crowd_command(port, self.clients), LOAD_CORE)
        )
        self._told = await _line(self._crowd)
        self.connect_seconds = self._told["seconds"]
        self.connect_cpu = cpu_seconds(self._server.pid) - cpu
        self.bytes_each = (self.resident_bytes() - memory) / self.clients

    async def _listening(self) -> None:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._server.returncode is None:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    return
                await asyncio.sleep(0.05)
        raise AssertionError(f"{self.peer.name} ended before it listened")

    def _crowd_command(self, port: int, clients: int) -> list[str]:
        return [str(compiled("reader")), str(port), str(clients), *self.peer.crowd]

    async def _work(self, word: str, answer: int, deliveries: int) -> Spent:
        """Have the server do this; it answers that number, or more: others than the crowd may be connected, too."""
        before, cpu = self._told, cpu_seconds(self._server.pid)
        began = time.perf_counter()
        told = await self._tell_server(word)
        if told < answer:
            raise LostClients(f"{self.peer.name}: {told} deliveries of {answer}")
        self._told = await self._ask(f"until {before['events'] + deliveries}")
        wall = time.perf_counter() - began
        seen = self._told
        if seen["events"] != before["events"] + deliveries or seen["least"] != seen["most"]:
            raise LostClients(f"{self.peer.name}: {seen} after {before}")
        return Spent(
            deliveries,
            wall,
            cpu_seconds(self._server.pid) - cpu,
            seen["cpu_seconds"] - before["cpu_seconds"],
            seen["bytes"] - before["bytes"],
            seen["segments"] - before["segments"],
        )

    async def _tell_server(self, word: str) -> int:
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(f"{word}\n".encode())
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not (line := await self._server.stdout.readline()).startswith(b"ran "):
                assert line, f"{self.peer.name} ended"
        return int(line.split()[1])

    async def _ask(self, word: str) -> dict[str, Any]:
        assert self._crowd.stdin is not None
        self._crowd.stdin.write(f"{word}\n".encode())
        return await _line(self._crowd)


@contextlib.asynccontextmanager
async def pinned(
    command: Sequence[str], core: int, environment: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """A process on this core, spoken with by its standard streams; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *("taskset", "--cpu-list", str(core), *command),
        cwd=_ROOT,
        env=os.environ | (environment or {}),
        stdin=PIPE,
        stdout=PIPE,
        # What a server says of each connection nobody reads.
        stderr=DEVNULL,
        limit=1024**2,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def compiled(name: str) -> Path:
    """The program native/NAME.c, built where it is not yet."""
    source = Path(__file__).parent / "native" / f"{name}.c"
    program = Path(tempfile.gettempdir()) / f"pulse-radar-benchmark-{os.getuid()}" / name
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)  # noqa: S603, S607
    return program


def cpu_seconds(pid: int) -> float:
    """What all threads of a process have had of the processor."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


async def _line(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE_SECONDS):
        found: dict[str, Any] = json.loads(await process.stdout.readline())
    return found
