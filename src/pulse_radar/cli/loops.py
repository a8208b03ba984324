"""Running a command's coroutines: on the event loop that the server runs on, too, and several side by side."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import uvloop

__all__ = ["first_of", "run"]

_T = TypeVar("_T")


def run(work: Coroutine[object, object, _T]) -> _T:
    """What the coroutine answers. Ctrl-C cancels it, and is raised as KeyboardInterrupt when it has ended."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


async def first_of(*works: Coroutine[object, object, _T]) -> _T:
    """What the first of them to end answers, or raises; the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
