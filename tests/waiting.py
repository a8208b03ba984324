"""Waiting for what must come, with bounds that only a defect reaches."""

import asyncio
from collections.abc import Callable

import httpx

__all__ = ["START_SECONDS", "eventually", "until_up"]

# A machine at its limit takes seconds for what takes milliseconds.
_PATIENCE_SECONDS = 60.0

# Python, our imports and uvicorn's reloader on a busy machine.
START_SECONDS = 30.0


async def until_up(
    process: asyncio.subprocess.Process, port: int, patience_seconds: float = START_SECONDS
) -> None:
    """Return when something answers on this port of loopback, whatever it answers."""
    async with httpx.AsyncClient(verify=False) as http, asyncio.timeout(patience_seconds):
        while True:
            assert process.returncode is None, "the server ended"
            try:
                await http.get(f"http://127.0.0.1:{port}/health")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return


async def eventually(fact: Callable[[], bool]) -> None:
    """Return when the fact holds."""
    async with asyncio.timeout(_PATIENCE_SECONDS):
        while not fact():
            await asyncio.sleep(0.01)
