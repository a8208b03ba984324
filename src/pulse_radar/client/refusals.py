"""What a person is told, and can do, when a client does not come back."""

from ssl import SSLCertVerificationError
from typing import Final

from pulse_radar.client.address import Address
from pulse_radar.client.wire import Ended
from pulse_radar.errors import Refused, Unreachable
from pulse_radar.protocol.close_codes import CloseCode

__all__ = ["refused", "unreachable"]

_CODES: Final = frozenset(CloseCode)

# What a server asks its own clients to do when it closed for good.
_REMEDIES: Final = {
    CloseCode.EXPIRED: "the credentials ran out: give connect() a `token` callable, which fetches fresh ones",
    CloseCode.UNAUTHENTICATED: "it knows no such credentials: give connect() a `token` or `headers`, "
    "on the command line --token (PULSE_TOKEN) or --header",
    CloseCode.FORBIDDEN: "these credentials may not follow anything here",
    CloseCode.TOO_MANY_FRAMES: "this client asked for too much at once: follow whole topics",
}


def unreachable(error: Exception, address: Address) -> Unreachable:
    """Nobody there at all is a mistake in the address, or a server to be started; one that was there comes back."""
    if isinstance(error, SSLCertVerificationError):
        return Unreachable(
            f"the certificate of {address} is not to be trusted ({error.verify_message}): with an authority of your "
            "own give connect() an `ssl` context, or name its file in SSL_CERT_FILE"
        )
    why = str(error) or type(error).__name__
    return Unreachable(f"nobody answers at {address} ({why}): start the server, or correct the address")


def refused(ended: Ended, address: Address) -> Refused:
    """The server closed for good."""
    code = CloseCode(ended.code) if ended.code in _CODES else None
    name = f" {code.name.lower().replace('_', ' ')}" if code else ""
    reason = ended.reason if ended.reason != name.strip() else ""
    why = ", ".join(filter(None, [reason, _REMEDIES.get(code) if code else ""]))
    return Refused(
        f"{address} closed the connection for good: {ended.code}{name}{why and f' ({why})'}", ended.code
    )
