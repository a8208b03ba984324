"""Where a JSON value ends, found in a window that moves on as far as it must."""

import re
from collections.abc import Callable
from typing import Final, cast

import msgspec

from pulse_radar.radar.telegram.diagnose import flaw_in
from pulse_radar.radar.telegram.errors import DAMAGED, INTERRUPTED, Fault
from pulse_radar.radar.telegram.shapes import mended
from pulse_radar.radar.telegram.window import ByteWindow

__all__ = ["MAX_DEPTH", "MAX_VALUE_BYTES", "end_of_value", "ended", "unexpected"]

# Real exports nest about ten levels deep, rich messages a little more; what decodes recurses by level.
MAX_DEPTH: Final = 200

# A message is at most some hundred kB. Something longer has lost a quote or a bracket, and would otherwise
# be searched for in memory to the end of the file.
MAX_VALUE_BYTES: Final = 4 * 1024 * 1024

_STRING: Final = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)

# These match everywhere, be it nothing.
_Matcher = Callable[[bytes, int], re.Match[bytes]]
_scalar: Final = cast("_Matcher", re.compile(rb"[-+.0-9A-Za-z]*").match)
# As far as there is no bracket but in strings; it stops at a string that does not end here.
_flat: Final = cast(
    "_Matcher", re.compile(rb'[^"{}\[\]]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"{}\[\]]*)*', re.DOTALL).match
)

# Decodes any one value, not a part of one and not more than one.
_whole: Final = msgspec.json.Decoder(msgspec.Raw)

# Characters. A message stands five deep in an export of an account; tools that format indent by four.
_DEEPEST_INDENT: Final = 24

_QUOTE: Final = ord('"')
_CLOSERS: Final = {ord("{"): ord("}"), ord("["): ord("]")}


def end_of_value(window: ByteWindow, *, keep: bool) -> int:
    """The index just after the next value.

    With `keep` its bytes stay in the window, which stands before them. Without it the window may move on
    through the value: that one may have any size. Only its strings and brackets are looked at.

    Raises: Fault.
    """
    match window.peek():
        case b"{":
            return _guessed_end(window) or _end_of_container(window, keep=keep)
        case b"[":
            return _end_of_container(window, keep=keep)
        case b'"':
            return _end_of_string(window)
        case _:
            return _end_of_scalar(window)


def ended(window: ByteWindow, problem: str) -> Fault:
    """The file ends here, and should not."""
    return Fault(f"the file ends too early: {problem}", window.end, INTERRUPTED)


def unexpected(window: ByteWindow, wanted: str) -> Fault:
    """Something else comes next than must."""
    found = window.peek()
    if not found:
        return ended(window, f"{wanted} is missing")
    problem = f"{found.decode('latin-1')!a} stands where {wanted} is expected"
    return Fault(problem, window.offset, DAMAGED)


def _guessed_end(window: ByteWindow) -> int | None:
    """The index after the object that comes next, if it is all in the window and written as usual.

    Telegram Desktop indents: an object ends where a bracket stands on a line below its own, just as deep.
    This is only a guess, and proved: an object cannot go on after it was whole. It doubles the speed, for
    most brackets and strings are looked at by msgspec alone.
    """
    data, start = window.data, window.at
    line = data.rfind(b"\n", max(0, start - _DEEPEST_INDENT), start)
    last_line = data[line:start] + b"}"
    found = data.find(last_line, start)
    if line < 0 or found < 0:
        return None
    end = found + len(last_line)
    try:
        _whole.decode(data[start:end])
    except (ValueError, RecursionError):  # all of msgspec's errors
        return None
    return end


def _end_of_container(window: ByteWindow, *, keep: bool) -> int:
    index = window.at
    closers = bytearray()
    while True:
        index = _flat(window.data, index).end()
        byte = window.data[index] if index < len(window.data) else _QUOTE
        if byte == _QUOTE:  # the window ends here, perhaps inside a string
            index = _read_on(window, index, keep=keep)
            continue
        if byte in _CLOSERS:
            closers.append(_CLOSERS[byte])
        elif byte != closers.pop():
            problem = "a bracket closes what another kind of bracket opened"
            raise Fault(problem, window.offset + index - window.at, DAMAGED)
        if not closers:
            return index + 1
        if len(closers) > MAX_DEPTH:
            raise Fault(f"brackets are nested deeper than {MAX_DEPTH}", window.offset, DAMAGED)
        index += 1


def _end_of_string(window: ByteWindow) -> int:
    while (found := _STRING.match(window.data, window.at)) is None:
        _read_on(window, window.at, keep=True)
    return found.end()


def _end_of_scalar(window: ByteWindow) -> int:
    while (end := _scalar(window.data, window.at).end()) == len(window.data):
        _read_on(window, end, keep=True)
    if end == window.at:
        raise unexpected(window, "a value")
    return end


def _read_on(window: ByteWindow, index: int, *, keep: bool) -> int:
    """Move the window on, with `keep` from the start of the value; where `index` is then."""
    if not keep:
        window.at = index
    if len(window.data) - window.at > MAX_VALUE_BYTES:
        problem = f"a value is longer than {MAX_VALUE_BYTES} bytes"
        raise _flaw(window, keep=keep) or Fault(problem, window.offset, DAMAGED)
    start = window.at
    if not window.more():
        problem = f"the value from byte {window.offset} on does not end"
        raise _flaw(window, keep=keep) or ended(window, problem)
    return index - start


def _flaw(window: ByteWindow, *, keep: bool) -> Fault | None:
    """A value without end has perhaps lost a quote: then it is no JSON from some byte on."""
    return flaw_in(mended(window.data[window.at :]), window.offset) if keep else None
