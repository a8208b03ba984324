"""Real server processes of a test, each in a group of its own."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import AsyncIterator

import httpx

from tests.waiting import until_up


class ServerProcess:
    """A server in a process group of its own, so that a Ctrl-C can be sent to all of it, as a terminal does."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.port = port
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=5)

    async def until_up(self) -> None:
        await until_up(self.process, self.port)

    async def interrupt(self) -> float:
        """Ctrl-C; the seconds until everything has ended."""
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        await asyncio.wait_for(self.process.wait(), 20)
        return time.monotonic() - began


@contextlib.asynccontextmanager
async def process(*arguments: str, port: int, broker: str = "memory://") -> AsyncIterator[ServerProcess]:
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments, "--port", str(port)),
        env={**os.environ, "PULSE_BROKER": broker},
        start_new_session=True,
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    server = ServerProcess(started, port)
    try:
        yield server
    finally:
        await server.http.aclose()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        await started.communicate()
