"""Whether a stream is to be mended: made anew where it is gone, moved up where its numbers went back.

Neither is done at the first sight of it. Renumbering empties the stream, and whoever deleted one may be about to
restore it.
"""

from typing import Final

from pulse_radar.brokers.nats.steps import Identity, Recreate, Renumber

__all__ = ["Mending"]

# So often in a row, a poll apart, it must be seen.
_STRIKES: Final = 3


class Mending:
    """What one process may do about one stream, and what it has seen that calls for it."""

    def __init__(self, *, may_mend: bool) -> None:
        self._may_mend = may_mend
        # What is to be done, or is being done.
        self.step: Renumber | Recreate | None = None
        # Its numbers went back and stay so: all that we know of it is void.
        self.is_void = False
        # How often in a row its numbers had gone back, and how often it was not there.
        self._strikes = 0
        self._misses = 0

    def missing(self) -> None:
        """There is no such stream."""
        self._misses += 1
        if self._misses >= _STRIKES and self._may_mend:
            self._misses = 0
            self.step = Recreate()

    def found(self) -> None:
        """There is one."""
        self._misses = 0

    def agreed(self) -> None:
        """Its numbers are those that we know, or there is a new connection to ask again on."""
        self._strikes = 0

    def is_struck_out(self) -> bool:
        """Count once more that its numbers had gone back; whether that is often enough to believe it."""
        self._strikes += 1
        return self._strikes >= _STRIKES

    def finishes(self, torn: Identity, above: int) -> bool:
        """A renumbering of it was begun: finish it, if we may."""
        if self._may_mend:
            self.step = Renumber(torn, above)
        return self._may_mend

    def numbers_went_back(self, identity: Identity, above: int) -> None:
        """They did, and that is believed: move them up, or take what there is for another stream."""
        self._strikes = 0
        if not self.finishes(identity, above):
            self.is_void = True

    def ended(self) -> None:
        """The step was done, or got no answer: whether it is still called for is looked at again."""
        self.step = None

    def refused(self) -> None:
        """We may not; perhaps others may, and will."""
        self._may_mend = False
        self.is_void = isinstance(self.step, Renumber)
        self.ended()

    def begun_anew(self) -> None:
        """What there is counts from now on."""
        self.is_void = False

    def __repr__(self) -> str:
        return f"<Mending {self.step}, {self._strikes} strikes, {self._misses} misses>"
