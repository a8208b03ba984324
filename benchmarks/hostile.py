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
from collections.abc import Sequence
from typing import Final

import jwt
import uvloop
from msgspec.structs import replace

from benchmarks.arena import Arena, Peer
from benchmarks.enemies import KINDS, Target
from benchmarks.peers import crowds
from benchmarks.peers.driving import TOPIC
from benchmarks.peers.pulse_app import AUDIENCE, COOKIE, ISSUER, SECRET
from benchmarks.peers.table import OURS
from benchmarks.processes import LOAD_CORE, running
from benchmarks.results import save, show

__all__ = ["main", "measure"]

_APP: Final = "benchmarks.peers.pulse_app:app"

_HONEST: Final = 500
_OF_EACH_KIND: Final = 125
_PER_SECOND: Final = 20.0
_EVENTS: Final = 60

Figures = dict[str, float]


async def attack(port: int, key: str, kinds: Sequence[str]) -> None:
    """All of them, again and again, until this process ends."""

    async def go_on(kind: str, target: Target) -> None:
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await KINDS[kind](target)
            await asyncio.sleep(0.5)

    async with asyncio.TaskGroup() as group:
        for kind in kinds:
            for number in range(_OF_EACH_KIND):
                group.create_task(go_on(kind, Target(port, _token_of(f"{kind}{number}", key))))


async def measure(rounds: int, kinds: Sequence[str]) -> Figures:
    """Milliseconds; `ratio`: the median of p99 with them to p99 without."""
    key = secrets.token_hex(32)
    with_them, without = [], []
    async with Arena.open(_peer(key), _HONEST) as arena:
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


def _peer(key: str) -> Peer:
    """Ours as it is put on the internet, and its honest clients."""
    return Peer(
        OURS,
        (*(sys.executable, "-m", "pulse_radar.cli", "serve", "--port", "{port}"), _APP),
        (replace(crowds.ours(TOPIC), header=f"Cookie: {COOKIE}={_token_of('honest', key)}"),),
        # All the honest ones are one person here.
        environment={SECRET: key, "PULSE_MAX_CONNECTIONS_PER_PRINCIPAL": "5000"},
    )


def _token_of(subject: str, key: str) -> str:
    claims = {"sub": subject, "iss": ISSUER, "aud": AUDIENCE, "exp": time.time() + 3600, "read": ["*"]}
    return jwt.encode(claims, key, algorithm="HS256")


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
