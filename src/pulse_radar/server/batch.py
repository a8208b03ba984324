"""Frames that go out together, to one connection or to many: each form of them is made once, and shared by all."""

import functools
from collections.abc import Sequence
from typing import Final

from pulse_radar.protocol.codec import FRAME_SEPARATOR
from pulse_radar.protocol.event_stream import Block
from pulse_radar.server.deflate import deflated
from pulse_radar.server.websocket_frames import DEFLATED, TEXT, frame, header

__all__ = ["Batch"]

# What was compressed is kept of so many texts of this length at most: 16 MB and what they were compressed to.
_KEPT_FRAMES: Final = 1_024
_KEPT_BYTES: Final = 16 * 1024


class Batch:
    """Frames for one write, in order."""

    __slots__ = ("_blocks", "_deflated", "_joined", "texts", "wire")

    def __init__(self, texts: Sequence[bytes]) -> None:
        self.texts: Final = texts
        # As WebSocket frames, headers included, in one piece. An attribute, for it is read once a delivery.
        self.wire: Final = b"".join([part for text in texts for part in (header(TEXT, len(text)), text)])
        self._blocks: tuple[Block, ...] | None = None
        self._joined: Batch | None = None
        self._deflated: bytes | None = None

    def then(self, other: "Batch") -> "Batch":
        """These frames, and the others after them."""
        return Batch((*self.texts, *other.texts))

    @property
    def joined(self) -> "Batch":
        """The same frames as one message, for whoever asked for it."""
        if self._joined is None:
            self._joined = self if len(self.texts) == 1 else Batch((FRAME_SEPARATOR.join(self.texts),))
        return self._joined

    @property
    def deflated(self) -> bytes:
        """The same as `wire` for whoever reads compressed messages."""
        if self._deflated is None:
            self._deflated = b"".join(map(_deflated_frame, self.texts))
        return self._deflated

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The texts as blocks of an event stream."""
        if self._blocks is None:
            self._blocks = tuple(map(Block.of, self.texts))
        return self._blocks


def _deflated_frame(text: bytes) -> bytes:
    # An event goes out again to whoever catches up on it: once more, in another batch.
    return _kept_frame(text) if len(text) <= _KEPT_BYTES else _made_frame(text)


def _made_frame(text: bytes) -> bytes:
    payload = deflated(text)
    return frame(TEXT, text) if payload is None else frame(TEXT | DEFLATED, payload)


_kept_frame: Final = functools.lru_cache(_KEPT_FRAMES)(_made_frame)
