"""Why the bytes of a message are no message: the exact place and words for it."""

import re
from typing import Final

import msgspec

from pulse_radar.radar.telegram.errors import DAMAGED, NOT_THE_SHAPE, Fault

__all__ = ["diagnose", "flaw_in"]

# How msgspec says it, who alone knows the byte.
_MALFORMED: Final = re.compile(r"JSON is malformed: (.+) \(byte (\d+)\)")

# What Python makes of a byte that is not UTF-8, if asked to.
_NOT_UTF8: Final = re.compile("[\udc80-\udcff]")


class _Identity(msgspec.Struct):
    id: object = None


def diagnose(error: ValueError | RecursionError, json: bytes, offset: int) -> Fault:
    """What `error`, met in the message `json` that begins at `offset`, means to who owns the file."""
    if isinstance(error, UnicodeDecodeError):
        return Fault("a message is not UTF-8", offset + _not_utf8(json), DAMAGED)
    if malformed := _MALFORMED.fullmatch(str(error)):
        return Fault(f"a message is not JSON: {malformed[1]}", offset + int(malformed[2]), DAMAGED)
    return Fault(f"{_name_of(json)} is not as it should be: {error}", offset, NOT_THE_SHAPE)


def flaw_in(json: bytes, offset: int) -> Fault | None:
    """Where a value that does not end is no JSON; None if it was only cut short."""
    try:
        msgspec.json.decode(json, type=msgspec.Raw)
    except (ValueError, RecursionError) as error:
        if _MALFORMED.fullmatch(str(error)):
            return diagnose(error, json, offset)
    return None


def _not_utf8(json: bytes) -> int:
    """Where it stops to be UTF-8; msgspec counts from the beginning of some string in it."""
    sound, *_ = _NOT_UTF8.split(json.decode(errors="surrogateescape"), maxsplit=1)
    return len(sound.encode())


def _name_of(json: bytes) -> str:
    try:
        identity = msgspec.json.decode(json, type=_Identity).id
    except (ValueError, RecursionError):
        identity = None
    return "a message" if identity is None else f"message {str(identity)[:40]}"
