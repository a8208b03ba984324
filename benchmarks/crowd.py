"""Clients that cost little: thousands of WebSockets in one process, each counting the events that it gets."""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import Final, cast

__all__ = ["Member", "connect_all", "handshake"]

_HANDSHAKE: Final = (
    "GET /ws?{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)

# An empty pong frame of the client, masked with zeros, said when the server pings.
_PONG: Final = bytes((0x81, 0x80 | 17, 0, 0, 0, 0)) + b'{"action":"pong"}'

_SEQUENCE: Final = re.compile(rb'"_seq":(\d+)')
_LIVE: Final = b'"action":"subscribed"'
_PING: Final = b'{"type":"ping"'

# So many handshakes of ours wait for an answer at once: a listening socket's queue is not endless.
_CONNECTING_AT_ONCE: Final = 200


class Member(asyncio.Protocol):
    """One client. `events` are counted and must come without a hole; `cursor` is the newest sequence."""

    def __init__(self, query: str, port: int, on_event: Callable[[bytes], None] | None = None) -> None:
        self._query = query
        self._port = port
        self._on_event = on_event
        self._buffer = bytearray()
        self._is_upgraded = False
        self.transport: asyncio.Transport
        self.cursor: int | None = None
        self.events = 0
        self.holes = 0
        # When its `subscription` frame came, which says that it is live.
        self.live_at: float | None = None
        self.live = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are transports without being named so.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(handshake(self._query, self._port))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._is_upgraded:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            assert b" 101 " in self._buffer[:20], bytes(self._buffer[:200])
            del self._buffer[: end + 4]
            self._is_upgraded = True
        self._read_frames()

    def __repr__(self) -> str:
        return f"<Member {self._query}, {self.events} events, {self.holes} holes>"

    def _read_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) >= at + 2:
            length, body = buffer[at + 1], at + 2
            if length == 126:
                length, body = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            elif length == 127:
                length, body = int.from_bytes(buffer[at + 2 : at + 10]), at + 10
            if len(buffer) < body + length:
                break
            self._take(bytes(buffer[body : body + length]))
            at = body + length
        del buffer[:at]

    def _take(self, text: bytes) -> None:
        found = _SEQUENCE.search(text)
        if found:
            sequence = int(found[1])
            self.holes += self.cursor is not None and sequence != self.cursor + 1
            self.cursor = sequence
            self.events += 1
            if self._on_event is not None:
                self._on_event(text)
        elif _LIVE in text:
            self.live_at = time.perf_counter()
            self.live.set()
        elif text.startswith(_PING):
            self.transport.write(_PONG)


def handshake(query: str, port: int, *headers: str) -> bytes:
    """The request that begins a connection, with these headers beside those that it needs."""
    more = "".join(f"{header}\r\n" for header in headers)
    return _HANDSHAKE.format(query=query, port=port, headers=more).encode()


async def connect_all(
    queries: Sequence[str], port: int, on_event: Callable[[bytes], None] | None = None
) -> list[Member]:
    """A member for each query, connected as fast as the server takes them, each live when this returns."""
    loop = asyncio.get_running_loop()
    gate = asyncio.Semaphore(_CONNECTING_AT_ONCE)

    async def connect(query: str) -> Member:
        async with gate:
            _, member = await loop.create_connection(lambda: Member(query, port, on_event), "127.0.0.1", port)
            await member.live.wait()
        return member

    return await asyncio.gather(*map(connect, queries))
