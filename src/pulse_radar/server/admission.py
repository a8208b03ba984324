"""Who may knock at all: the Host and Origin of a request, before anything else is looked at."""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from pulse_radar.errors import InvalidSetting

__all__ = ["Admission"]

# As browsers write it: a name in ASCII, an address, or one of IPv6 in its brackets.
_HOST: Final = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SECURE: Final = frozenset({"https", "wss"})


class Admission:
    """Refuses foreign hosts and origins.

    A page on another site can make a browser open our WebSocket with the user's cookies (CORS does not cover
    that), or point its own name at 127.0.0.1 (DNS rebinding). The first shows in Origin, the second in Host.
    A client that sends no Origin is no browser, and brings no cookies that it did not mean to bring.
    """

    def __init__(self, *, allowed_hosts: Iterable[str], allowed_origins: Iterable[str]) -> None:
        self._hosts = {_allowed_host(host) for host in allowed_hosts}
        self._origins = {_allowed_origin(origin) for origin in allowed_origins}

    def refusal(
        self, headers: Mapping[str, str], *, scheme: str = "http", of_any_origin: bool = False
    ) -> str | None:
        """Why a request with these headers is refused, and how to allow it; None to let it in.

        `scheme`: of its address. Where that is known to be TLS, a page that came without can be anybody's on the way.
        `of_any_origin`: it changes nothing, and what it answers another site's page can only read by leave (CORS).
        """
        host = headers.get("host", "")
        name = _host_name(host)
        if "*" not in self._hosts and name not in self._hosts:
            return f"host {name[:100]!r} is not allowed here: add it to PULSE_ALLOWED_HOSTS"
        origin = headers.get("origin")
        if origin is None or of_any_origin or self._is_ours(origin, host, scheme):
            return None
        if _origin(origin) is None:
            # "null": a sandboxed frame, a file, a redirect. Nobody's origin.
            return (
                f"origin {origin[:100]!r} is nobody's, and cannot be allowed: serve the page by http or https"
            )
        return f"origin {origin[:100]!r} is not allowed here: add it to PULSE_ALLOWED_ORIGINS"

    def _is_ours(self, origin: str, host: str, scheme: str) -> bool:
        parsed = _origin(origin)
        if parsed is None:
            return False
        its_scheme, name, port = parsed
        if parsed in self._origins:
            return True
        if scheme in _SECURE and its_scheme not in _SECURE:
            return False
        # The scheme that a proxy in front of us speaks may be unknown: a missing port is that of the origin's scheme.
        return (name, port) == _authority(host, _DEFAULT_PORTS[its_scheme])

    def __repr__(self) -> str:
        return f"<Admission to {', '.join(sorted(self._hosts))}, {len(self._origins)} foreign origins>"


def _allowed_host(text: str) -> str:
    host = text.strip().lower()
    # Of a Host header its name is compared: what has more than that would be none of them, ever.
    if host != "*" and (host != _host_name(host) or not _HOST.fullmatch(host)):
        raise InvalidSetting(
            f"allowed_hosts (PULSE_ALLOWED_HOSTS) has {text!r}: a host reads app.example.com or [::1], without "
            "scheme and port; '*' alone is all"
        )
    return host


def _allowed_origin(text: str) -> tuple[str, str, int | None]:
    origin = _origin(text)
    if origin is None:
        raise InvalidSetting(
            f"allowed_origins (PULSE_ALLOWED_ORIGINS) has {text!r}: an origin reads https://app.example.com"
        )
    return origin


def _origin(text: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(text.strip().lower())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        return None
    return parts.scheme, parts.hostname, port or _DEFAULT_PORTS[parts.scheme]


def _authority(host: str, default_port: int | None) -> tuple[str, int | None]:
    try:
        parts = urlsplit(f"//{host.strip().lower()}")
        port = parts.port
    except ValueError:
        return "", None
    return parts.hostname or "", port or default_port


def _host_name(host: str) -> str:
    """The name in a Host header without its port; an IPv6 address keeps its brackets."""
    name, _ = _authority(host, None)
    return f"[{name}]" if ":" in name else name
