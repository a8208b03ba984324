"""The token that a client shows: as a header, or from a browser as an offered subprotocol."""

import base64
import binascii
from typing import Final

from starlette.requests import HTTPConnection

__all__ = ["bearer_token"]

_OFFER: Final = "bearer."


def bearer_token(connection: HTTPConnection) -> str | None:
    """The token of `Authorization: Bearer …`, else of `Sec-WebSocket-Protocol: pulse.v1, bearer.<base64url>`.

    The first is what programs send, the second what `getToken` of the TypeScript client does. None where there is
    neither. An EventSource can send neither: it brings cookies, or a ticket.
    """
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    offers = connection.headers.get("sec-websocket-protocol", "").split(",")
    offered = next((offer.strip() for offer in offers if offer.strip().startswith(_OFFER)), None)
    return None if offered is None else _decoded(offered.removeprefix(_OFFER))


def _decoded(text: str) -> str | None:
    try:
        # It travels without its padding.
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode() or None
    except (binascii.Error, UnicodeDecodeError):
        return None
