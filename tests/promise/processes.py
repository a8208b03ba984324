"""Real processes of a test: started with the test's environment, and ended by it."""

import asyncio
import os
import signal
import sys
from types import TracebackType
from typing import Self

from pulse_radar.testing.nats_server import free_port
from tests.waiting import until_up

APP = "tests.promise.api:app"
PROTOCOL_CLASS = "pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol"

# How a user's own uvicorn is run, and how we run one.
UVICORN = ("uvicorn", APP, "--ws", PROTOCOL_CLASS, "--log-level", "warning")
SERVE = ("pulse_radar.cli", "serve", APP)


async def spawn(*arguments: str, broker: str) -> asyncio.subprocess.Process:
    """A Python process; its standard output is read by the test."""
    environment = {**os.environ, "PULSE_BROKER": broker}
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, stdout=asyncio.subprocess.PIPE
    )


class ApiProcess:
    """An API process on a port of its own; after its end it comes back there."""

    def __init__(self, broker: str, command: tuple[str, ...] = UVICORN) -> None:
        self._command = command
        self.port = free_port()
        self._broker = broker
        self._process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    async def start(self) -> None:
        self._process = await spawn("-m", *self._command, "--port", str(self.port), broker=self._broker)
        await until_up(self._process, self.port)

    async def kill(self) -> None:
        await self.end(signal.SIGKILL)

    async def end(self, number: signal.Signals) -> int | None:
        """Send it this signal, and answer its exit code when it has ended."""
        self.signal(number)
        # communicate, not wait: it closes the pipe, too.
        await self._process.communicate()
        return self._process.returncode

    def signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            self._process.send_signal(number)
