"""Frames as a person reads them, in the message of a test that failed."""

from collections.abc import Sequence
from typing import Final

import msgspec

from pulse_radar.protocol.frames import (
    ErrorFrame,
    EventFrame,
    GapFrame,
    ServerFrame,
    SnapshotFrame,
    UnknownFrame,
)
from pulse_radar.protocol.grammar import Feed

__all__ = ["short", "what_came"]

# As much of what came is told as a person reads.
_TOLD_FRAMES: Final = 12
_TOLD_LENGTH: Final = 120


def what_came(frames: Sequence[ServerFrame | UnknownFrame]) -> str:
    """All of them, instead of what was waited for."""
    if not frames:
        return "nothing else came either"
    told = ", ".join(map(short, frames[:_TOLD_FRAMES]))
    return f"instead came {told}{f' and {len(frames) - _TOLD_FRAMES} more' if len(frames) > _TOLD_FRAMES else ''}"


def short(frame: ServerFrame | UnknownFrame) -> str:
    """One of them in a few words."""
    match frame:
        case EventFrame():
            data = msgspec.json.encode(frame.data).decode()[:_TOLD_LENGTH]
            return f"{Feed(frame.topic, frame.key)} {frame.name} {data}"
        case GapFrame(feed, first, last, reason):
            return f"a gap in {feed} from {first} to {last} ({reason})"
        case SnapshotFrame(feed):
            return f"a snapshot of {feed}"
        case ErrorFrame(code, message):
            return f"an error, {message} ({code})"
        case _:
            return type(frame).__name__.lower()
