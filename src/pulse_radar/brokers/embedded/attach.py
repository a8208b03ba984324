"""Finding the server that another process owns."""

import asyncio
from pathlib import Path

from pulse_radar.brokers.embedded import trouble
from pulse_radar.brokers.embedded.probe import is_answering
from pulse_radar.brokers.embedded.settings import DEFAULT_DIRECTORY
from pulse_radar.brokers.embedded.store import Store
from pulse_radar.errors import BrokerUnavailable

__all__ = ["attach"]

POLL_SECONDS = 0.02


async def attach(directory: Path = DEFAULT_DIRECTORY, *, wait_seconds: float = 2.0) -> str:
    """The address of the server in this directory, with its token: a secret, and good for ever.

    It waits a little for a server that is starting or being taken over. Nothing is started or written.
    Raises: BrokerUnavailable, when nobody serves here; BrokerRefused, when the directory cannot be read.
    """
    store = Store(directory)
    deadline = asyncio.get_running_loop().time() + wait_seconds
    while (why := await _why_not(store)) is not None:
        if asyncio.get_running_loop().time() >= deadline:
            raise BrokerUnavailable(why)
        await asyncio.sleep(POLL_SECONDS)
    kept = store.read()
    assert kept is not None
    return kept.url


async def _why_not(store: Store) -> str | None:
    """Why nobody can attach; None if one can. The token is for a port whose lock is held, no other."""
    kept = store.read()
    if kept is None or not store.is_locked():
        return trouble.absent(store)
    if not await is_answering(kept):
        return trouble.silent(store, kept)
    return None
