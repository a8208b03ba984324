"""When each client of a process that is about to end is sent away: one after the other, not all at once."""

from collections.abc import Iterator
from typing import Final

__all__ = ["departures"]

# A process takes in a hundred clients a second without its others noticing: fewer clients need no longer.
_GENTLE_PAUSE_SECONDS: Final = 0.01

# The rest of the time is theirs for reading what is still unsent.
_SHARE_OF_TIME: Final = 0.75


def departures(count: int, within_seconds: float) -> Iterator[float]:
    """The seconds after which each of `count` clients leaves."""
    pause = min(_GENTLE_PAUSE_SECONDS, _SHARE_OF_TIME * within_seconds / max(1, count))
    return (place * pause for place in range(count))
