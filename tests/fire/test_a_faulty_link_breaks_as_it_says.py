"""What the network of a run does to a connection, byte by byte. Ratios and orders, no times."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from pulse_radar.testing.faulty_link import FaultyLink
from tests.waiting import eventually

TEXT = "pulse naïve живой روشن 雷达 🛰️ ".encode()


class Echo:
    """A server that sends back what it gets, and knows how many clients it has."""

    def __init__(self) -> None:
        self.clients = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.clients += 1
        try:
            while data := await reader.read(1024):
                writer.write(data)
        except OSError:
            pass
        finally:
            self.clients -= 1
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    echo = Echo()
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    echo.port = server.sockets[0].getsockname()[1]
    async with server:
        yield echo


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def ask(self, data: bytes) -> bytes:
        self._writer.write(data)
        return await self._reader.readexactly(len(data))

    @property
    def port(self) -> int:
        port: int = self._writer.get_extra_info("sockname")[1]
        return port


@asynccontextmanager
async def connected(link: FaultyLink) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
    client = Client(reader, writer)
    try:
        assert await client.ask(b"hello") == b"hello"
        yield client
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def test_a_forgotten_connection_is_dead_and_neither_side_is_told(echo: Echo) -> None:
    async with FaultyLink(echo.port) as link:
        async with connected(link) as client:
            link.forget()
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(client.ask(b"there?"), 0.1)
                link.mend()
        # A new connection works; the server still believes in the old one.
        async with connected(link):
            assert echo.clients == 2
        await eventually(lambda: echo.clients == 1)
    await eventually(lambda: echo.clients == 0)


async def test_connections_overtake_each_other_and_pieces_do_not(echo: Echo) -> None:
    async with FaultyLink(echo.port) as link, AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connected(link)) for _ in range(8)]
        link.delay(0, 0.05)
        came: list[int] = []

        async def ask(number: int) -> None:
            for turn in b"abcd":
                assert await clients[number].ask(bytes([turn])) == bytes([turn])
                came.append(number)

        await asyncio.gather(*(ask(number) for number in range(len(clients))))
        assert came != [number for _ in range(4) for number in range(len(clients))]


async def test_a_throttled_link_is_slow_until_it_is_mended(echo: Echo) -> None:
    async with FaultyLink(echo.port) as link, connected(link) as client:
        link.throttle(1_000)
        asking = asyncio.create_task(client.ask(b"x" * 100_000))
        done, _ = await asyncio.wait([asking], timeout=0.3)
        assert not done
        link.mend()
        assert len(await asyncio.wait_for(asking, 10)) == 100_000


async def test_one_bit_flips_each_way_and_whoever_reads_utf_8_notices(echo: Echo) -> None:
    async with FaultyLink(echo.port) as link, connected(link) as client:
        damaged: list[int] = []
        link.corrupt(damaged.append)
        answers = [await client.ask(TEXT) for _ in range(80)]
        changed = [answer for answer in answers if answer != TEXT]
        # There and back: two flips, which may meet in one answer.
        assert damaged == [client.port] * 2
        assert len(changed) <= 2
        for answer in changed if len(changed) == 2 else []:
            with pytest.raises(UnicodeDecodeError):
                answer.decode()
