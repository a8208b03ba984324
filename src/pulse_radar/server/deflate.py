"""permessage-deflate without memory from one message to the next: what is compressed once serves every client.

With memory ("context takeover", the habit of most servers) each connection compresses each event for itself, and keeps
up to 300 kB for it. Source: RFC 7692, section 7.
"""

import zlib
from collections.abc import Iterable, Sequence
from typing import Final

from websockets.exceptions import InvalidHeaderFormat, NegotiationError
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.headers import parse_extension
from websockets.typing import ExtensionHeader, ExtensionParameter

__all__ = ["AGREED", "NotDeflated", "deflated", "inflated", "is_offered"]

# What is answered to an offer. That neither side keeps anything may be said unasked.
AGREED: Final = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

# Reads offers, and declines those that are none (section 7.1). Of others it would grant everything.
_GRANTING: Final = ServerPerMessageDeflateFactory()
_SMALLER_WINDOW: Final = "server_max_window_bits"

# A smaller message gains nothing: it is one packet either way.
_LEAST_BYTES: Final = 128

# A third of the time of zlib's own 6, and of JSON a hundredth more is left.
_LEVEL: Final = 3

# No zlib header (section 7.2.1).
_RAW: Final = -zlib.MAX_WBITS

# How a flush ends; cut off by who sends, put back by who reads (sections 7.2.1, 7.2.2).
_TAIL: Final = b"\x00\x00\xff\xff"


class NotDeflated(ValueError):
    """A message that says that it is compressed, and is not."""


def is_offered(headers: Iterable[str]) -> bool:
    """Whether a client that sent these Sec-WebSocket-Extensions reads messages that we compress.

    One that wants a smaller window than ours has not offered it: what is compressed for the others, it cannot read.
    """
    return any(
        name == _GRANTING.name and _is_ours(parameters)
        for header in headers
        for name, parameters in _offers(header)
    )


def deflated(text: bytes) -> bytes | None:
    """The payload of a compressed message; None where it would be no smaller."""
    if len(text) < _LEAST_BYTES:
        return None
    deflate = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    payload = deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)[: -len(_TAIL)]
    return payload if len(payload) < len(text) else None


def inflated(payload: bytes, most_bytes: int) -> bytes:
    """The message; of one that is longer than allowed one byte more than that. Raises: NotDeflated."""
    inflate = zlib.decompressobj(_RAW)
    try:
        return inflate.decompress(payload + _TAIL, most_bytes + 1)
    except zlib.error as error:
        raise NotDeflated(str(error)) from None


def _is_ours(parameters: Sequence[ExtensionParameter]) -> bool:
    try:
        granted, _ = _GRANTING.process_request_params(parameters, [])
    except NegotiationError:
        return False
    return all(name != _SMALLER_WINDOW for name, _ in granted)


def _offers(header: str) -> Sequence[ExtensionHeader]:
    try:
        return parse_extension(header)
    except InvalidHeaderFormat:  # an extension that nobody understands is one that nobody has
        return ()
