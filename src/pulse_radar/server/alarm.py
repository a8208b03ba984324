"""A call at the moment that was asked for, or a little later: one timer, however often it is asked."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

__all__ = ["Alarm"]

# The clock of heartbeats is no finer: thousands of deadlines within it are served in one turn.
_TICK_SECONDS: Final = 0.1


class Alarm:
    """Calls `ring` once at the earliest moment that was set since it last rang."""

    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._timer: asyncio.TimerHandle | None = None
        # When it fires: the loop's own clock need not be ours.
        self._due = 0.0

    def set(self, deadline: float) -> None:
        """Ring at this moment: monotonic seconds."""
        now = time.monotonic()
        due = max(deadline, now + _TICK_SECONDS)
        if self._timer is not None:
            if self._due <= due:
                return
            self._timer.cancel()
        self._due = due
        self._timer = asyncio.get_running_loop().call_later(due - now, self._rings)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    @property
    def is_set(self) -> bool:
        return self._timer is not None

    def __repr__(self) -> str:
        return f"<Alarm {f'at {self._due:.1f}' if self.is_set else 'not set'}>"

    def _rings(self) -> None:
        self._timer = None
        self._ring()
