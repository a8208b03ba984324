"""Asking a port whether our server answers there."""

import asyncio
from contextlib import suppress

import msgspec

from pulse_radar.brokers.embedded.kept import HOST, Kept

__all__ = ["is_answering"]

# The server greets at once. One that is stopped or hung still gets its connections accepted, by the kernel.
GREETING_SECONDS = 0.5

GREETING = b"INFO "


class _Info(msgspec.Struct):
    server_name: str


async def is_answering(kept: Kept, *, within_seconds: float = GREETING_SECONDS) -> bool:
    """Does the server of this directory answer at its port? Another server there is none of ours.

    The server listens only after JetStream has recovered its streams: one that answers can serve.
    """
    try:
        async with asyncio.timeout(within_seconds):
            return _is_ours(await _greeting(kept.port), kept)
    except (OSError, TimeoutError, ValueError):  # ValueError: a line without an end
        return False


async def _greeting(port: int) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        return await reader.readline()
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _is_ours(greeting: bytes, kept: Kept) -> bool:
    if not greeting.startswith(GREETING):
        return False
    try:
        info = msgspec.json.decode(greeting.removeprefix(GREETING), type=_Info)
    except msgspec.DecodeError:
        return False
    return info.server_name == kept.server_name
