"""How to reach a NATS server and as whom: the settings of a link, checked when built."""

import random
import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from pulse_radar.broker_url import place
from pulse_radar.brokers.nats.credentials import Credentials
from pulse_radar.errors import InvalidSetting

__all__ = ["Access"]

_INBOX_PREFIX: Final = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*", re.ASCII)


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """Where the servers are, and what is shown to them.

    `url`: `nats://[user:password@]host[:port]` or `tls://…`; several servers of a cluster by commas.
    `inbox_prefix`: under it the answers to our requests arrive, so that permissions can keep other clients from
    reading them.
    Units: `connect_timeout_seconds` for one attempt (too small: no server behind a slow TLS handshake is
    ever reached), `request_timeout_seconds` without any answer (too small: an election of 8 s fails what
    would have succeeded; too large: a caller waits for a server that hangs), `leave_after_seconds` in which
    a server did nothing that needs a leader, as one that is cut off from the others of its cluster (too
    small: each election sends everybody to another server; too large: who is on the wrong side of a cut
    stays there in silence).
    Raises: InvalidSetting.
    """

    url: str
    name: str = "pulse-radar"
    credentials: Credentials = Credentials()
    inbox_prefix: str = "_INBOX"
    connect_timeout_seconds: float = 2.0
    request_timeout_seconds: float = 5.0
    leave_after_seconds: float = 12.0

    def __post_init__(self) -> None:
        for server in self.servers:
            _check_server(server)
        if not _INBOX_PREFIX.fullmatch(self.inbox_prefix):
            raise InvalidSetting(f"invalid inbox prefix {self.inbox_prefix!r}: words joined by dots")
        if min(self.connect_timeout_seconds, self.request_timeout_seconds, self.leave_after_seconds) <= 0:
            raise InvalidSetting("the time-outs of a broker must be more than 0 s")

    @property
    def servers(self) -> list[str]:
        return [server.strip() for server in self.url.split(",")]

    def shuffled(self, last: str | None) -> list[str]:
        """The servers in the order in which to try them: by chance, but for the one that comes last."""
        servers = self.servers
        random.shuffle(servers)
        return sorted(servers, key=lambda server: place(server) == last)

    def __str__(self) -> str:
        """Where the servers are, without passwords: fit for logs and errors."""
        return ", ".join(map(place, self.servers))

    def __repr__(self) -> str:
        return f"<Access {self}>"


def _check_server(server: str) -> None:
    try:
        place(server)
        is_legal = urlsplit(server).scheme in {"nats", "tls"}
    except ValueError:
        is_legal = False
    if not is_legal:
        # The text may hold a password, so it is not repeated.
        raise InvalidSetting("invalid broker URL: expected nats://host:port or tls://host:port")
