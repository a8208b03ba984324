"""When to come back after a connection ended, and when not to: the client's side of the close codes."""

from collections.abc import Callable
from typing import Final

from pulse_radar.protocol.close_codes import Advice, advice, parse_retry

__all__ = ["Returning"]

# Full jitter: of a thousand clients of a restarted server each comes at another moment.
_FIRST_PAUSE_SECONDS: Final = 0.5
_LONGEST_PAUSE_SECONDS: Final = 20.0

# After 40xx the server waits for us with our cursor.
_RESUME_SECONDS: Final = 0.25

# A connection that held this long was a good one: what comes next is a new trouble.
_GOOD_SECONDS: Final = 10.0


class Returning:
    """Counts vain attempts. `chance` answers a number from 0 to 1."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        self._attempts = 0

    def closed(self, code: int, reason: str, held_seconds: float) -> float | None:
        """Seconds to wait after a connection was closed; None: do not come back."""
        if held_seconds >= _GOOD_SECONDS:
            self._attempts = 0
        retry_ms = parse_retry(reason)
        match advice(code):
            case Advice.DONE | Advice.STOP | Advice.FRESH_CREDENTIALS:
                return None
            case Advice.RESUME if self._attempts == 0:
                self._attempts = 1
                return max(_RESUME_SECONDS * self._chance(), (retry_ms or 0) / 1_000)
            case _:
                return max(self._jitter(), (retry_ms or 0) / 1_000)

    def _jitter(self) -> float:
        pause = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * (1 << min(self._attempts, 10)))
        self._attempts += 1
        return pause * self._chance()

    def __repr__(self) -> str:
        return f"<Returning after {self._attempts} vain attempts>"
