"""What keeps events from going out right now: of one topic, which holds up no other, or of all. Never waits."""

import logging
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from pulse_radar.errors import BrokerRefused, NotPermitted, PulseError, TopicFull, TopicMissing, UsageError

__all__ = ["AWAY", "NOT_NOW", "PAUSE_SECONDS", "Obstacles"]

_log: Final = logging.getLogger("pulse_radar.outbox")

# Between two looks at a broker or a database that is away, and at a topic that takes nothing right now.
PAUSE_SECONDS: Final = 0.5

# A database that cannot be reached; while it connects, a driver's own errors come as they are.
AWAY: Final = (SQLAlchemyError, OSError, TimeoutError)

# What one topic does not take before somebody does something about it.
NOT_NOW: Final = (TopicMissing, TopicFull, NotPermitted, BrokerRefused, UsageError)


class Obstacles:
    """What a relay has met. `now`: monotonic seconds. Each is said once in the log, until another one comes."""

    def __init__(self) -> None:
        # Topics that take nothing, each with when they are tried again.
        self._held_up: dict[str, float] = {}
        # There is one that concerns more than one topic: a commit does not mend it.
        self.are_of_all = False
        # The newest, as people are told of it; None while all is well.
        self.told: str | None = None

    def hold_up(self, topic: str, error: Exception, now: float) -> None:
        """This topic takes nothing, because of this."""
        self._held_up[topic] = now + PAUSE_SECONDS
        self._tell(error)

    def stop_all(self, error: Exception) -> None:
        """Nothing goes out, because of this."""
        self.are_of_all = True
        self._tell(error)

    def look_again(self) -> None:
        """Another look begins: what stopped all may be over."""
        self.are_of_all = False

    def got_through(self) -> None:
        """All went out that was not held up."""
        if not self._held_up:
            self.told = None

    def held_up(self, now: float) -> list[str]:
        """The topics that are not to be tried yet; the others are not held up any more."""
        self._held_up = {topic: until for topic, until in self._held_up.items() if until > now}
        return list(self._held_up)

    def __contains__(self, topic: str) -> bool:
        """Whether this topic is held up, as of the last look."""
        return topic in self._held_up

    def __bool__(self) -> bool:
        """Whether any topic is."""
        return bool(self._held_up)

    def __repr__(self) -> str:
        return f"<Obstacles {self.told or 'none'}, {len(self._held_up)} topics held up>"

    def _tell(self, error: Exception) -> None:
        told = str(error) or f"{type(error).__name__}: no answer in time"
        if told != self.told:
            is_foreseen = isinstance(error, (PulseError, *AWAY))
            _log.warning("the outbox waits: %s", told, exc_info=None if is_foreseen else error)
        self.told = told
