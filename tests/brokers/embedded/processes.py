"""Processes of our own to kill, and patience to see what becomes of the rest."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
from nats.aio.client import Client

from pulse_radar.brokers.embedded import EmbeddedServer, EmbeddedSettings, server_pid
from tests.waiting import eventually

OWNER = Path(__file__).with_name("owner.py")


def server(directory: Path, *, binary: Path | None = None, start_seconds: float = 10.0) -> EmbeddedServer:
    return EmbeddedServer(EmbeddedSettings(directory=directory, binary=binary, start_seconds=start_seconds))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        status = Path(f"/proc/{pid}/stat")
        return not status.parent.parent.joinpath("self").exists() or ") Z" not in status.read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


async def freeze(pid: int) -> None:
    """SIGSTOP, and wait until it holds: a busy machine lets a process run on for a moment."""
    os.kill(pid, signal.SIGSTOP)
    await eventually(lambda: subprocess.check_output(["ps", "-o", "stat=", "-p", str(pid)]).startswith(b"T"))


def pid_of(directory: Path) -> int:
    pid = server_pid(directory)
    assert pid is not None
    return pid


async def until_served_by_another(directory: Path, killed: int) -> int:
    await eventually(lambda: server_pid(directory) not in (None, killed))
    return pid_of(directory)


class Owner:
    """Another process that owns the server of a directory."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def says(self) -> list[str]:
        """Its next line, as words."""
        assert self._process.stdout is not None
        async with asyncio.timeout(15):
            return (await self._process.stdout.readline()).decode().split()

    def kill(self) -> None:
        self._process.kill()

    def interrupt(self) -> None:
        """What Ctrl-C does: SIGINT for the whole process group."""
        os.killpg(self.pid, signal.SIGINT)

    async def leave(self) -> int:
        """Let it leave by itself; its exit status."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(15):
            return await self._process.wait()


@asynccontextmanager
async def owner(directory: Path, *options: str) -> AsyncIterator[Owner]:
    """Start an owner; kill it at the end, and see that it leaves no server behind."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        OWNER,
        directory,
        *options,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield Owner(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Client]:
    """A NATS client that reconnects for ever, as ours does."""
    connection = await nats.connect(url, max_reconnect_attempts=-1, reconnect_time_wait=0.02)
    try:
        yield connection
    finally:
        await connection.close()


async def store_event(url: str, text: str) -> int:
    """Store an event in a stream of the test's; answer how many it has."""
    async with client(url) as connection:
        stream = connection.jetstream()
        await stream.add_stream(name="TEST", subjects=["test"])
        return (await stream.publish("test", text.encode())).seq


async def stored_event(url: str, sequence: int) -> str:
    async with client(url) as connection:
        message = await connection.jetstream().get_msg("TEST", sequence)
        assert message.data is not None
        return message.data.decode()
