"""A thousand clients that do their worst within the bounds, and what five hundred honest ones notice of it.

    python -m benchmarks.hostile [--rounds 9] [--only hop] [--quick]

The app asks everybody for a token. The same events at the same rate with and without the thousand, in turns.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import jwt
import uvloop
from msgspec.structs import replace

from benchmarks.arena import Arena
from benchmarks.peers import crowds
from benchmarks.peers.driving import TOPIC
from benchmarks.peers.pulse_app import AUDIENCE, COOKIE, ISSUER, SECRET
from benchmarks.peers.table import OURS, PEERS
from benchmarks.processes import LOAD_CORE, running
from benchmarks.results import save, show

__all__ = ["main", "measure"]

_APP: Final = "benchmarks.peers.pulse_app:app"

_HONEST: Final = 500
_OF_EACH_KIND: Final = 125
_PER_SECOND: Final = 20.0
_EVENTS: Final = 60

# What a client may send in the long run (PULSE_MAX_FRAMES_PER_SECOND).
_FRAMES_PER_SECOND: Final = 50
_FRAMES_AT_ONCE: Final = 1_200

Figures = dict[str, float]


class Enemy:
    """One connection, or what it might become."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def connect(self, *, query: str = "", token: str | None = None) -> None:
        await self.call()
        self.writer.write(self._request(query, token or self._token))
        await self.reader.readuntil(b"\r\n\r\n")

    async def call(self) -> None:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self._port)

    def say(self, text: str) -> None:
        """A frame whose mask is of zeros."""
        length = bytes([0x80 | len(text)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2)
        self.writer.write(b"\x81" + length + bytes(4) + text.encode())

    def _request(self, query: str, token: str) -> bytes:
        return (
            f"GET /ws?{query} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Cookie: {COOKIE}={token}\r\n\r\n"
        ).encode()


async def chatter(enemy: Enemy) -> None:
    """It says as much as it may."""
    await enemy.connect()
    reading = asyncio.create_task(_read_all(enemy))
    while not reading.done():
        enemy.say('{"action":"ping","ts":1}')
        await asyncio.sleep(1 / _FRAMES_PER_SECOND)


async def hop(enemy: Enemy) -> None:
    """It enters a topic from its beginning, and leaves it at once."""
    await enemy.connect(query="topics=topic0")
    reading = asyncio.create_task(_read_all(enemy))
    while not reading.done():
        enemy.say(f'{{"action":"subscribe","topic":"{TOPIC}","lastSeq":0}}')
        enemy.say(f'{{"action":"unsubscribe","topic":"{TOPIC}"}}')
        await asyncio.sleep(2 / _FRAMES_PER_SECOND)


async def burst(enemy: Enemy) -> None:
    """It says at once as much as it may, and comes again."""
    await enemy.connect(query="topics=topic0")
    reading = asyncio.create_task(_read_all(enemy))
    for _ in range(_FRAMES_AT_ONCE // 2):
        enemy.say(f'{{"action":"subscribe","topic":"{TOPIC}"}}')
        enemy.say(f'{{"action":"unsubscribe","topic":"{TOPIC}"}}')
    await asyncio.sleep(0.5)
    reading.cancel()


async def bloat(enemy: Enemy) -> None:
    """Its frames are as large as they may be."""
    await enemy.connect(query="topics=topic0")
    reading = asyncio.create_task(_read_all(enemy))
    while not reading.done():
        enemy.say(f'{{"action":"subscribe","topic":"none","nothing":"{"x" * 65_000}"}}')
        await enemy.writer.drain()
        await asyncio.sleep(1 / _FRAMES_PER_SECOND)


async def replay(enemy: Enemy) -> None:
    """It reads a history as fast as it can, and comes again for it."""
    await enemy.connect(query=f"topics={TOPIC}&lastSeq={TOPIC}:0")
    read = 0
    while read < 150_000 and (data := await enemy.reader.read(65_536)):
        read += len(data)


async def stall(enemy: Enemy) -> None:
    """It never reads."""
    await enemy.connect(query=f"topics={TOPIC}&lastSeq={TOPIC}:0")
    enemy.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await asyncio.Event().wait()


async def drip(enemy: Enemy) -> None:
    """Its handshake never ends."""
    await enemy.call()
    for byte in b"GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 1_000:
        enemy.writer.write(bytes([byte]))
        await asyncio.sleep(0.5)


async def come_and_go(enemy: Enemy) -> None:
    """It has no token that is worth anything, and comes again."""
    await enemy.connect(token="e30.e30.AAAA")  # noqa: S106 (it is none)
    await enemy.reader.read()


_Kind = Callable[[Enemy], Awaitable[None]]

KINDS: Final[dict[str, _Kind]] = {
    kind.__name__: kind for kind in (chatter, hop, burst, bloat, replay, stall, drip, come_and_go)
}


async def _read_all(enemy: Enemy) -> None:
    while await enemy.reader.read(65_536):
        pass


async def attack(port: int, key: str, kinds: Sequence[str]) -> None:
    """All of them, again and again, until this process ends."""

    async def go_on(kind: _Kind, token: str) -> None:
        while True:
            enemy = Enemy(port, token)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await kind(enemy)
            if hasattr(enemy, "writer"):
                enemy.writer.close()
            await asyncio.sleep(0.5)

    async with asyncio.TaskGroup() as group:
        for kind in kinds:
            for number in range(_OF_EACH_KIND):
                group.create_task(go_on(KINDS[kind], token_of(f"{kind}{number}", key)))


def token_of(subject: str, key: str) -> str:
    claims = {"sub": subject, "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 3600, "read": ["*"]}
    return jwt.encode(claims, key, algorithm="HS256")


async def measure(rounds: int, kinds: Sequence[str]) -> Figures:
    """Milliseconds; `ratio`: the median of p99 with them to p99 without."""
    key = secrets.token_hex(32)
    peer = replace(
        PEERS[OURS],
        # As it is put on the internet.
        command=(*(sys.executable, "-m", "pulse_radar.cli", "serve", "--port", "{port}"), _APP),
        kinds=(replace(crowds.ours(TOPIC), header=f"Cookie: {COOKIE}={token_of('honest', key)}"),),
        # All the honest ones are one person here.
        environment={SECRET: key, "PULSE_MAX_CONNECTIONS_PER_PRINCIPAL": "5000"},
    )
    with_them, without = [], []
    async with Arena.open(peer, _HONEST) as arena:
        # A history that is worth being asked for again and again.
        await arena.run(1_000, 10)
        for _ in range(rounds):
            without.append((await arena.pace(_PER_SECOND, _EVENTS)).p99)
            command = [sys.executable, "-m", "benchmarks.hostile", "attack", str(arena.port), key, *kinds]
            async with running(command, core=LOAD_CORE):
                # They are all there, and at it.
                await asyncio.sleep(5)
                with_them.append((await arena.pace(_PER_SECOND, _EVENTS)).p99)
            await asyncio.sleep(1)
    ratios = [one / other for one, other in zip(with_them, without, strict=True)]
    return {
        "p99 without": statistics.median(without),
        "p99 with": statistics.median(with_them),
        "ratio": statistics.median(ratios),
    }


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--only", choices=KINDS, help="hostility of one kind")
    arguments.add_argument("--quick", action="store_true")
    given = arguments.parse_args()
    rounds = 1 if given.quick else given.rounds
    kinds = [given.only] if given.only else list(KINDS)
    hostile = _OF_EACH_KIND * len(kinds)
    found = uvloop.run(measure(rounds, kinds))
    if not given.quick and not given.only:
        save("hostile", found, honest=_HONEST, hostile=hostile, rounds=rounds)
    show(
        f"{_HONEST} honest clients, {hostile} hostile ones",
        {name: f"{value:.2f}" + ("" if name == "ratio" else " ms") for name, value in found.items()},
    )


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["attack", port, key, *kinds]:
            # It shares a core with those who measure, and they go first.
            os.nice(19)
            uvloop.run(attack(int(port), key, kinds))
        case _:
            main()
