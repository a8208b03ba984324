"""A TCP proxy that breaks on demand: cut as by a cable, or stalled so that nobody is told."""

import asyncio
import contextlib
from types import TracebackType
from typing import Final, Self

__all__ = ["FaultyLink"]

_CHUNK_BYTES: Final = 64 * 1024


class FaultyLink:
    """Stands between clients and a server on loopback.

    Example:
        async with FaultyLink(server.port) as link:
            client = await connect(link.port)
            link.stall()            # both sides stay connected, nothing arrives
            link.mend()             # what was sent meanwhile arrives
            link.swallow_answers()  # the server hears, nobody hears the server
            link.cut()              # every connection is reset, new ones as well
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._requests_flow = asyncio.Event()
        self._answers_flow = asyncio.Event()
        self._is_cut = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._carriers: set[asyncio.Task[None]] = set()
        # Connections accepted so far.
        self.accepted = 0
        self.mend()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for carrier in self._carriers:
            carrier.cancel()
        self._abort_all()
        if self._carriers:
            await asyncio.wait(self._carriers)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Reset every connection, and each new one, until mended."""
        self._is_cut = True
        self._abort_all()

    def stall(self) -> None:
        """Carry nothing until mended; connections stay open, and new ones are accepted."""
        self._requests_flow.clear()
        self._answers_flow.clear()

    def swallow_answers(self) -> None:
        """Carry only what goes to the server, until mended."""
        self._answers_flow.clear()

    def mend(self) -> None:
        """Carry everything again, first what waited."""
        self._is_cut = False
        self._requests_flow.set()
        self._answers_flow.set()

    def __repr__(self) -> str:
        state = "cut" if self._is_cut else "flowing" if self._answers_flow.is_set() else "stalled"
        return f"<FaultyLink to {self._target_port}, {state}, {len(self._writers) // 2} connections>"

    def _abort_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        carrier = asyncio.create_task(self._carry(reader, writer))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self._is_cut:
                return
            with contextlib.suppress(OSError):
                await self._connect(reader, writer)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers.add(far_writer)
        ways = [
            asyncio.create_task(_pump(reader, far_writer, self._requests_flow)),
            asyncio.create_task(_pump(far_reader, writer, self._answers_flow)),
        ]
        try:
            # When one way ends the connection has ended.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            self._writers.discard(far_writer)
            far_writer.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(_CHUNK_BYTES):
            await flow.wait()
            writer.write(chunk)
            await writer.drain()
