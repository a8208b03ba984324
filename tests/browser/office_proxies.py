"""Proxies of the kind that some offices have: one refuses WebSockets, one cuts whatever is quiet for a while."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine

_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextlib.asynccontextmanager
async def refusing_proxy(target_port: int) -> AsyncIterator[int]:
    """The port of a proxy that answers a WebSocket's upgrade with 403, and carries all else."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A browser opens connections in advance, and may never use them.
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            try:
                head = await reader.readuntil(b"\r\n\r\n")
                if b"upgrade: websocket" in head.lower():
                    writer.write(_REFUSAL)
                    await writer.drain()
                else:
                    await _carry(writer, head.replace(b"keep-alive", b"close"), target_port)
            finally:
                writer.close()

    async with _listening(accept) as port:
        yield port


@contextlib.asynccontextmanager
async def impatient_proxy(target_port: int, patience: float) -> AsyncIterator[int]:
    """The port of a proxy that cuts a connection on which nothing came either way for so many seconds."""
    loop = asyncio.get_running_loop()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target_port)
        heard_at = loop.time()

        async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
            nonlocal heard_at
            while chunk := await source.read(65_536):
                heard_at = loop.time()
                target.write(chunk)

        async def watch() -> None:
            while loop.time() - heard_at < patience:
                await asyncio.sleep(patience / 10)

        ways = [
            asyncio.create_task(way) for way in (pump(reader, far_writer), pump(far_reader, writer), watch())
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            writer.close()
            far_writer.close()

    async with _listening(accept) as port:
        yield port


@contextlib.asynccontextmanager
async def _listening(
    accept: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[None, None, None]],
) -> AsyncIterator[int]:
    """A port of loopback where each connection is carried by a task of its own."""
    carriers: set[asyncio.Task[None]] = set()

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carriers.add(asyncio.create_task(accept(reader, writer)))

    server = await asyncio.start_server(accepted, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for carrier in carriers:
            carrier.cancel()
        await asyncio.gather(*carriers, return_exceptions=True)


async def _carry(writer: asyncio.StreamWriter, head: bytes, target_port: int) -> None:
    """One request and its answer, which may go on for ever."""
    far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target_port)
    try:
        far_writer.write(head)
        while chunk := await far_reader.read(65_536):
            writer.write(chunk)
            await writer.drain()
    finally:
        far_writer.close()
