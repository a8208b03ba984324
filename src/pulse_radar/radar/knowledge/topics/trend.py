"""Whether more is said of a topic than before."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from pulse_radar.radar.events import Trend

__all__ = ["trend_of"]

_WINDOW: Final = timedelta(days=7)

# Twice what chance does to two counts of the same rate: one change in twenty is none.
_BEYOND_CHANCE: Final = 2.0


def trend_of(dates: Iterable[datetime], now: datetime) -> Trend:
    """The last seven days compared with the seven before."""
    lately = before = 0
    for date in dates:
        age = now - date
        lately += timedelta(0) <= age < _WINDOW
        before += _WINDOW <= age < 2 * _WINDOW
    change = (lately - before) / max(1, lately + before) ** 0.5
    if abs(change) < _BEYOND_CHANCE:
        return "steady"
    return "rising" if change > 0 else "falling"
