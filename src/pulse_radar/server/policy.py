"""Who may do what: the application's own two answers, awaited where they need to be."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Literal, TypeVar

import msgspec
from starlette.requests import HTTPConnection

from pulse_radar.protocol.grammar import Feed

__all__ = ["ALLOW_ALL", "Action", "Authenticate", "Authorize", "Policy"]

_T = TypeVar("_T")

Action = Literal["read", "publish", "admin"]

# Answers who this is, None for nobody: then the client is told 4401.
Authenticate = Callable[[HTTPConnection], Awaitable[object | None] | object | None]

# Answers whether this principal may do this with the topic, or with one key of it.
Authorize = Callable[[object, Action, str, str | None], Awaitable[bool] | bool]


class Policy(msgspec.Struct, frozen=True):
    """The hooks of the application; a missing one allows all."""

    authenticate: Authenticate | None = None
    authorize: Authorize | None = None

    async def identify(self, connection: HTTPConnection) -> object | None:
        """The principal of this request, None when it must be refused."""
        if self.authenticate is None:
            return "anonymous"
        return await _settle(self.authenticate(connection))

    async def may(self, principal: object, action: Action, feed: Feed) -> bool:
        """Whether this principal may do this."""
        if self.authorize is None:
            return True
        return await _settle(self.authorize(principal, action, feed.topic, feed.key))


async def _settle(answer: Awaitable[_T] | _T) -> _T:
    return await answer if inspect.isawaitable(answer) else answer


ALLOW_ALL = Policy()
