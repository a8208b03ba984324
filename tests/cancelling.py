"""A cancellation at a chosen await of some work, as it comes from outside: at the next step of its task."""

import asyncio
from collections.abc import Awaitable, Callable, Generator
from typing import Any

__all__ = ["at_each_await"]


async def at_each_await(work: Callable[[], Awaitable[object]], check: Callable[[], Awaitable[None]]) -> int:
    """Do the work again and again, cancelled at its first await, its second and so on, and check each time.

    Answers how many awaits it has.
    """
    place = 1
    while True:
        cancelled = _Cancelled(work(), place)
        task = asyncio.ensure_future(_done(cancelled))
        await asyncio.wait([task])
        await check()
        if not cancelled.has_happened:
            await task
            return place - 1
        assert task.cancelled() or task.exception() is None, f"at await {place}: {task.exception()!r}"
        place += 1


async def _done(work: Awaitable[object]) -> None:
    await work


class _Cancelled:
    def __init__(self, work: Awaitable[object], place: int) -> None:
        self._work = work
        self._place = place
        self.has_happened = False

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        thrown: BaseException | None = None
        while True:
            try:
                waited_for = steps.send(None) if thrown is None else steps.throw(thrown)
            except StopIteration as end:
                return end.value
            self._place -= 1
            if self._place == 0:
                self._cancel()
            thrown = None
            try:
                yield waited_for
            except asyncio.CancelledError as error:
                thrown = error

    def _cancel(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        # Noticed when it suspends, which it is about to do.
        task.cancel()
        self.has_happened = True
