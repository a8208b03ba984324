"""Processes that a command runs beside itself: started again when they die, ended when it ends."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import typer

from pulse_radar.errors import PulseError

__all__ = ["Child", "ChildFailed"]

# What ends gracefully does so within two seconds and the time to drain, whatever is stalled.
_STOP_SECONDS: Final = 4.0

# One that dies sooner than this did not even start, and three of those in a row will not.
_STARTED_SECONDS: Final = 5.0
_FALSE_STARTS: Final = 3
_PAUSE_SECONDS: Final = 0.2

# Enough of a log to see why.
_LOG_TAIL_BYTES: Final = 1_500


class ChildFailed(PulseError):
    """A process that the command needs does not start."""


class Child:
    """One `pulse-radar` command as a process of its own, for as long as the context lasts.

    It gets its own session, so that Ctrl-C reaches only us and we end the children in order; and a lifeline, so
    that it ends even when we are killed.
    """

    def __init__(self, name: str, arguments: Sequence[str], log: Path) -> None:
        self.name = name
        self.deaths = 0
        self._arguments = arguments
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep(), name=self.name)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._keeping is not None
        self._keeping.cancel()
        await asyncio.wait([self._keeping])
        await self._end()

    async def failed(self) -> None:
        """Raises: ChildFailed, once it is clear that it does not start; waits for ever while it runs."""
        assert self._keeping is not None
        await asyncio.shield(self._keeping)

    async def _keep(self) -> None:
        false_starts = 0
        while True:
            began_at = time.monotonic()
            await self._start()
            assert self._process is not None
            code = await self._process.wait()
            self.deaths += 1
            false_starts = 0 if time.monotonic() - began_at > _STARTED_SECONDS else false_starts + 1
            if false_starts == _FALSE_STARTS:
                raise ChildFailed(f"{self.name} does not start (exit code {code}):\n{self._log_tail()}")
            typer.echo(f"{self.name} has ended (exit code {code}): starting it again", err=True)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _start(self) -> None:
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "pulse_radar.cli",
                *self._arguments,
                "--lifeline",
                stdin=asyncio.subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _end(self) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(_STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _log_tail(self) -> str:
        with self._log.open("rb") as log:
            log.seek(max(0, os.fstat(log.fileno()).st_size - _LOG_TAIL_BYTES))
            return log.read().decode(errors="replace").strip()

    def __repr__(self) -> str:
        pid = None if self._process is None else self._process.pid
        return f"<Child {self.name} {pid}, {self.deaths} deaths>"
