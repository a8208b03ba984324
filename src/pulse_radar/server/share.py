"""How much of the time is for what clients ask; what goes out by itself has the rest. Never looks at a clock."""

from typing import Final

__all__ = ["SLICE_SECONDS", "Share"]

# So long askers are served before the loop does something else: a live event waits for no more.
SLICE_SECONDS: Final = 0.001

# While events are handed on askers have a third of the time: then those are on their way for half as long again, in
# the long run. Else there is nobody whom they could keep waiting but each other, and those who come.
_BESIDE_EVENTS: Final = 1 / 3
_AMONG_THEMSELVES: Final = 0.9

# After an event the next one is looked out for, for so long.
_LOOKOUT_SECONDS: Final = 1.0


class Share:
    """A slice of time, which is spent by serving askers and fills up again while something else is done.

    `now`, `began`, `ended`: monotonic seconds, never going back.
    """

    def __init__(self) -> None:
        # Of the slice; below 0 where the last one who was served took longer.
        self._left = SLICE_SECONDS
        self._spent_at = 0.0
        self._looks_out_until = 0.0

    def events_came(self, now: float) -> None:
        """Somebody is sent what did not ask for it now."""
        self._looks_out_until = now + _LOOKOUT_SECONDS

    def opens_at(self, now: float) -> float:
        """When askers may be served again; now, or earlier, where they may."""
        return now if self._left > 0 else self._spent_at + (SLICE_SECONDS - self._left) / self._filling(now)

    def spend(self, began: float, ended: float) -> None:
        """Somebody was served, who had waited until `opens_at`."""
        filled = max(0.0, began - self._spent_at) * self._filling(began)
        self._left = min(SLICE_SECONDS, self._left + filled) - (ended - began)
        self._spent_at = ended

    def _filling(self, now: float) -> float:
        """What each second that they are not served adds to it, in seconds."""
        share = _BESIDE_EVENTS if now < self._looks_out_until else _AMONG_THEMSELVES
        return share / (1 - share)

    def __repr__(self) -> str:
        return f"<Share with {self._left * 1_000:.2f} ms left>"
