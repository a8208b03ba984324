"""Running a command's coroutine on the event loop that the server runs on, too."""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

import uvloop

__all__ = ["run"]

_T = TypeVar("_T")


def run(work: Coroutine[object, object, _T]) -> _T:
    """What the coroutine answers. Ctrl-C cancels it, and is raised as KeyboardInterrupt when it has ended."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
