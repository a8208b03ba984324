"""Tickets: for a moment and for one connection, what stands for credentials where a client can only write an address.

They travel in a query, which servers log. So a ticket is good for half a minute and once: whoever redeems it stores
its id first, under a key that nobody has stored, which the broker allows to one process only.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, Self

import msgspec
from fastapi import HTTPException

from pulse_radar.auth.principal import Principal
from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import BrokerError, SequenceConflict, UsageError
from pulse_radar.protocol.grammar import INTERNAL_PREFIX
from pulse_radar.settings import Settings

__all__ = ["TICKET_SECONDS", "NoTicket", "Store", "Tickets"]

# For a request that follows at once. Longer is more time for whoever reads logs.
TICKET_SECONDS: Final = 30.0

# An address has at most 4 KiB, and topics and a cursor want theirs.
_MOST_BYTES: Final = 2_048

_MAC_BYTES: Final = 32

# Kept for longer than any clock is wrong about 30 s; ten thousand a second are remembered for as long as they matter.
_REDEEMED: Final = LogTopic(
    f"{INTERNAL_PREFIX}tickets", retain=300_000, max_age_seconds=120.0, max_bytes=64 * 1024**2
)


class NoTicket(UsageError):
    """This principal cannot travel in a ticket."""


class Store(Protocol):
    """How a broker stores a draft."""

    def __call__(self, draft: Draft, *, expect_last: int | None = None) -> Awaitable[int]:
        """Its sequence. Raises: SequenceConflict, BrokerError."""


class _Ticket(msgspec.Struct, frozen=True, array_like=True):
    id: str
    # Seconds since 1970.
    good_until: float
    principal: Principal | str


_decode: Final = msgspec.msgpack.Decoder(_Ticket).decode


class Tickets:
    """Issues and redeems tickets. All processes of a system have the same secret, and the same broker."""

    topic: Final = _REDEEMED

    def __init__(self, secret: str, store: Callable[[], Store]) -> None:
        """`store` answers the one of the running broker, which does not exist yet when routes are made."""
        # A key of its own, whatever else the secret is used for.
        self._key = hashlib.sha256(b"pulse-radar ticket\0" + secret.encode()).digest()
        self._store = store

    @classmethod
    def of(cls, settings: Settings, store: Callable[[], Store]) -> Self | None:
        """Those of this system; None where its processes have no secret that they share."""
        if settings.ticket_secret is not None:
            return cls(settings.ticket_secret.get_secret_value(), store)
        # One process has nobody to share it with.
        return cls(secrets.token_hex(32), store) if settings.broker.startswith("memory:") else None

    def issue(self, principal: object) -> str:
        """A ticket for this principal. Raises: NoTicket."""
        if type(principal) is not Principal and type(principal) is not str:
            raise NoTicket(
                "a ticket carries a Principal of pulse_radar.auth, or a text: let `authenticate` answer one"
            )
        good_until = time.time() + TICKET_SECONDS
        said = msgspec.msgpack.encode(_Ticket(secrets.token_urlsafe(16), good_until, principal))
        ticket = base64.urlsafe_b64encode(self._mac(said) + said).decode().rstrip("=")
        if len(ticket) > _MOST_BYTES:
            raise NoTicket(
                f"a ticket has at most {_MOST_BYTES} bytes: these rights are too many for an address"
            )
        return ticket

    async def redeem(self, text: str) -> Principal | str:
        """Whom it is for. Raises: HTTPException, 401 for a false, stale or used one, 503 where nobody can tell."""
        ticket = self._opened(text)
        draft = Draft(self.topic.name, "redeemed", b"{}", secrets.token_hex(16), key=ticket.id)
        try:
            await self._store()(draft, expect_last=0)
        except SequenceConflict:
            # Whoever hears this had the ticket itself, and learns only that somebody used it.
            raise HTTPException(401, "used") from None
        except BrokerError:
            raise HTTPException(503, "a ticket cannot be redeemed now") from None
        return ticket.principal

    def _opened(self, text: str) -> _Ticket:
        try:
            content = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            content = b""
        mac, said = content[:_MAC_BYTES], content[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(said)):
            raise HTTPException(401, "unauthenticated")
        ticket = _decode(said)
        if time.time() >= ticket.good_until:
            raise HTTPException(401, "expired")
        return ticket

    def _mac(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, hashlib.sha256)

    def __repr__(self) -> str:
        return "<Tickets>"
