"""How many connections there may be: in this process, from one address, of one principal. Counted, nothing else."""

from collections import Counter
from collections.abc import Hashable
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final, Self, TypeVar

import msgspec

from pulse_radar.protocol.close_codes import retry_reason
from pulse_radar.settings import Settings

__all__ = [
    "FULL_REASON",
    "FULL_RETRY_SECONDS",
    "NOBODY",
    "REMEDIES",
    "ConnectionBound",
    "ConnectionBounds",
    "Places",
    "Whose",
    "network_of",
]

# Told to whoever finds no place. One is given back when somebody leaves, and nobody knows when that is.
FULL_RETRY_SECONDS: Final = 10
FULL_REASON: Final = retry_reason(FULL_RETRY_SECONDS * 1_000)

_Item = TypeVar("_Item", bound=Hashable)

# A customer has a whole network of this size, and can come from any address in it (RFC 6177).
_IPV6_PREFIX: Final = 64


class ConnectionBound(StrEnum):
    """Which of the bounds is reached."""

    PROCESS = "process"
    ADDRESS = "address"
    PRINCIPAL = "principal"


# Said in the log.
REMEDIES: Final = {
    ConnectionBound.PROCESS: "this process has as many as it may have (PULSE_MAX_CONNECTIONS)",
    ConnectionBound.ADDRESS: "its address has as many as it may have (PULSE_MAX_CONNECTIONS_PER_ADDRESS); "
    "a proxy is named in PULSE_TRUSTED_PROXIES",
    ConnectionBound.PRINCIPAL: "its principal has as many as it may have (PULSE_MAX_CONNECTIONS_PER_PRINCIPAL)",
}


class ConnectionBounds(msgspec.Struct, frozen=True):
    """How many there may be."""

    in_process: int
    of_address: int
    of_principal: int

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(
            in_process=settings.max_connections,
            of_address=settings.max_connections_per_address,
            of_principal=settings.max_connections_per_principal,
        )


class Whose(msgspec.Struct, frozen=True):
    """Whose connection it is. None is bounded by nothing but the process."""

    network: str | None = None
    principal: Hashable | None = None


NOBODY: Final = Whose()


class Places:
    """The places of a process, and who has them. Never waits; a place that was taken is given back once."""

    def __init__(self, bounds: ConnectionBounds) -> None:
        self._bounds = bounds
        self._taken = 0
        # Those who have none are not in them: neither grows with who ever came.
        self._of_address: Counter[str] = Counter()
        self._of_principal: Counter[Hashable] = Counter()
        # How often somebody was told that there is none.
        self.refused: Counter[ConnectionBound] = Counter()

    def refusal(self, whose: Whose) -> ConnectionBound | None:
        """The bound that one more would break, which is counted; None: there is a place."""
        bound = self._reached(whose)
        if bound is not None:
            self.refused[bound] += 1
        return bound

    def take(self, whose: Whose) -> None:
        self._taken += 1
        if whose.network is not None:
            self._of_address[whose.network] += 1
        if whose.principal is not None:
            self._of_principal[whose.principal] += 1

    def give_back(self, whose: Whose) -> None:
        self._taken -= 1
        if whose.network is not None:
            _one_less(self._of_address, whose.network)
        if whose.principal is not None:
            _one_less(self._of_principal, whose.principal)

    def __repr__(self) -> str:
        return f"<Places {self._taken} of {self._bounds.in_process} taken, from {len(self._of_address)} networks>"

    def _reached(self, whose: Whose) -> ConnectionBound | None:
        if self._taken >= self._bounds.in_process:
            return ConnectionBound.PROCESS
        if whose.network is not None and self._of_address[whose.network] >= self._bounds.of_address:
            return ConnectionBound.ADDRESS
        if whose.principal is not None and self._of_principal[whose.principal] >= self._bounds.of_principal:
            return ConnectionBound.PRINCIPAL
        return None


@lru_cache(maxsize=1024)
def network_of(host: str | None) -> str | None:
    """What counts as one address. None for who is on this machine: it may be a proxy that nobody named."""
    try:
        address: IPv4Address | IPv6Address = ip_address((host or "").partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return None
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((address, _IPV6_PREFIX), strict=False))


def _one_less(counter: Counter[_Item], item: _Item) -> None:
    counter[item] -= 1
    if counter[item] <= 0:
        del counter[item]
