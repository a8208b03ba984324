"""The laboratory of brokers on NATS: a real server behind a link that breaks."""

import contextlib
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol, Self

import msgspec
import nats
from nats.aio.client import Client

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.testing.broker_contract import Fault, Laboratory
from pulse_radar.testing.faulty_link import FaultyLink
from pulse_radar.testing.tail_process import TailProcess

__all__ = ["NatsLaboratory"]


class _Stored(msgspec.Struct):
    seq: int


class Server(Protocol):
    """A server that can be hurt: `NatsServer`, or an embedded one in disguise."""

    @property
    def port(self) -> int: ...

    @property
    def url(self) -> str: ...

    @property
    def data(self) -> Path:
        """Where it keeps its streams."""

    async def kill(self) -> None: ...

    async def stop(self) -> None: ...

    async def start(self) -> None: ...


class NatsLaboratory(Laboratory):
    """Everything that can happen to a broker can happen here.

    Example:
        async with NatsLaboratory.open(NatsServer(tmp_path)) as laboratory: ...
    """

    faults = frozenset(Fault)

    def __init__(self, server: Server, link: FaultyLink) -> None:
        self.server = server
        self.link = link

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, server: AbstractAsyncContextManager[Server]) -> AsyncIterator[Self]:
        async with server as running, FaultyLink(running.port) as link:
            yield cls(running, link)

    @property
    def url(self) -> str:
        """The server's address at the far end of the link."""
        return self.server.url.replace(f":{self.server.port}", f":{self.link.port}")

    def broker(self, *, duplicate_window_seconds: float = 120.0) -> AbstractAsyncContextManager[Broker]:
        return NatsBroker(self.url, duplicate_window_seconds=duplicate_window_seconds)

    async def kill_server(self) -> None:
        await self.server.kill()

    async def start_server(self) -> None:
        await self.server.start()

    def cut_link(self) -> None:
        self.link.cut()

    def stall_link(self) -> None:
        self.link.stall()

    def swallow_answers(self) -> None:
        self.link.swallow_answers()

    def mend_link(self) -> None:
        self.link.mend()

    async def trim(self, topic: str, keep: int) -> None:
        question = msgspec.json.encode({"keep": keep} if keep else {})
        async with self._stranger() as client:
            await client.request(f"$JS.API.STREAM.PURGE.PULSE_{topic}", question, timeout=5)

    async def delete(self, topic: str) -> None:
        async with self._stranger() as client:
            await client.request(f"$JS.API.STREAM.DELETE.PULSE_{topic}", timeout=5)

    async def back_up(self) -> None:
        await self.server.stop()
        shutil.copytree(self.server.data, self._copy)
        await self.server.start()

    async def restore(self) -> None:
        await self.server.stop()
        shutil.rmtree(self.server.data)
        shutil.copytree(self._copy, self.server.data)
        await self.server.start()

    async def store_foreign(self, topic: str, body: bytes, *, key: str | None = None) -> int:
        target = f"websocket.{topic}" if key is None else f"websocket.{topic}.{key}"
        async with self._stranger() as client:
            answer = await client.request(target, body, timeout=5)
        return msgspec.json.decode(answer.data, type=_Stored).seq

    def tail_process(self, topic: str, after: int) -> TailProcess:
        return TailProcess(self.url, topic, after)

    def __repr__(self) -> str:
        return f"<NatsLaboratory {self.server!r} {self.link!r}>"

    @property
    def _copy(self) -> Path:
        return self.server.data.with_name("copy")

    @contextlib.asynccontextmanager
    async def _stranger(self) -> AsyncIterator[Client]:
        """Somebody with a client of their own, straight to the server."""
        client = await nats.connect(self.server.url)
        try:
            yield client
        finally:
            await client.close()
