"""Is this an export at all? Told from its first bytes, with what to do when it is something else."""

from typing import Final

from pulse_radar.radar.telegram.errors import NOT_AN_EXPORT, Fault

__all__ = ["start_of_json"]

_BOM: Final = b"\xef\xbb\xbf"
_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")
_PACKED: Final = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")


def start_of_json(head: bytes) -> int:
    """Where the JSON begins in a file that begins with `head`: after a byte order mark, if there is one.

    Raises: Fault, saying what the file is instead.
    """
    if head.startswith(_UTF16) or b"\0" in head[:4]:
        raise Fault("the file is not UTF-8, it looks like UTF-16", 0, "save it as UTF-8, or export again")
    if head.startswith(_PACKED):
        raise Fault("the file is packed", 0, f"unpack it first, then {NOT_AN_EXPORT}")
    start = len(_BOM) if head.startswith(_BOM) else 0
    first = head[start:].lstrip(b" \t\r\n")[:1]
    if first != b"{":
        raise Fault(_instead(first), head.find(first, start) if first else 0, NOT_AN_EXPORT)
    return start


def _instead(first: bytes) -> str:
    match first:
        case b"":
            return "the file is empty"
        case b"<":
            return "the file is HTML, not JSON"
        case b"[":
            return "the file is a list, not the object that an export is"
        case _:
            return "the file is not JSON"
