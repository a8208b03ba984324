"""Whether an address is outside: a server that asks whatever it is told to must not be sent into its own network."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

import httpx

from pulse_radar.errors import PulseError

__all__ = ["Inside", "addresses_of", "check_url"]

_PORTS: Final = {"http": 80, "https": 443}

# All that IANA has given out for unicast (RFC 4291, 2.4). What lies beyond is local, or IPv4 in another dress: of one
# host (compatible), of a stateless translator (RFC 2765), of a local one (RFC 8215).
_UNICAST: Final = IPv6Network("2000::/3")
# RFC 6052: IPv4 by way of the translator that is the same for everybody.
_NAT64: Final = IPv6Network("64:ff9b::/96")
# RFC 6890: of protocols, and for nobody. Older Pythons take a part of it for global.
_PROTOCOLS: Final = IPv4Network("192.0.0.0/24")

# A name server that is away is no reason to keep a request waiting for long.
_RESOLVE_SECONDS: Final = 5.0


class Inside(PulseError, ValueError):
    """The URL leads to where this server must not be sent, or to nowhere."""


def check_url(url: str) -> str:
    """The URL, without a slash at its end, if it can be a provider's. Raises: Inside."""
    _parts(url)
    return url.rstrip("/")


async def addresses_of(url: str, *, allow_private: bool) -> list[str]:
    """The addresses to which a request to this URL may go. Raises: Inside.

    Ask again for each request, and connect to one of these and not to the name: it may mean another address a moment
    later (DNS rebinding). If one of several is inside, all are refused.
    """
    parts = _parts(url)
    loop = asyncio.get_running_loop()
    port = parts.port or _PORTS[parts.scheme]
    try:
        async with asyncio.timeout(_RESOLVE_SECONDS):
            found = await loop.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except OSError as error:  # TimeoutError is one, too
        raise Inside(f"{parts.hostname} is not found: {error.strerror or 'no answer'}") from None
    except ValueError:  # of a name that no name server could be asked for
        raise Inside(f"{parts.hostname} is no name of a host") from None
    addresses = list(dict.fromkeys(str(address[4][0]) for address in found))
    for address in addresses:
        if not (allow_private or _is_outside(address)):
            raise Inside(
                f"{parts.hostname} is {address}, which is no public address: "
                "set PULSE_ALLOW_PRIVATE_PROVIDERS=1, if it is meant"
            )
    return addresses


def _parts(url: str) -> SplitResult:
    try:
        # As the client will read it, who says no to more than `urlsplit`, which drops line breaks in silence.
        httpx.URL(url)
        parts = urlsplit(url)
        is_one = (
            url.isprintable()
            and " " not in url
            and parts.scheme in _PORTS
            and bool(parts.hostname)
            and parts.port != 0
        )
    except (ValueError, httpx.InvalidURL):
        raise Inside("this is no URL") from None
    if not is_one or parts.username is not None or parts.query or parts.fragment:
        raise Inside("a base URL reads https://api.example.com/v1, without a user, a query and a fragment")
    return parts


def _is_outside(text: str) -> bool:
    # An address of a link carries the name of that link.
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and address not in _PROTOCOLS
    inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
    if inner is None and address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    if inner is not None:
        return _is_outside(str(inner))
    return address.is_global and address in _UNICAST
