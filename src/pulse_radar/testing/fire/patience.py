"""When a client comes back after a connection has ended: the table of docs/PROTOCOL.md, and full jitter. Pure."""

from random import Random
from typing import Final

__all__ = ["Patience"]

_FIRST_SECONDS: Final = 0.5
_LONGEST_SECONDS: Final = 20.0
_RESUME_SECONDS: Final = 0.25

# A connection that held this long ends a row of failures.
_GOOD_SECONDS: Final = 10.0

_STOPS: Final = frozenset({1000, 1002, 1003, 1007, 1008, 1009, 1010})
_RETRY_PREFIX: Final = "retry="


class Patience:
    """Counts failed attempts."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._attempts = 0

    def pause(self, code: int, reason: str, held_seconds: float) -> float | None:
        """Seconds until the next attempt; None for a client that stays away."""
        if code in _STOPS or 4100 <= code <= 4199 or 4400 <= code <= 4499:
            return None
        if held_seconds >= _GOOD_SECONDS:
            self._attempts = 0
        is_first = self._attempts == 0
        bound = min(_LONGEST_SECONDS, _FIRST_SECONDS * 2 ** min(self._attempts, 10))
        self._attempts += 1
        if reason.startswith(_RETRY_PREFIX) and reason[len(_RETRY_PREFIX) :].isdigit():
            # About so long: a thousand clients of one process do not come at the same moment.
            return self._chance.uniform(0.5, 1.5) * int(reason[len(_RETRY_PREFIX) :]) / 1_000
        if is_first and 4000 <= code <= 4099:
            bound = _RESUME_SECONDS
        return self._chance.uniform(0, bound)

    def __repr__(self) -> str:
        return f"<Patience after {self._attempts} attempts>"
