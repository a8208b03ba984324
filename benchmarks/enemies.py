"""Clients that do their worst, each kind in its way, within what the server allows."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import msgspec

from benchmarks.crowd import handshake
from benchmarks.peers.driving import TOPIC
from benchmarks.peers.pulse_app import COOKIE

__all__ = ["KINDS", "Enemy", "Target"]

# What a client may send in the long run (PULSE_MAX_FRAMES_PER_SECOND), and at once.
_FRAMES_PER_SECOND: Final = 50
_FRAMES_AT_ONCE: Final = 1_200

# As large a frame as may be (PULSE_MAX_FRAME_BYTES).
_BLOATED: Final = f'{{"action":"subscribe","topic":"none","nothing":"{"x" * 65_000}"}}'

# A part of the history that is worth to be read for.
_READ_BYTES: Final = 150_000


class Enemy:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader: Final = reader
        self.writer: Final = writer

    def say(self, text: str) -> None:
        """A frame whose mask is of zeros."""
        length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2)
        self.writer.write(b"\x81" + length + bytes(4) + text.encode())

    @contextlib.asynccontextmanager
    async def reading(self) -> AsyncIterator[asyncio.Task[None]]:
        """It reads whatever comes, while this is open; the task ends when it is sent away."""
        task = asyncio.create_task(self._read_all())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _read_all(self) -> None:
        while await self.reader.read(65_536):
            pass

    def __repr__(self) -> str:
        return f"<Enemy at {self.writer.get_extra_info('sockname')}>"


class Target(msgspec.Struct, frozen=True):
    """What they attack, and the token with which they are let in."""

    port: int
    token: str

    @contextlib.asynccontextmanager
    async def called(self) -> AsyncIterator[Enemy]:
        """One that has said nothing yet. Raises: OSError."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Enemy(reader, writer)
        finally:
            writer.close()

    @contextlib.asynccontextmanager
    async def entered(self, *, query: str = "", token: str | None = None) -> AsyncIterator[Enemy]:
        """One that was answered. Raises: OSError, IncompleteReadError."""
        async with self.called() as enemy:
            enemy.writer.write(handshake(query, self.port, f"Cookie: {COOKIE}={token or self.token}"))
            await enemy.reader.readuntil(b"\r\n\r\n")
            yield enemy


async def chatter(target: Target) -> None:
    """It says as much as it may."""
    async with target.entered() as enemy, enemy.reading() as reading:
        while not reading.done():
            enemy.say('{"action":"ping","ts":1}')
            await asyncio.sleep(1 / _FRAMES_PER_SECOND)


async def hop(target: Target) -> None:
    """It enters a topic from its beginning, and leaves it at once."""
    async with target.entered(query="topics=topic0") as enemy, enemy.reading() as reading:
        while not reading.done():
            enemy.say(f'{{"action":"subscribe","topic":"{TOPIC}","lastSeq":0}}')
            enemy.say(f'{{"action":"unsubscribe","topic":"{TOPIC}"}}')
            await asyncio.sleep(2 / _FRAMES_PER_SECOND)


async def burst(target: Target) -> None:
    """It says at once as much as it may, and comes again."""
    async with target.entered(query="topics=topic0") as enemy, enemy.reading():
        for _ in range(_FRAMES_AT_ONCE // 2):
            enemy.say(f'{{"action":"subscribe","topic":"{TOPIC}"}}')
            enemy.say(f'{{"action":"unsubscribe","topic":"{TOPIC}"}}')
        await asyncio.sleep(0.5)


async def bloat(target: Target) -> None:
    """Its frames are as large as they may be."""
    async with target.entered(query="topics=topic0") as enemy, enemy.reading() as reading:
        while not reading.done():
            enemy.say(_BLOATED)
            await enemy.writer.drain()
            await asyncio.sleep(1 / _FRAMES_PER_SECOND)


async def replay(target: Target) -> None:
    """It reads a history as fast as it can, and comes again for it."""
    async with target.entered(query=f"topics={TOPIC}&lastSeq={TOPIC}:0") as enemy:
        read = 0
        while read < _READ_BYTES and (data := await enemy.reader.read(65_536)):
            read += len(data)


async def stall(target: Target) -> None:
    """It never reads."""
    async with target.entered(query=f"topics={TOPIC}&lastSeq={TOPIC}:0") as enemy:
        enemy.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()


async def drip(target: Target) -> None:
    """Its handshake never ends."""
    async with target.called() as enemy:
        for byte in b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 1_000:
            enemy.writer.write(bytes([byte]))
            await asyncio.sleep(0.5)


async def come_and_go(target: Target) -> None:
    """It has no token that is worth anything, and comes again."""
    async with target.entered(token="e30.e30.AAAA") as enemy:  # noqa: S106 (it is none)
        await enemy.reader.read()


KINDS: Final[dict[str, Callable[[Target], Awaitable[None]]]] = {
    kind.__name__: kind for kind in (chatter, hop, burst, bloat, replay, stall, drip, come_and_go)
}
