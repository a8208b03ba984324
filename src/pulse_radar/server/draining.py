"""The live layers that run in this process: a signal to end is the process's, and reaches all of them."""

import asyncio
from typing import Final, Protocol

__all__ = ["Drains", "drain_all", "enter", "leave"]


class Drains(Protocol):
    """Something that has clients to send to other processes."""

    async def drain(self) -> None:
        """Return when they are gone, in bounded time."""


_running: Final[set[Drains]] = set()


def enter(layer: Drains) -> None:
    """It runs from now on."""
    _running.add(layer)


def leave(layer: Drains) -> None:
    """It has ended."""
    _running.discard(layer)


async def drain_all() -> None:
    """Send the clients of all of them to other processes, at the same time."""
    async with asyncio.TaskGroup() as group:
        for layer in _running:
            group.create_task(layer.drain())
