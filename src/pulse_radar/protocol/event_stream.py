"""Frames as server-sent events: a block of lines each, and the reader's cursor as the block's `id`.

Source: the HTML standard, section 9.2. A browser sends the last `id` back as `Last-Event-ID`, so that its own
EventSource resumes.
"""

from collections.abc import Iterable
from typing import Final, Self

import msgspec

from pulse_radar.protocol.bookmark import Bookmark
from pulse_radar.protocol.close_codes import parse_retry
from pulse_radar.protocol.codec import decode_server, encode_close, kind_of
from pulse_radar.protocol.cursor import format_cursor
from pulse_radar.protocol.frames import ServerFrame, UnknownFrame
from pulse_radar.protocol.grammar import MAX_SEQUENCE, Feed

__all__ = ["MAX_CURSOR_BYTES", "Block", "EventStream", "longest_cursor"]

# A reader sends its cursor back in a header, and servers refuse long ones.
MAX_CURSOR_BYTES: Final = 4 * 1024

# After so long a browser comes back, where a close does not ask for another time.
_RETRY_MS: Final = 1_000

# Between tokens JSON allows them and a line does not; inside of strings JSON has none.
_ONE_LINE: Final = bytes.maketrans(b"\r\n", b"  ")


class Block(msgspec.Struct, frozen=True):
    """A frame and its lines, which are the same for every reader; only its `id` differs."""

    frame: ServerFrame | UnknownFrame
    lines: bytes

    @classmethod
    def of(cls, text: bytes) -> Self:
        """The block of a server's frame."""
        return cls(decode_server(text), _lines(text))


class EventStream:
    """What one reader is sent, from its first block to its last."""

    def __init__(self) -> None:
        self._bookmark = Bookmark()
        # What goes before the next block.
        self._preface = _retry(_RETRY_MS)

    def write(self, blocks: Iterable[Block]) -> bytes:
        """These blocks for this reader."""
        parts = [self._preface]
        self._preface = b""
        for block in blocks:
            if self._bookmark.move(block.frame):
                parts.append(b"id: %b\n" % self._bookmark.text)
            parts.append(block.lines)
        return b"".join(parts)

    def end(self, code: int, reason: str) -> bytes:
        """The last block: why the stream ends, and when to come back."""
        retry = parse_retry(reason)
        preface = self._preface if retry is None else _retry(retry)
        return preface + _lines(encode_close(code, reason))

    def __repr__(self) -> str:
        return f"<EventStream at {self._bookmark!r}>"


def longest_cursor(feeds: Iterable[Feed]) -> int:
    """How many bytes a cursor of these feeds may have."""
    return len(format_cursor(dict.fromkeys(feeds, MAX_SEQUENCE)))


def _retry(milliseconds: int) -> bytes:
    return b"retry: %d\n" % milliseconds


def _lines(text: bytes) -> bytes:
    kind = kind_of(text)
    name = b"" if kind is None else b"event: %b\n" % kind.encode()
    return b"%bdata: %b\n\n" % (name, text.translate(_ONE_LINE))
