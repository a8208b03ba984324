"""What of a stream is gone that was not told: a log's oldest events, a state's deletions, its keys at a purge."""

from collections.abc import Iterable
from typing import Final

from pulse_radar.brokers.nats.holding import Holding
from pulse_radar.brokers.nats.steps import Sight
from pulse_radar.stream.entry import Entry

__all__ = ["Losses"]

# So often in a row a state at rest must hold too little: in the middle of an expiry it looks so for a moment.
_SHORT_LOOKS: Final = 3


class Losses:
    """Of one topic, from where it was begun. Of a log only what lies behind the position can be missed."""

    def __init__(self, *, is_state: bool = False, since: int = 0) -> None:
        """`since`: what a state held when it was begun; no deletion up to there concerns us."""
        self._since = since
        # Where the first hole begins that was read since the last look: a deletion in it may be forgotten.
        self._hole_from: int | None = None
        # What a state must hold, and how often in a row it held less.
        self._holding = Holding() if is_state else None
        self._short_looks = 0

    def told(self, entries: Iterable[Entry]) -> None:
        """These were delivered."""
        if self._holding is not None:
            self._holding.take(entries)

    def passed_hole(self, after: int) -> None:
        """A hole was read that begins after this position."""
        if self._hole_from is None:
            self._hole_from = after

    def are_shown_by(self, sight: Sight, position: int, *, is_live: bool) -> bool:
        """Whether something is gone that was not told, by this look at the stream from this position."""
        is_at_rest = is_live and position == sight.extent.last
        are_shown = self._is_forgotten(sight, position) or self._is_emptied(sight, is_at_rest)
        self._hole_from = None
        return are_shown

    def _is_forgotten(self, sight: Sight, position: int) -> bool:
        """Whether something after the position, or in a hole that was passed over, is no longer kept."""
        stands = position if self._hole_from is None else self._hole_from
        return sight.extent.first - 1 > (max(stands, self._since) if sight.is_state else position)

    def _is_emptied(self, sight: Sight, is_at_rest: bool) -> bool:
        """Whether keys are gone that nobody deleted: purged."""
        is_short = (
            is_at_rest
            and self._holding is not None
            and sight.messages < self._holding.least(sight.extent.first)
        )
        self._short_looks = self._short_looks + 1 if is_short else 0
        return self._short_looks >= _SHORT_LOOKS

    def __repr__(self) -> str:
        return f"<Losses since {self._since}, {self._short_looks} short looks>"
