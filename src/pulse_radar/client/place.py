"""One feed of a client: where it began, where it stands, and whether what comes of it counts."""

from pulse_radar.client.steps import Step
from pulse_radar.protocol.frames import EventFrame, GapFrame

__all__ = ["Place"]


class Place:
    """Where a client stands in one feed."""

    __slots__ = ("began", "has_begun", "is_asked_again", "is_left", "position")

    def __init__(self, position: int | None = None) -> None:
        self.position = position
        # Where it stood before the first that came of it; None while that is not known, and before a snapshot.
        self.began = position
        # The server has said where it begins, or something of it has come.
        self.has_begun = False
        # Left, to be entered again elsewhere: what comes until then is not ours.
        self.is_left = False
        # What comes next was missing, and was asked for: once for each position, also one that a reset gives out again.
        self.is_asked_again = False

    def move(self, step: Step) -> None:
        """Go on with what was heard."""
        if not self.has_begun and self.began is None:
            self.began = _before(step)
        self.is_asked_again &= step.position == self.position
        self.position, self.has_begun = step.position, True

    def __repr__(self) -> str:
        return f"<Place at {self.position}{', left' if self.is_left else ''}>"


def _before(step: Step) -> int | None:
    """The position after which this step is the next."""
    match step.received:
        case EventFrame(sequence=first) | GapFrame(first=int(first)):
            return first - 1
        case _:
            return step.position
