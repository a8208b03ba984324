"""How often progress is told: at most so many times a second, however often it is made."""

import math
from typing import Final

__all__ = ["Pace"]

# Ten a second move smoothly on a page; more is noise for everybody who listens.
_INTERVAL_SECONDS: Final = 0.1


class Pace:
    """When the next telling is due. Never waits, never looks at a clock: `now` is monotonic seconds."""

    def __init__(self, interval_seconds: float = _INTERVAL_SECONDS) -> None:
        self._interval_seconds = interval_seconds
        self._told_at = -math.inf

    def due_in(self, now: float) -> float:
        """Seconds until the next one may be told, 0 for at once."""
        return max(0.0, self._told_at + self._interval_seconds - now)

    def told(self, now: float) -> None:
        self._told_at = now

    def __repr__(self) -> str:
        return f"<Pace of {self._interval_seconds:g} s>"
