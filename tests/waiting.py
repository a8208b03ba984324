"""Waiting for a server process that a test has started."""

import asyncio

import httpx

__all__ = ["START_SECONDS", "until_up"]

# Python, our imports and uvicorn's reloader on a busy machine.
START_SECONDS = 30.0


async def until_up(
    process: asyncio.subprocess.Process, port: int, patience_seconds: float = START_SECONDS
) -> None:
    """Return when something answers on this port of loopback, whatever it answers."""
    async with httpx.AsyncClient() as http, asyncio.timeout(patience_seconds):
        while True:
            assert process.returncode is None, "the server ended"
            try:
                await http.get(f"http://127.0.0.1:{port}/health")
            except httpx.TransportError:
                await asyncio.sleep(0.05)
            else:
                return
