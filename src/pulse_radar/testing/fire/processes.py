"""Child processes that can be killed, stopped and started again, and print into a file."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from pulse_radar.testing.nats_server import freeze

__all__ = ["Child"]


class Child:
    """A Python process: `python -m` with these arguments."""

    def __init__(
        self, name: str, *arguments: str, output: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.arguments = arguments
        self._output = output
        self._environment = {**os.environ, **(environment or {})}
        self._process: asyncio.subprocess.Process | None = None
        self._is_paused = False
        # Held by who starts or ends it.
        self._turn = asyncio.Lock()
        # Whether somebody started it and nobody ended it.
        self._is_wanted = False

    async def start(self) -> None:
        async with self._turn:
            with self._output.open("ab") as output:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", *self.arguments),
                    env=self._environment,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            self._is_wanted = True

    async def kill(self) -> float:
        """SIGKILL. Returns when it was sent, on the monotonic clock that all processes share."""
        at = time.monotonic()
        await self._end(signal.SIGKILL)
        return at

    async def stop(self, patience_seconds: float) -> bool:
        """SIGTERM; SIGKILL, if it takes longer. Returns whether it ended by itself."""
        try:
            async with asyncio.timeout(patience_seconds):
                await self._end(signal.SIGTERM)
        except TimeoutError:
            await self._end(signal.SIGKILL)
            return False
        return True

    def pause(self) -> None:
        """SIGSTOP."""
        if self.is_running:
            freeze(self._running)
            self._is_paused = True

    def thaw(self) -> None:
        """SIGCONT."""
        if self._is_paused:
            self._signal(signal.SIGCONT)
            self._is_paused = False

    async def finish(self) -> None:
        """Return when it has ended, as it now may."""
        self._is_wanted = False
        await self._running.wait()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def has_ended_by_itself(self) -> bool:
        return self._is_wanted and self._process is not None and self._process.returncode is not None

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._running.returncode

    def __repr__(self) -> str:
        return f"<Child {self.name}, {'running' if self.is_running else 'ended'}>"

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, f"{self.name} was never started"
        return self._process

    async def _end(self, number: signal.Signals) -> None:
        async with self._turn:
            self._is_wanted = False
            if self._process is not None:
                self._signal(number)
                await self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._running.send_signal(number)
