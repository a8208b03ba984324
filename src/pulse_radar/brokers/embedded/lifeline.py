"""A running guard as its owner sees it: a process, its words, and a pipe whose closing ends it."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import msgspec

from pulse_radar.brokers.embedded import guard

__all__ = ["Exited", "Lifeline", "Started", "Waiting", "Word", "parse"]

# Beyond what the guard gives its server to stop: it has nothing else to do but to end.
GUARD_MARGIN_SECONDS = 2.0


class Waiting(msgspec.Struct, frozen=True):
    """Another guard holds the directory; ours takes over when that one ends."""


class Started(msgspec.Struct, frozen=True):
    """The guard started the server."""

    pid: int


class Exited(msgspec.Struct, frozen=True):
    """The server ended by itself; the guard starts it again. A negative status is a signal."""

    status: int


Word = Waiting | Started | Exited


class Lifeline:
    """Holds one guard. Letting go of it ends the guard and with it the server, and so does dying."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: int, stop_seconds: float) -> None:
        self._process = process
        self._pipe = pipe
        self._stop_seconds = stop_seconds

    @classmethod
    async def start(cls, directory: Path, binary: Path, *, stop_seconds: float, log: int) -> Self:
        """Start a guard in this directory. Raises: OSError, when the system cannot.

        A session of its own keeps Ctrl-C from it: the terminal signals everything in the foreground, and the
        application needs its broker until it has drained.
        """
        theirs, ours = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(binary, stop_seconds),
                cwd=directory,
                stdin=theirs,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        except BaseException:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        return cls(process, ours, stop_seconds)

    def __repr__(self) -> str:
        return f"<Lifeline to guard {self.pid}>"

    @property
    def pid(self) -> int:
        return self._process.pid

    async def words(self) -> AsyncIterator[Word]:
        """What the guard says, until it ends."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            if (word := parse(line)) is not None:
                yield word

    async def release(self) -> None:
        """Let go, and wait until the guard and its server have ended; bounded."""
        os.close(self._pipe)
        try:
            await asyncio.wait_for(self._process.wait(), self._stop_seconds + GUARD_MARGIN_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


def _command(binary: Path, stop_seconds: float) -> list[str]:
    # Isolated and without site: neither the environment nor an installed package changes what the guard is,
    # and it starts in 18 ms instead of 26.
    script = guard.__file__
    return [sys.executable, "-I", "-S", script, str(binary), str(os.getpid()), str(stop_seconds)]


def parse(line: bytes) -> Word | None:
    """The word in a line of the guard's; None if it is none that we know."""
    match line.split():
        case [b"waiting"]:
            return Waiting()
        case [b"started", pid]:
            return Started(int(pid))
        case [b"exited", status]:
            return Exited(int(status))
        case _:
            return None
