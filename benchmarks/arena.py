"""A peer and its crowd: a server on one core, its clients on the other, and what both spent."""

import asyncio
import contextlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Self, TypeVar

import msgspec

from benchmarks.child import PATIENCE_SECONDS, Child, LeftOut
from benchmarks.processes import LOAD_CORE, SERVER_CORE
from benchmarks.readers import Had, Kind, Latencies, Readers
from pulse_radar.testing.nats_server import free_port

__all__ = ["Arena", "Connected", "Peer", "Spent", "in_turns", "opened"]

_Found = TypeVar("_Found")


class Peer(msgspec.Struct, frozen=True):
    """One way to send events to many. In its `command` stands `{port}`; `kinds` is how its clients begin.

    `following`: how they begin that follow these topics; None, where it has none.
    """

    name: str
    command: tuple[str, ...]
    kinds: tuple[Kind, ...] = (Kind(),)
    following: Callable[..., Kind] | None = None
    environment: dict[str, str] = {}


class Spent(msgspec.Struct, frozen=True):
    """What a piece of work cost. Units: seconds; `segments`: of TCP with data, that came."""

    deliveries: int
    wall: float
    server_cpu: float
    crowd_cpu: float
    bytes: int
    segments: int


class Connected(msgspec.Struct, frozen=True):
    """What it cost until all clients were ready. Units: seconds; `bytes_each` of the server stay with each."""

    wall: float
    server_cpu: float
    bytes_each: float


class Arena:
    """A peer that runs, and its clients, all connected and ready."""

    def __init__(
        self, peer: Peer, clients: int, port: int, server: Child, crowd: Readers, connected: Connected
    ) -> None:
        self.peer = peer
        self.clients = clients
        self.port = port
        self.connected = connected
        self._server = server
        self._crowd = crowd

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, peer: Peer, clients: int) -> AsyncIterator[Self]:
        """Raises: LeftOut."""
        port = free_port()
        command = [part.format(port=port) for part in peer.command]
        async with Child.started(
            peer.name, command, core=SERVER_CORE, environment=peer.environment
        ) as server:
            await _listening(server, port)
            # Its first connections warm it up: what they cost is not what a connection costs.
            async with _crowd(peer, port, 100):
                pass
            await asyncio.sleep(0.5)
            memory, cpu = server.resident_bytes, server.cpu_seconds
            async with _crowd(peer, port, clients) as crowd:
                bytes_each = (server.resident_bytes - memory) / clients
                connected = Connected(crowd.had.seconds, server.cpu_seconds - cpu, bytes_each)
                yield cls(peer, clients, port, server, crowd, connected)

    async def run(self, events: int, burst: int) -> Spent:
        """Publish so many, in bursts; return when they are with all clients. Raises: LeftOut."""
        deliveries = events * self.clients
        return await self._work(f"run {events} {burst}", deliveries, deliveries)

    async def mixed(self, events: int, deliveries: int) -> Spent:
        """Publish so many, one at a time, in the topics in turn: so many deliveries. Raises: LeftOut."""
        return await self._work(f"mixed {events}", events, deliveries)

    async def pace(self, per_second: float, events: int) -> Latencies:
        """Publish at this rate; how long it took to each client. Raises: LeftOut."""
        # What came before it is not of it.
        await self._crowd.latencies()
        deliveries = events * self.clients
        await self._work(f"pace {per_second} {events}", deliveries, deliveries)
        return await self._crowd.latencies()

    def end(self) -> None:
        """Nothing more is measured with it, and it takes none of the others' time."""
        self._server.kill()
        self._crowd.kill()

    def __repr__(self) -> str:
        return f"<Arena of {self.peer.name}, {self.clients} clients>"

    async def _work(self, word: str, answer: int, deliveries: int) -> Spent:
        before, cpu = self._crowd.had, self._server.cpu_seconds
        began = time.perf_counter()
        had = await self._done(word, answer, deliveries)
        wall = time.perf_counter() - began
        return Spent(
            deliveries,
            wall,
            self._server.cpu_seconds - cpu,
            had.cpu_seconds - before.cpu_seconds,
            had.bytes - before.bytes,
            had.segments - before.segments,
        )

    async def _done(self, word: str, answer: int, deliveries: int) -> Had:
        """Have the server do this; it answers that number, or more: others than the crowd may be connected, too."""
        self._server.say(word)
        told = int((await self._server.heard(b"ran ")).split()[1])
        if told < answer:
            raise LeftOut(f"{self.peer.name}: {told} deliveries of {answer}")
        return await self._crowd.until(deliveries)


def _crowd(peer: Peer, port: int, clients: int) -> contextlib.AbstractAsyncContextManager[Readers]:
    return Readers.open(peer.name, port, clients, *peer.kinds, core=LOAD_CORE)


async def _listening(server: Child, port: int) -> None:
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while server.is_running and time.monotonic() < give_up_at:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise LeftOut(f"{server}: it does not listen")


async def opened(stack: contextlib.AsyncExitStack, peers: Iterable[Peer], clients: int) -> list[Arena]:
    """Each of them with its clients, until the stack ends. One that does not start, or let all in, is left out."""
    arenas: list[Arena] = []
    for peer in peers:
        try:
            arenas.append(await stack.enter_async_context(Arena.open(peer, clients)))
        except LeftOut as left_out:
            _say(left_out)
    return arenas


async def in_turns(
    arenas: list[Arena], rounds: int, work: Callable[[Arena], Awaitable[_Found]]
) -> dict[str, list[_Found]]:
    """By peer, what it did in each round. Before them is one to warm up. Who does not do it is ended and left out."""
    found: dict[str, list[_Found]] = {}
    for _ in range(rounds + 1):
        for arena in tuple(arenas):
            try:
                found.setdefault(arena.peer.name, []).append(await work(arena))
            except LeftOut as left_out:
                _say(left_out)
                arena.end()
                arenas.remove(arena)
    return {arena.peer.name: found[arena.peer.name][1:] for arena in arenas}


def _say(left_out: LeftOut) -> None:
    sys.stderr.write(f"left out: {left_out}\n")
