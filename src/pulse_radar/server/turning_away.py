"""Ending a connection that never becomes a session: its peer is told why, and not heard any more."""

import asyncio
import math
import time
from collections.abc import Callable

from pulse_radar.server.allowance import NO_FRAMES
from pulse_radar.server.transport import Transport

__all__ = ["turn_away"]


async def turn_away(transport: Transport, code: int, reason: str = "") -> None:
    """Close a connection that never became a session, and carry it until it is gone."""
    # In this order: who is closed before anybody listens was never let in.
    transport.close(code, reason)
    transport.listen(_Deaf())
    await transport.carry()


class _Deaf:
    """The listener of a connection that is being closed: nothing it says matters any more."""

    max_frame_bytes = NO_FRAMES.max_bytes

    def __init__(self) -> None:
        self.allowance = NO_FRAMES.allowance(time.monotonic())

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(hear)

    def received(self, text: str | bytes) -> None:
        """Ignored."""

    def received_binary(self) -> None:
        """Ignored."""

    def too_long(self, size: int) -> None:
        """Ignored."""

    def too_many(self) -> None:
        """Ignored."""

    def alive(self) -> None:
        """Ignored."""

    def writable(self) -> None:
        """Ignored."""

    def ending(self, within_seconds: float = math.inf) -> None:
        """Ignored: it is being closed."""

    def closed(self) -> None:
        """Ignored: nobody knew it."""
