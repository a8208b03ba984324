"""Several things side by side, all owned by whoever waits for them."""

import asyncio
from collections.abc import Coroutine, Iterable

__all__ = ["all_of"]


async def all_of(deeds: Iterable[Coroutine[object, object, object]]) -> None:
    """Do all of them at once. The first failure ends the others and is raised as it is, in no group."""
    try:
        async with asyncio.TaskGroup() as group:
            for deed in deeds:
                group.create_task(deed)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
