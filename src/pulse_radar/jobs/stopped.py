"""What a job that is cancelled sees, in the event loop and in a thread."""

import asyncio

__all__ = ["Stopped"]


class Stopped(asyncio.CancelledError):
    """The job was asked to stop: put away what is open, and let this pass.

    In the event loop it comes as `asyncio.CancelledError` out of whatever is awaited, in a thread out of the next
    `progress.update`. No `Exception`, so that code which takes failures lightly does not take this for one.
    """
