"""The processes that are measured: a real broker, and API processes as `pulse-radar serve` runs them."""

import asyncio
import contextlib
import os
import sys
import urllib.request
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

__all__ = ["memory_mb", "peak_memory_mb", "serving"]

_PATIENCE_SECONDS: Final = 30.0
_ROOT: Final = Path(__file__).parents[1]


@contextlib.asynccontextmanager
async def serving(broker: str, port: int) -> AsyncIterator[Process]:
    """An API process on this port, ready to serve; it ends with the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pulse_radar.cli", "serve", "benchmarks.app:app", "--port", str(port)),
        cwd=_ROOT,
        env=os.environ | {"PULSE_BROKER": broker, "PULSE_DRAIN_SECONDS": "0"},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not await asyncio.to_thread(_is_ready, port):  # noqa: ASYNC110  # nobody tells
                await asyncio.sleep(0.1)
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def memory_mb(process: Process) -> float:
    """Resident memory now."""
    return _memory(process, "VmRSS")


def peak_memory_mb(process: Process) -> float:
    """The most resident memory so far."""
    return _memory(process, "VmHWM")


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
