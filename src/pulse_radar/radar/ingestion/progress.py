"""How far an ingestion is, how fast it goes, and when it is time to say so."""

import math
from typing import Final

from pulse_radar.radar.events import IngestionProgress, IngestionStatus

__all__ = ["Progress"]

# Ten a second move smoothly on a page; more is noise for everybody who listens.
_INTERVAL_SECONDS: Final = 0.1


class Progress:
    """The progress of one ingestion. Never waits, never looks at a clock: `now` is monotonic seconds."""

    def __init__(self, ingestion_id: str, file: str) -> None:
        self.done = 0
        self.file = file
        self.chat: str | None = None
        self.fallbacks = 0
        self.fallback_reason: str | None = None
        self._ingestion_id = ingestion_id
        self._total: int | None = None
        self._began_at = 0.0
        # What an attempt before this one had done is no speed of this one.
        self._began_with = 0
        self._told_at = -math.inf

    def begin(self, total: int, now: float) -> None:
        """The messages are counted, and now they are read."""
        self._total = total
        self._began_at = now
        self._began_with = self.done

    def is_due(self, now: float) -> bool:
        """Whether the last telling is long enough ago."""
        return now - self._told_at >= _INTERVAL_SECONDS

    def tell(
        self, now: float, added: int, status: IngestionStatus, error: str | None = None
    ) -> IngestionProgress:
        """What is to be said now. `added` by this ingestion, also before it was taken up again."""
        self._told_at = now
        # An earlier attempt may have added what this one has not come to yet.
        reached = min(added, self.done)
        return IngestionProgress(
            ingestion_id=self._ingestion_id,
            status=status,
            total=self._total,
            done=self.done,
            added=reached,
            skipped=self.done - reached,
            rate=round(self._rate(now), 1),
            eta_seconds=self._eta_seconds(now, status),
            chat=self.chat,
            file=self.file,
            error=error,
            fallbacks=self.fallbacks,
            fallback_reason=self.fallback_reason,
        )

    def _rate(self, now: float) -> float:
        elapsed = now - self._began_at
        return max(0, self.done - self._began_with) / elapsed if elapsed > 0 else 0.0

    def _eta_seconds(self, now: float, status: IngestionStatus) -> float | None:
        if status == "completed":
            return 0.0
        rate = self._rate(now)
        if status != "running" or self._total is None or rate == 0:
            return None
        return round(max(0, self._total - self.done) / rate, 1)

    def __repr__(self) -> str:
        return f"<Progress {self.done} of {self._total}>"
