"""When to come back after a connection ended, and when not to: pure, the client's side of the close codes."""

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
    """Counts vain attempts.

    `chance` answers a number from 0 to 1; `renews` says that each attempt brings fresh credentials.
    """

    def __init__(self, chance: Callable[[], float], *, renews: bool = False) -> None:
        self._chance = chance
        self._renews = renews
        self._attempts = 0

    def closed(self, code: int, reason: str, held_seconds: float) -> float | None:
        """Seconds to wait after a connection was closed; None: do not come back."""
        if held_seconds >= _GOOD_SECONDS:
            self._attempts = 0
        match advice(code):
            case Advice.DONE | Advice.STOP:
                return None
            case Advice.FRESH_CREDENTIALS if not self._renews:
                return None
            case Advice.RESUME if self._attempts == 0:
                longest = _RESUME_SECONDS
            case _:
                longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(self._attempts, 10))
        self._attempts += 1
        retry_ms = parse_retry(reason)
        # About so long: a server may say the same to all of them.
        return longest * self._chance() if retry_ms is None else retry_ms / 1_000 * (0.5 + self._chance())

    def __repr__(self) -> str:
        return f"<Returning after {self._attempts} vain attempts>"
