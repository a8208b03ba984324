"""A process that takes part in a benchmark: it is told words on its standard input, and answers each with a line."""

import asyncio
import contextlib
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final, Self

from benchmarks.processes import cpu_seconds, running

__all__ = ["PATIENCE_SECONDS", "Child", "LeftOut"]

# Ten thousand clients are connected by then, and have what was published.
PATIENCE_SECONDS: Final = 120.0


class LeftOut(Exception):
    """Who did not do its work, or not in time: its figures would say nothing. Says who, and what was not done."""


class Child:
    """One that runs."""

    def __init__(self, name: str, process: Process) -> None:
        self._name = name
        self._process = process

    @classmethod
    @contextlib.asynccontextmanager
    async def started(
        cls, name: str, command: Sequence[str], *, core: int | None, environment: dict[str, str] | None = None
    ) -> AsyncIterator[Self]:
        """On this core, or on any; it ends with the block."""
        async with running(command, core=core, environment=environment) as process:
            yield cls(name, process)

    @property
    def is_running(self) -> bool:
        return self._process.returncode is None

    @property
    def cpu_seconds(self) -> float:
        """What it has had of the processor."""
        return cpu_seconds(self._process)

    @property
    def resident_bytes(self) -> int:
        """What is its own of the memory, and its part of what it shares."""
        lines = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))

    def say(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{word}\n".encode())

    async def heard(self, beginning: bytes = b"") -> bytes:
        """Its next line that begins so. Raises: LeftOut."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while line := await self._process.stdout.readline():
                    if line.startswith(beginning):
                        return line
        except TimeoutError:
            raise LeftOut(f"{self._name}: not done in {PATIENCE_SECONDS:.0f} s") from None
        raise LeftOut(f"{self._name}: it ended")

    def kill(self) -> None:
        """Let it take no more of anybody's time."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    def __repr__(self) -> str:
        state = "runs" if self.is_running else f"ended with {self._process.returncode}"
        return f"<Child {self._name}, {state}>"
