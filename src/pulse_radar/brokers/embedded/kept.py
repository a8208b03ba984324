"""What a data directory keeps for good: the port and the token by which its server is reached.

They outlive every process, so whoever read them once can reconnect for ever.
"""

import hashlib
import random
import re
import secrets
import socket

import msgspec

from pulse_radar.errors import BrokerRefused

__all__ = ["HOST", "PORTS", "Kept", "choose"]

HOST = "127.0.0.1"

# Below the ports that systems lend to outgoing connections (from 32768 on Linux, 49152 on macOS): a lent port
# can be in use at the moment of a take-over, and a client that reconnects to one can connect to itself.
PORTS = range(20_000, 30_000)
PORT_TRIES = 100

# Hexadecimal: it needs no quoting in an address or a configuration. 24 bytes cannot be guessed.
TOKEN_PATTERN = re.compile(r"[0-9a-f]{32,128}")
TOKEN_BYTES = 24


class Kept(msgspec.Struct, frozen=True):
    """A port on the loopback address, and the token that the server there asks for."""

    port: int
    token: str

    def __post_init__(self) -> None:
        if not 0 < self.port < 65_536:
            raise ValueError(f"port {self.port}")
        if not TOKEN_PATTERN.fullmatch(self.token):
            raise ValueError("token is not 32 to 128 hexadecimal digits")

    @property
    def url(self) -> str:
        """The address with the token in it: a secret, not for logs."""
        return f"nats://{self.token}@{HOST}:{self.port}"

    @property
    def server_name(self) -> str:
        """What the server calls itself: another one on this port is known before it is told the token."""
        return f"pulse-{hashlib.sha256(self.token.encode()).hexdigest()[:16]}"

    def __repr__(self) -> str:
        return f"<Kept port {self.port}>"


def choose() -> Kept:
    """A port that is free now, and a new token. Raises: BrokerRefused."""
    return Kept(port=_free_port(), token=secrets.token_hex(TOKEN_BYTES))


def _free_port() -> int:
    for port in random.sample(PORTS, min(PORT_TRIES, len(PORTS))):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise BrokerRefused(f"no free port found on {HOST} between {PORTS.start} and {PORTS.stop - 1}")
