"""Leaving nothing running: work that must come to its end, although whoever waits for it is cancelled."""

import asyncio

__all__ = ["ended"]


async def ended(task: asyncio.Task[None]) -> None:
    """Wait for a task whose end is bounded, through a cancellation of our own, which is raised after it.

    Raises: what the task raised, unless it was cancelled, too.
    """
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    if not task.cancelled():
        task.result()
