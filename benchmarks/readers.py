"""A crowd in a process of its own: thousands of clients, which count and measure what they get (native/reader.c)."""

import asyncio
import contextlib
import hashlib
import json
import os
import subprocess
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any, Final, Self

from benchmarks.processes import running

__all__ = ["PATIENCE_SECONDS", "LostClients", "Readers", "compiled"]

# Ten thousand are connected by then, and have what was published.
PATIENCE_SECONDS: Final = 120.0


class LostClients(Exception):
    """Not everything came to everybody in time, so that figures would say nothing."""


class Readers:
    """Clients that are connected and ready. `told` is what they said last: what they have had in all."""

    def __init__(self, name: str, process: Process, told: dict[str, Any]) -> None:
        self._name = name
        self._process = process
        self.told = told

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, name: str, port: int, clients: int, words: Sequence[str], *, core: int | None = None
    ) -> AsyncIterator[Self]:
        """So many of who has this name and port; `words`: how each of them begins. They end with the block."""
        async with running([str(compiled("reader")), str(port), str(clients), *words], core=core) as process:
            yield cls(name, process, await _line(process))

    async def until(self, deliveries: int) -> dict[str, Any]:
        """What they say once they have had so many more in all. Raises: LostClients."""
        before = self.told
        due = before["events"] + deliveries
        self.told = told = await self._ask(f"until {due}")
        if told["events"] != due or told["least"] != told["most"]:
            raise LostClients(f"{self._name}: {told} after {before}")
        return told

    async def latencies(self) -> dict[str, float]:
        """Percentiles of what came since this was last asked. Units: milliseconds."""
        return await self._ask("latencies")

    async def _ask(self, word: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())
        return await _line(self._process)


def compiled(name: str) -> Path:
    """The program native/NAME.c, built where it is not yet: another version of it is another program."""
    source = Path(__file__).parent / "native" / f"{name}.c"
    version = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    program = Path(tempfile.gettempdir()) / f"pulse-radar-benchmark-{os.getuid()}" / f"{name}-{version}"
    if not program.exists():
        program.parent.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)  # noqa: S603, S607
    return program


async def _line(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE_SECONDS):
        found: dict[str, Any] = json.loads(await process.stdout.readline())
    return found
