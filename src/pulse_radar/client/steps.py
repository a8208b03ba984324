"""What a client makes of a frame: where it stands now, what it hands out there, what it says to the server."""

from typing import TypeAlias

import msgspec

from pulse_radar.errors import PulseError
from pulse_radar.protocol.frames import ClientFrame, EventFrame, GapFrame, SnapshotFrame, Subscribed
from pulse_radar.protocol.grammar import Feed

__all__ = ["Heeded", "Received", "Step"]

# What reaches whoever follows; all else is between the client and the server.
Received: TypeAlias = EventFrame | GapFrame | SnapshotFrame | Subscribed


class Step(msgspec.Struct, frozen=True):
    """Where a client now stands in a feed (None: nowhere), and what it is handed there, if anything."""

    feed: Feed
    position: int | None
    received: Received | None = None


class Heeded(msgspec.Struct, frozen=True):
    """What a frame leads to: steps for whoever follows, frames for the server, or the end."""

    steps: tuple[Step, ...] = ()
    replies: tuple[ClientFrame, ...] = ()
    refusal: PulseError | None = None
