"""What a tail can be told to do next, and how a stream looked when it was asked."""

import msgspec

from pulse_radar.stream.entry import Entry, Extent

__all__ = ["Deliver", "Fill", "Identity", "Recreate", "Renumber", "Sight", "Step", "Verify", "Wait"]

# What makes a stream this stream: when it was created, and where its numbering begins.
Identity = tuple[str, int]


class Sight(msgspec.Struct, frozen=True):
    """A stream as its leader showed it at one moment.

    `is_torn`: a renumbering was announced and is not finished; the extent is what it will be.
    `is_replicated`: who answers may be another than the leader. `is_state`: the newest event of each key is kept.
    `messages`: how many it holds.
    """

    identity: Identity
    extent: Extent
    is_torn: bool = False
    is_replicated: bool = False
    is_state: bool = False
    messages: int = 0

    @property
    def start(self) -> int:
        """The position before all that is kept."""
        return (self.extent.origin if self.is_state else self.extent.first) - 1


class Deliver(msgspec.Struct, frozen=True):
    """Hand these to the consumer."""

    entries: tuple[Entry, ...]


class Verify(msgspec.Struct, frozen=True):
    """Look at the stream. `highest` is of this moment: announcements move it while the answer is under way."""

    highest: int


class Fill(msgspec.Struct, frozen=True):
    """Fetch a batch of what is stored from `first` on; it is the last one if nothing follows up to `reach`."""

    first: int
    reach: int


class Renumber(msgspec.Struct, frozen=True):
    """The numbers of this stream went back: move it above all that were ever used."""

    identity: Identity
    above: int


class Recreate(msgspec.Struct, frozen=True):
    """The stream is gone: make it anew."""


class Wait(msgspec.Struct, frozen=True):
    """Nothing to do before this moment (None: before the step under way is over), unless one is told more."""

    until: float | None


Step = Deliver | Verify | Fill | Renumber | Recreate | Wait
