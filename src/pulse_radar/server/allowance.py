"""How much a client may say: so large a frame, so many at once, and so many a second in the long run."""

from typing import Final, Self

import msgspec

from pulse_radar.settings import Settings

__all__ = ["NO_FRAMES", "Allowance", "FrameBounds"]

# A page may ask at once for all that it may follow; so much else it says in its first second.
_OTHER_FRAMES: Final = 256


class FrameBounds(msgspec.Struct, frozen=True):
    """What each connection may send."""

    max_bytes: int
    at_once: int
    per_second: float

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            max_bytes=settings.max_frame_bytes,
            at_once=settings.max_subscriptions + _OTHER_FRAMES,
            per_second=settings.max_frames_per_second,
        )

    def allowance(self, now: float) -> "Allowance":
        """That of a connection which begins now."""
        return Allowance(self, now)


# For whoever is not listened to: enough that its answer to our close is found among what it sent before.
NO_FRAMES: Final = FrameBounds(max_bytes=0, at_once=1_000, per_second=0)


class Allowance:
    """The frames that one client may still send: a bucket that refills. Never looks at a clock.

    Frames are counted and not messages: fragments without a byte cost as much, and have no length that adds up.
    """

    __slots__ = ("_at", "_bounds", "_left")

    def __init__(self, bounds: FrameBounds, now: float) -> None:
        """`now`, here and below: monotonic seconds."""
        self._bounds = bounds
        self._left = float(bounds.at_once)
        self._at = now

    def spend(self, now: float) -> bool:
        """Count one frame; answer whether it may still come."""
        left = min(self._bounds.at_once, self._left + (now - self._at) * self._bounds.per_second)
        self._at = now
        may_come = left >= 1
        self._left = left - may_come
        return may_come

    def __repr__(self) -> str:
        return f"<Allowance of {self._left:.1f} frames, {self._bounds.per_second} a second>"
