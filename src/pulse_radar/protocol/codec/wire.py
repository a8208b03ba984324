"""What the shapes of several frames share."""

from typing import Annotated, Final

import msgspec

from pulse_radar.protocol.grammar import MAX_SEQUENCE

__all__ = ["KIND_LENGTH", "PingWire", "SequenceWire"]

SequenceWire = Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQUENCE)]

# So much of an unknown kind of frame is kept, for a log.
KIND_LENGTH: Final = 80


class PingWire(msgspec.Struct, rename={"last_seq": "lastSeq"}):
    """A ping of either side, or the pong that answers it."""

    ts: int | None = None
    last_seq: dict[str, SequenceWire] = {}
