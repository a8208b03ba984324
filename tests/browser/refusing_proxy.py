"""An HTTP proxy of the kind that some offices have: it answers a WebSocket's upgrade with 403, and carries all else."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

_REFUSAL = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextlib.asynccontextmanager
async def refusing_proxy(target_port: int) -> AsyncIterator[int]:
    """The port of a proxy in front of a server on loopback."""
    carriers: set[asyncio.Task[None]] = set()

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

    def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrier = asyncio.create_task(accept(reader, writer))
        carriers.add(carrier)

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
