"""Somebody whose credentials hold: who it is, until when, what it may do, and how it shows fresh ones."""

import math
import time
from collections.abc import Collection, Hashable
from typing import Any

from fastapi import HTTPException
from starlette.requests import Request

from pulse_radar.auth.principal import Principal, are_the_same
from pulse_radar.protocol.grammar import MAX_SEQUENCE, Feed
from pulse_radar.server.credentials import with_token
from pulse_radar.server.policy import Action, Policy

__all__ = ["Visitor"]


class Visitor:
    """A principal, and the request that it came with.

    Raises: HTTPException, with "expired" for whoever ran out already.
    """

    __slots__ = ("_policy", "_request", "expires_at", "principal")

    def __init__(self, policy: Policy, request: Request, principal: object) -> None:
        self._policy = policy
        self._request = request
        self.principal = principal
        # Seconds since 1970, None for never.
        self.expires_at = _end_of(principal)
        if self.expires_at is not None and self.expires_at <= time.time():
            raise HTTPException(401, "expired")

    @property
    def deadline(self) -> float:
        """When it expires: monotonic seconds. A clock that is set meanwhile changes nothing."""
        return math.inf if self.expires_at is None else time.monotonic() + self.expires_at - time.time()

    @property
    def who(self) -> str:
        """By what people know it: the name of its principal, else where it is."""
        if isinstance(self.principal, Principal):
            return self.principal.subject
        client = self._request.client
        return "" if client is None else f"{client.host}:{client.port}"

    @property
    def identity(self) -> Hashable:
        """By what its connections are counted together; None, where nobody is known or nothing says who is the same."""
        if not self._policy.authenticates:
            return None
        known: Any = self.principal.subject if isinstance(self.principal, Principal) else self.principal
        # That somebody may come says nothing of who it is.
        if isinstance(known, bool):
            return None
        try:
            hash(known)
        except TypeError:
            return None
        return known  # type: ignore[no-any-return]  # it has a hash

    @property
    def reads_all(self) -> bool:
        """Whether nobody needs to be asked what it may read."""
        return self._policy.allows_reading(self.principal)

    async def may(self, action: Action, feed: Feed) -> bool:
        """Whether it may do this. Raises: what the app raises."""
        return feed in await self._policy.allowed(self._request, self.principal, action, [feed])

    async def readable(self, feeds: Collection[Feed], declared: Collection[str]) -> frozenset[Feed]:
        """What of these it may read of the topics there are. Raises: what the app raises."""
        # The app is not asked about what does not exist: that it does not, the hub says.
        real = [feed for feed in feeds if feed.topic in declared]
        unreal = frozenset(feed for feed in feeds if feed.topic not in declared)
        return unreal | await self._policy.allowed(self._request, self.principal, "read", real)

    async def renewed(self, token: str) -> "Visitor":
        """The same visitor with this token. Raises: HTTPException, where it does not hold, or is somebody else's."""
        request = with_token(self._request, token)
        principal = await self._policy.identify(request)
        if principal is None:
            raise HTTPException(401, "the token does not hold")
        if not are_the_same(self.principal, principal):
            raise HTTPException(401, "the token is somebody else's: open a connection of its own")
        return Visitor(self._policy, request, principal)

    def __repr__(self) -> str:
        # Nothing of the request: it holds secrets.
        return f"<Visitor {type(self.principal).__name__}, until {self.expires_at}>"


def _end_of(principal: object) -> float | None:
    """When its credentials run out. What lies beyond all numbers that the wire has never comes."""
    end = principal.expires_at if isinstance(principal, Principal) else None
    return None if end is None or end > MAX_SEQUENCE else end
