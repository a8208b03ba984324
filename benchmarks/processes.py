"""The processes that are measured, and those that measure: how they are started, and what they cost.

Linux only: it reads /proc.
"""

import asyncio
import contextlib
import os
import resource
import sys
import urllib.request
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

__all__ = [
    "LOAD_CORE",
    "SERVER_CORE",
    "cpu_seconds",
    "memory_mb",
    "peak_memory_mb",
    "running",
    "serving",
]

# A server that is measured has one core for itself; what loads it, and this process, share the other.
SERVER_CORE: Final = min(os.sched_getaffinity(0))
LOAD_CORE: Final = max(os.sched_getaffinity(0))

_PATIENCE_SECONDS: Final = 30.0

# Nine thousand connections are as many open files, at either end; many shells allow 1,024.
_OPEN_FILES: Final = 65_536
_ROOT: Final = Path(__file__).parents[1]


@contextlib.asynccontextmanager
async def running(
    command: Sequence[str], *, core: int | None = None, environment: dict[str, str] | None = None
) -> AsyncIterator[Process]:
    """A process, on this core or on any, spoken with by its standard streams; it ends with the block."""
    _make_room()
    place = () if core is None else ("taskset", "--cpu-list", str(core))
    process = await asyncio.create_subprocess_exec(
        *place,
        *command,
        cwd=_ROOT,
        env=os.environ | (environment or {}),
        stdin=PIPE,
        stdout=PIPE,
        # What a server says of each connection nobody reads.
        stderr=DEVNULL,
        limit=1024**2,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def serving(broker: str, port: int) -> AsyncIterator[Process]:
    """An API process on this port, ready to serve; it ends with the block."""
    command = (sys.executable, "-m", "pulse_radar.cli", "serve", "benchmarks.app:app", "--port", str(port))
    async with running(command, environment={"PULSE_BROKER": broker}) as process:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await asyncio.to_thread(_is_ready, port):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.1)
        yield process


def cpu_seconds(process: Process) -> float:
    """What all threads of a process have had of the processor."""
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def memory_mb(process: Process) -> float:
    """Resident memory now."""
    return _memory(process, "VmRSS")


def peak_memory_mb(process: Process) -> float:
    """The most resident memory so far."""
    return _memory(process, "VmHWM")


def _make_room() -> None:
    """Let this process, and those that it starts, have as many open files as they want, or as they may."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = _OPEN_FILES if most == resource.RLIM_INFINITY else min(_OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


def _memory(process: Process, name: str) -> float:
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise AssertionError(f"no {name} of {process}")


def _is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
