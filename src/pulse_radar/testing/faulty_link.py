"""A TCP proxy that breaks on demand: cut, half-open, stalled, late, slow, or with a flipped bit."""

import asyncio
import contextlib
import random
import socket
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

__all__ = ["FaultyLink"]

_CHUNK_BYTES: Final = 64 * 1024

# Buffers as large as the system likes would hide for megabytes that a client does not read.
_HELD_BYTES: Final = 64 * 1024

# How finely a throttled link counts.
_SLICE_SECONDS: Final = 0.05

# The bit that corruption flips: the highest one of a byte. In UTF-8 no byte can gain or lose it and the text still be
# legal, and in the header of a WebSocket frame it is FIN, MASK or the sign of a length, so whoever checks what it reads
# notices. Any other bit can turn one text into another, which no protocol without a checksum notices: TLS has one.
_NOTICEABLE_BIT: Final = 0x80
_FLIP_CHANCE: Final = 0.3

# Told of the client's port, when something on its connection was flipped.
TellDamage = Callable[[int], None]


class FaultyLink:
    """Stands between clients and a server on loopback.

    Example:
        async with FaultyLink(server.port) as link:
            client = await connect(link.port)
            link.stall()             # both sides stay connected, nothing arrives
            link.mend()              # what was sent meanwhile arrives
            link.swallow_answers()   # the server hears, nobody hears the server
            link.delay(0.05, 0.2)    # connections overtake each other
            link.throttle(20_000)    # bytes a second, each way of each connection
            link.corrupt(ports.add)  # a bit of each connection flips, noticeably
            link.forget()            # half-open: today's connections are dead, and nobody is told
            link.cut()               # every connection is reset, new ones as well
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._requests = _Weather()
        self._answers = _Weather()
        self._is_cut = False
        self._connections: set[_Connection] = set()
        self._carriers: set[asyncio.Task[None]] = set()
        # Connections accepted so far.
        self.accepted = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, backlog=1024)
        # Who is accepted by it inherits it.
        self._server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _HELD_BYTES)
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
        self._requests.flows.clear()
        self._answers.flows.clear()

    def swallow_answers(self) -> None:
        """Carry only what goes to the server, until mended."""
        self._answers.flows.clear()

    def forget(self) -> None:
        """Drop whatever comes on the connections of this moment, even their end: each side finds out alone."""
        for connection in self._connections:
            connection.is_forgotten = True

    def delay(self, shortest: float, longest: float) -> None:
        """Carry each piece some seconds later, until mended. Connections overtake each other, pieces do not."""
        self._requests.delay = self._answers.delay = (shortest, longest)

    def throttle(self, bytes_per_second: int) -> None:
        """Carry no more than this each way of each connection, until mended."""
        self._requests.bytes_per_second = self._answers.bytes_per_second = bytes_per_second

    def corrupt(self, tell: TellDamage) -> None:
        """Flip one bit each way of each connection at some moment, until mended, so that it can be noticed."""
        self._requests.tell_damage = self._answers.tell_damage = tell

    def mend(self) -> None:
        """Carry everything again, first what waited."""
        self._is_cut = False
        self._requests.clear_up()
        self._answers.clear_up()

    def __repr__(self) -> str:
        state = "cut" if self._is_cut else "flowing" if self._answers.flows.is_set() else "stalled"
        return f"<FaultyLink to {self._target_port}, {state}, {len(self._connections)} connections>"

    def _abort_all(self) -> None:
        for connection in self._connections:
            connection.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        carrier = asyncio.create_task(self._carry(reader, writer))
        self._carriers.add(carrier)
        carrier.add_done_callback(self._carriers.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(reader, writer)
        self._connections.add(connection)
        try:
            if not self._is_cut:
                with contextlib.suppress(OSError):
                    await connection.carry(self._target_port, self._requests, self._answers)
        finally:
            self._connections.discard(connection)
            connection.abort()


class _Weather:
    """What befalls everything that goes one way."""

    def __init__(self) -> None:
        self.flows = asyncio.Event()
        self.clear_up()

    def clear_up(self) -> None:
        self.flows.set()
        # Seconds, from and to.
        self.delay: tuple[float, float] | None = None
        self.bytes_per_second: int | None = None
        self.tell_damage: TellDamage | None = None

    async def pass_through(self, size: int) -> None:
        """Return when a piece of this size has arrived."""
        if self.delay is not None:
            await asyncio.sleep(random.uniform(*self.delay))  # noqa: S311  # not a secret
        left = float(size)
        # Looked at in each slice: a mended link does not finish its slow pieces slowly.
        while self.bytes_per_second is not None and left > 0:
            left -= self.bytes_per_second * _SLICE_SECONDS
            await asyncio.sleep(_SLICE_SECONDS)
        await self.flows.wait()


class _Connection:
    """A client's connection to us, and ours to the server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._far_writer: asyncio.StreamWriter | None = None
        self.is_forgotten = False

    async def carry(self, target_port: int, requests: _Weather, answers: _Weather) -> None:
        """Carry both ways until one of them ends. Raises: OSError, when the server is not there."""
        far_reader, self._far_writer = await asyncio.open_connection("127.0.0.1", target_port)
        far_socket = self._far_writer.get_extra_info("socket")
        far_socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HELD_BYTES)
        ways = [
            asyncio.create_task(self._pump(self._reader, self._far_writer, requests)),
            asyncio.create_task(self._pump(far_reader, self._writer, answers)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            if self.is_forgotten:
                await asyncio.wait(ways)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)

    def abort(self) -> None:
        self._writer.transport.abort()
        if self._far_writer is not None:
            self._far_writer.transport.abort()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, weather: _Weather
    ) -> None:
        is_whole = True
        with contextlib.suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                if is_whole and weather.tell_damage is not None and _strikes():
                    chunk = _damaged(chunk)
                    is_whole = False
                    weather.tell_damage(self._client_port)
                await weather.pass_through(len(chunk))
                if not self.is_forgotten:
                    writer.write(chunk)
                    await writer.drain()
        # The end arrives behind what was sent before, or never.
        await weather.pass_through(0)

    @property
    def _client_port(self) -> int:
        port: int = self._writer.get_extra_info("peername")[1]
        return port


def _strikes() -> bool:
    return random.random() < _FLIP_CHANCE  # noqa: S311  # not a secret


def _damaged(chunk: bytes) -> bytes:
    place = random.randrange(len(chunk))  # noqa: S311  # not a secret
    return chunk[:place] + bytes([chunk[place] ^ _NOTICEABLE_BIT]) + chunk[place + 1 :]
