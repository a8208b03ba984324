"""Who a client is behind a proxy: what X-Forwarded-For, -Proto and -Host say, believed from those that we trust alone.

Whoever comes directly can write the same headers. So they count only from the addresses that are named, and of a list
of addresses only as much as those have written: from its end to the first that is not one of them.
"""

import functools
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from pulse_radar.errors import InvalidSetting

__all__ = ["TrustedProxies"]

# A proxy on this machine that speaks over a socket in the file system, and so has no address.
_UNIX: Final = "unix"

_SCHEMES: Final = {
    ("http", "http"): "http",
    ("http", "https"): "https",
    ("websocket", "http"): "ws",
    ("websocket", "https"): "wss",
}

# No address is longer, with a zone and a port. Of so many it is kept whether they are trusted.
_ADDRESS_LENGTH: Final = 80
_KEPT_PEERS: Final = 1_024

_Address = IPv4Address | IPv6Address


class TrustedProxies:
    """Puts into a request what its proxies said of the client.

    Done twice it is done once: the client that it finds is none of the trusted ones.
    """

    def __init__(self, trusted: Iterable[str]) -> None:
        """`trusted`: addresses, networks as 10.0.0.0/8, or `unix`. Raises: InvalidSetting."""
        names = set(trusted)
        self._trusts_unix = _UNIX in names
        self._networks = [_network(name) for name in sorted(names - {_UNIX})]
        # Asked twice of each connection; and people come again.
        self._is_known: Final = functools.lru_cache(_KEPT_PEERS)(self._has_trusted_address)

    def see_through(self, scope: Scope) -> None:
        """Change the client, the scheme and the Host of this request to those that the client has."""
        if scope["type"] not in ("http", "websocket") or not self._is_trusted_peer(scope):
            return
        client = self._client(_said(scope, b"x-forwarded-for"))
        if client is not None:
            scope["client"] = (str(client), 0)
        proto = _said(scope, b"x-forwarded-proto")
        scheme = _SCHEMES.get((scope["type"], proto[-1].lower())) if proto else None
        if scheme is not None:
            scope["scheme"] = scheme
        host = _said(scope, b"x-forwarded-host")
        if host:
            others = [(name, value) for name, value in scope["headers"] if name != b"host"]
            scope["headers"] = [(b"host", host[-1].encode("latin-1")), *others]

    def trust(self, peer: str | None) -> bool:
        """Whether this one is believed; it has no address where it comes over a socket in the file system."""
        if not peer:
            return self._trusts_unix
        return len(peer) <= _ADDRESS_LENGTH and self._is_known(peer)

    def in_front_of(self, app: ASGIApp) -> ASGIApp:
        """The app, to which each request comes seen through."""

        async def seen_through(scope: Scope, receive: Receive, send: Send) -> None:
            self.see_through(scope)
            await app(scope, receive, send)

        return seen_through

    def __repr__(self) -> str:
        return f"<TrustedProxies {', '.join(map(str, self._networks)) or 'none'}>"

    def _is_trusted_peer(self, scope: Scope) -> bool:
        peer = scope.get("client")
        return self.trust(peer[0] if peer else None)

    def _has_trusted_address(self, peer: str) -> bool:
        address = _address(peer)
        return address is not None and self._trusts(address)

    def _trusts(self, address: _Address) -> bool:
        return any(address in network for network in self._networks)

    def _client(self, forwarded: list[str]) -> _Address | None:
        """The last address that no trusted proxy has; the first, where all are trusted."""
        found: _Address | None = None
        for text in reversed(forwarded):
            address = _address(text)
            if address is None:
                # Nobody's word: what stands before it was written by whoever wrote it.
                break
            found = address
            if not self._trusts(address):
                break
        return found


def _said(scope: Scope, name: bytes) -> list[str]:
    """The items of this header, of all its lines, in order."""
    text = b",".join(value for given, value in scope["headers"] if given == name).decode("latin-1")
    return [item.strip() for item in text.split(",") if item.strip()]


def _address(text: str) -> _Address | None:
    """An address as proxies write it: with a port, in brackets, or bare."""
    host = text[1:].partition("]")[0] if text.startswith("[") else text
    if host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise InvalidSetting(
            f"trusted_proxies (PULSE_TRUSTED_PROXIES) has {text!r}: an address, a network as 10.0.0.0/8, or {_UNIX!r} "
            f"({error})"
        ) from None
