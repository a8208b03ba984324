"""The address of a live layer, as people write it: ws://host/ws, http://host, host:8000."""

import ipaddress
from typing import Self
from urllib.parse import urlsplit

import msgspec

from pulse_radar.errors import InvalidSetting

__all__ = ["Address", "is_loopback"]

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class Address(msgspec.Struct, frozen=True):
    """A WebSocket's address without its query."""

    scheme: str
    host: str
    port: int | None
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises: InvalidSetting."""
        try:
            parts = urlsplit(text if "://" in text else f"ws://{text}")
            scheme, host, port = _SCHEMES[parts.scheme], parts.hostname, parts.port
        except (ValueError, KeyError):
            raise _invalid(text) from None
        if not host or parts.query or parts.username:
            raise _invalid(text)
        path = parts.path.rstrip("/")
        # As in the routes of the server, whatever prefix they are under.
        return cls(scheme, host, port, path if path.endswith("/ws") else f"{path}/ws")

    def with_query(self, query: str) -> str:
        return f"{self}?{query}" if query else str(self)

    @property
    def authority(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.path}"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that host name or address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _invalid(text: str) -> InvalidSetting:
    return InvalidSetting(
        f"{text[:200]!r} is no address of a server (PULSE_URL on the command line): "
        "write ws://host:8000/ws or http://host:8000"
    )
