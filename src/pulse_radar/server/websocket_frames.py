"""Frames of RFC 6455 as a server reads and writes them: no waiting, nothing kept between messages.

The one extension is permessage-deflate (RFC 7692), where it was agreed on.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from pulse_radar.errors import ProtocolError
from pulse_radar.server.deflate import NotDeflated, inflated

__all__ = [
    "DEFLATED",
    "PONG",
    "TEXT",
    "Binary",
    "ClientFrames",
    "Closing",
    "Pinged",
    "Ponged",
    "Said",
    "Text",
    "TooLong",
    "Violation",
    "close_frame",
    "frame",
    "header",
]

TEXT: Final = 1
PONG: Final = 10

# Beside the opcode of a message's first frame: it is compressed.
DEFLATED: Final = 0x40

_CONTINUATION: Final = 0
_BINARY: Final = 2
_CLOSE: Final = 8
_PING: Final = 9
_OPCODES: Final = frozenset((_CONTINUATION, TEXT, _BINARY, _CLOSE, _PING, PONG))

_FIN: Final = 0x80
_RESERVED: Final = 0x70
_OPCODE: Final = 0x0F
_CONTROL: Final = 0x08
_MASKED: Final = 0x80

# What a control frame may carry (section 5.5); of a close frame two are its code.
_CONTROL_BYTES: Final = 125
_REASON_BYTES: Final = _CONTROL_BYTES - 2

# Close codes of whoever breaks this protocol (section 7.4.1).
_PROTOCOL_ERROR: Final = 1002
_BAD_DATA: Final = 1007


class Violation(ProtocolError):
    """The peer broke RFC 6455."""

    def __init__(self, message: str, close_code: int = _PROTOCOL_ERROR) -> None:
        super().__init__(message, close_code)


class Text(msgspec.Struct, frozen=True):
    """A whole text message. `data` is UTF-8."""

    data: bytes


class Binary(msgspec.Struct, frozen=True):
    """A whole binary message."""


class TooLong(msgspec.Struct, frozen=True):
    """A message that began is longer than is allowed; of what follows only a close frame is told."""

    size: int


class Pinged(msgspec.Struct, frozen=True):
    """A ping, to be answered with the same data."""

    data: bytes


class Ponged(msgspec.Struct, frozen=True):
    """A pong, asked for or not."""


class Closing(msgspec.Struct, frozen=True):
    """The peer closes; nothing it says afterwards is read. `code` is None where it gives none."""

    code: int | None


Said = Text | Binary | TooLong | Pinged | Ponged | Closing


class ClientFrames:
    """Reads what one client sends, in whatever pieces it comes."""

    __slots__ = ("_first", "_is_over", "_message", "_rest", "_skip", "_takes_deflated")

    def __init__(self, *, takes_deflated: bool = False) -> None:
        """`takes_deflated`: messages may be compressed, as was agreed."""
        self._takes_deflated = takes_deflated
        # Of a frame that has not come whole.
        self._rest = b""
        # So many bytes of a frame that is not heeded are still to come.
        self._skip = 0
        # The fragments of a message so far.
        self._message: bytearray | None = None
        # The first byte of its first frame, which says what it is.
        self._first = 0
        # Nothing but a close frame is of interest any more.
        self._is_over = False

    def feed(self, data: bytes, most_bytes: int) -> Iterator[Said | None]:
        """What these bytes say, in order; a message may have `most_bytes`. Raises: Violation, and is of no use then.

        None is a frame that says nothing yet, or nothing any more: whoever counts frames counts it, too.
        """
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while at < end:
            if self._skip:
                skipped = min(self._skip, end - at)
                self._skip -= skipped
                at += skipped
                continue
            header = _header(data, at, self._takes_deflated)
            if header is None:
                break
            first, length, start = header
            said = self._refusal(first, length, most_bytes)
            if said is not None:
                yield said
            if self._is_over and first & _OPCODE != _CLOSE:
                self._skip, at = length, start
                if said is None:
                    yield None
                continue
            if start + length > end:
                break
            at = start + length
            yield from self._take(first, _unmasked(data, start, length), most_bytes)
        self._rest = data[at:]

    def _refusal(self, first: int, length: int, most_bytes: int) -> TooLong | None:
        """Say of a data frame, before it has come, that its message is too long. Raises: Violation."""
        opcode = first & _OPCODE
        if self._is_over or opcode & _CONTROL:
            return None
        if (opcode == _CONTINUATION) == (self._message is None):
            raise Violation("a continuation of nothing, or a message within another")
        size = len(self._message or b"") + length
        if size <= most_bytes:
            return None
        self._is_over, self._message = True, None
        return TooLong(size)

    def _take(self, first: int, data: bytes, most_bytes: int) -> Iterator[Said | None]:
        opcode = first & _OPCODE
        if opcode == _CLOSE:
            self._is_over = True
            yield _closing(data)
        elif opcode == _PING:
            yield Pinged(data)
        elif opcode == PONG:
            yield Ponged()
        else:
            if opcode != _CONTINUATION:
                self._first = first
            if first & _FIN:
                yield self._whole(data, most_bytes)
            else:
                self._message = (self._message or bytearray()) + data
                yield None

    def _whole(self, data: bytes, most_bytes: int) -> Text | Binary | TooLong:
        """The message that ends with this frame."""
        whole = data if self._message is None else bytes(self._message + data)
        self._message = None
        if self._first & DEFLATED:
            whole = _unpacked(whole, most_bytes)
            if len(whole) > most_bytes:
                self._is_over = True
                return TooLong(len(whole))
        if self._first & _OPCODE != TEXT:
            return Binary()
        _check_utf8(whole)
        return Text(whole)


def frame(opcode: int, data: bytes) -> bytes:
    """One unfragmented, unmasked frame. Source: RFC 6455, section 5.2."""
    return b"".join((header(opcode, len(data)), data))


def close_frame(code: int | None, reason: str = "") -> bytes:
    """A close frame, its reason cut to what fits."""
    if code is None:
        return frame(_CLOSE, b"")
    # Not within a character.
    fitting = reason.encode()[:_REASON_BYTES].decode(errors="ignore")
    return frame(_CLOSE, code.to_bytes(2) + fitting.encode())


def header(opcode: int, length: int) -> bytes:
    """What stands before the data of such a frame."""
    if length < 126:
        return bytes((_FIN | opcode, length))
    if length < 65_536:
        return bytes((_FIN | opcode, 126)) + length.to_bytes(2)
    return bytes((_FIN | opcode, 127)) + length.to_bytes(8)


def _header(data: bytes, at: int, takes_deflated: bool) -> tuple[int, int, int] | None:
    """First byte, length and place of the data of the frame that begins here; None: not enough of it is there."""
    have = len(data) - at
    if have < 2:
        return None
    first, second = data[at], data[at + 1]
    _check(first, second, takes_deflated)
    length, start = second & ~_MASKED, at + 6
    if length == 126:
        length, start = int.from_bytes(data[at + 2 : at + 4]), at + 8
    elif length == 127:
        length, start = int.from_bytes(data[at + 2 : at + 10]), at + 14
    if start > len(data):
        return None
    if length >> 63:
        raise Violation("a length of 64 bits")
    return first, length, start


def _check(first: int, second: int, takes_deflated: bool) -> None:
    begins_message = first & _OPCODE in (TEXT, _BINARY)
    if first & (_RESERVED & ~DEFLATED if takes_deflated and begins_message else _RESERVED):
        raise Violation("reserved bits are set, and no extension gave them a meaning")
    if first & _OPCODE not in _OPCODES:
        raise Violation(f"opcode {first & _OPCODE} means nothing")
    if not second & _MASKED:
        raise Violation("a client's frame is masked")
    if first & _CONTROL and (not first & _FIN or second & ~_MASKED > _CONTROL_BYTES):
        raise Violation("a control frame is whole, and has at most 125 bytes")


def _unmasked(data: bytes, start: int, length: int) -> bytes:
    # As one large number: a loop over bytes is a hundred times slower.
    key = (data[start - 4 : start] * (length // 4 + 1))[:length]
    masked = int.from_bytes(data[start : start + length], "little")
    return (masked ^ int.from_bytes(key, "little")).to_bytes(length, "little")


def _unpacked(payload: bytes, most_bytes: int) -> bytes:
    try:
        return inflated(payload, most_bytes)
    except NotDeflated as error:
        raise Violation(f"not compressed, though it says so: {error}", _BAD_DATA) from None


def _closing(data: bytes) -> Closing:
    if not data:
        return Closing(None)
    code = int.from_bytes(data[:2])
    if len(data) == 1 or not _may_be_sent(code):
        raise Violation("no close code that may be sent")
    _check_utf8(data[2:])
    return Closing(code)


def _may_be_sent(code: int) -> bool:
    """Source: RFC 6455, section 7.4, and the registry that it made."""
    return 3000 <= code < 5000 or (1000 <= code < 1015 and code not in (1004, 1005, 1006))


def _check_utf8(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError:
        raise Violation("text that is not UTF-8", _BAD_DATA) from None
