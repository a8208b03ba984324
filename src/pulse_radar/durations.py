"""Durations as people write them: "90s", "15m", "24h", "7d"."""

import re
from datetime import timedelta
from typing import Final

from pulse_radar.errors import InvalidSetting

__all__ = ["BOUNDS_IN_WORDS", "Duration", "is_within_bounds", "seconds_of"]

Duration = str | float | timedelta

_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_WRITTEN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")

# Brokers count in whole seconds, and up to some 290 years.
_LONGEST_SECONDS: Final = 100 * 366 * 86_400
BOUNDS_IN_WORDS: Final = "at least 1 s, at most 100 years"


def is_within_bounds(seconds: float) -> bool:
    """Whether a broker can keep something for so long."""
    return 1 <= seconds <= _LONGEST_SECONDS


def seconds_of(duration: Duration) -> float:
    """The seconds of a duration: a number of seconds, a timedelta, or text. Raises: InvalidSetting."""
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    if isinstance(duration, int | float):
        return float(duration)
    match = _WRITTEN.fullmatch(duration.strip().lower())
    if match is None:
        raise InvalidSetting(f"{duration!r} is no duration: write 90s, 15m, 24h or 7d")
    return float(match[1]) * _UNITS[match[2]]
