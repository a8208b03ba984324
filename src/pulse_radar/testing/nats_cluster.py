"""Three real NATS servers in a cluster on loopback: each can be killed, and cut off from the others."""

import asyncio
import contextlib
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec
import nats
import nats.errors

from pulse_radar.testing.faulty_link import FaultyLink
from pulse_radar.testing.nats_server import NatsServer, free_port

__all__ = ["NatsCluster"]

_NAMES: Final = ("a", "b", "c")

# An election takes up to 8.5 s on an idle machine, and a test's machine is not idle.
_ELECTED_SECONDS: Final = 40.0
_LOOK_SECONDS: Final = 0.05


class _Peer(msgspec.Struct):
    name: str
    current: bool = False


class _Group(msgspec.Struct):
    leader: str = ""
    replicas: list[_Peer] = msgspec.field(default_factory=list)


class _Info(msgspec.Struct):
    cluster: _Group | None = None


class NatsCluster:
    """Three servers that elect the leader of each stream; what one says to another goes over a link that breaks.

    Example:
        async with NatsCluster(tmp_path) as cluster:
            async with NatsBroker(cluster.url, replicas=3) as broker: ...
            leader = await cluster.leader("PULSE_tasks")
            await leader.kill()
            await leader.start()
            cluster.cut_off(leader)
            cluster.heal()
    """

    def __init__(self, store: Path, *, sync_interval: str = "2m") -> None:
        self._store = store
        self._sync_interval = sync_interval
        self._stack = contextlib.AsyncExitStack()
        # From one server's name to another's: the way of the routes that the first one opens.
        self._links: dict[tuple[str, str], FaultyLink] = {}
        self._servers: dict[str, NatsServer] = {}

    async def __aenter__(self) -> Self:
        """Return when the three have found each other and elected who creates streams."""
        async with contextlib.AsyncExitStack() as stack:
            await self._build(stack)
            await asyncio.gather(*(stack.enter_async_context(server) for server in self.servers))
            await self._until_ready()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def servers(self) -> tuple[NatsServer, ...]:
        return tuple(self._servers.values())

    @property
    def url(self) -> str:
        """All of its servers, as a broker takes them."""
        return ",".join(server.url for server in self.servers)

    def others(self, server: NatsServer) -> tuple[NatsServer, ...]:
        return tuple(other for other in self.servers if other is not server)

    async def leader(self, stream: str) -> NatsServer:
        """Who leads a stream, once somebody does. Raises: TimeoutError."""
        async with asyncio.timeout(_ELECTED_SECONDS):
            while True:
                group = await self._group(stream)
                if group is not None and group.leader:
                    return self._servers[group.leader]
                await asyncio.sleep(_LOOK_SECONDS)

    async def until_whole(self, stream: str) -> None:
        """Return when every replica of the stream has everything. Raises: TimeoutError."""
        async with asyncio.timeout(_ELECTED_SECONDS):
            while True:
                group = await self._group(stream)
                if group is not None and group.leader and all(peer.current for peer in group.replicas):
                    return
                await asyncio.sleep(_LOOK_SECONDS)

    def cut_off(self, server: NatsServer) -> None:
        """The server and the others do not reach each other until healed; clients reach all of them."""
        for link in self._links_of(server):
            link.cut()

    def stall_off(self, server: NatsServer) -> None:
        """As `cut_off`, but nobody is told: routes stay open and carry nothing, and what waits arrives late."""
        for link in self._links_of(server):
            link.stall()

    def heal(self) -> None:
        """Everybody reaches everybody."""
        for link in self._links.values():
            link.mend()

    def __repr__(self) -> str:
        return f"<NatsCluster {', '.join(map(repr, self.servers))}>"

    def _links_of(self, server: NatsServer) -> list[FaultyLink]:
        [name] = (name for name, known in self._servers.items() if known is server)
        return [link for ends, link in self._links.items() if name in ends]

    async def _build(self, stack: contextlib.AsyncExitStack) -> None:
        ports = {name: free_port() for name in _NAMES}
        for near in _NAMES:
            for far in _NAMES:
                if near != far:
                    self._links[near, far] = await stack.enter_async_context(FaultyLink(ports[far]))
        for name in _NAMES:
            self._servers[name] = NatsServer(
                self._store / name,
                settings=self._settings(name, ports[name]),
                sync_interval=self._sync_interval,
            )

    def _settings(self, name: str, port: int) -> str:
        ways = [link.port for (near, _), link in self._links.items() if near == name]
        routes = ", ".join(f'"nats://127.0.0.1:{way}"' for way in ways)
        # What it tells the others of itself is an address where nobody listens: they are to use the links.
        return (
            f'server_name: "{name}"\n'
            f'cluster {{ name: "test", listen: "127.0.0.1:{port}", routes: [{routes}]\n'
            f'  advertise: "127.0.0.1:1", no_advertise: true }}\n'
        )

    async def _until_ready(self) -> None:
        """Return when a stream can be created on all three: they know each other, and one of them leads."""
        question = msgspec.json.encode({"name": "READY", "subjects": ["ready"], "num_replicas": len(_NAMES)})
        async with asyncio.timeout(_ELECTED_SECONDS):
            await self._insist("$JS.API.STREAM.CREATE.READY", question)
            await self._insist("$JS.API.STREAM.DELETE.READY")

    async def _insist(self, subject: str, question: bytes = b"") -> None:
        while await self._ask(self.servers[0], subject, question) is None:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(_LOOK_SECONDS)

    async def _group(self, stream: str) -> _Group | None:
        """How a stream's replicas stand, as its leader says to whichever server hears it."""
        for server in self.servers:
            answer = await self._ask(server, f"$JS.API.STREAM.INFO.{stream}") if server.is_running else None
            if answer is not None and (group := msgspec.json.decode(answer, type=_Info).cluster) is not None:
                return group
        return None

    async def _ask(self, server: NatsServer, subject: str, question: bytes = b"") -> bytes | None:
        """An answer of JetStream, None if there is none or it is an error."""
        try:
            client = await nats.connect(server.url, allow_reconnect=False, connect_timeout=1)
            try:
                data = (await client.request(subject, question, timeout=1)).data
            finally:
                await client.close()
        except (OSError, TimeoutError, nats.errors.Error):
            return None
        return None if b'"error"' in data else data
