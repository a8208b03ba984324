"""Two things side by side, both owned by whoever waits for them."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["both"]

_A = TypeVar("_A")
_B = TypeVar("_B")


async def both(one: Coroutine[Any, Any, _A], other: Coroutine[Any, Any, _B]) -> tuple[_A, _B]:
    """Do both at once. The first failure ends the other and is raised as it is, in no group."""
    try:
        async with asyncio.TaskGroup() as group:
            ones, others = group.create_task(one), group.create_task(other)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return ones.result(), others.result()
