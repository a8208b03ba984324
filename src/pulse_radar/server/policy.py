"""Who may do what: the app's own two answers, else the rights that a principal brings."""

import inspect
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from pulse_radar.auth.principal import Principal
from pulse_radar.auth.rights import Action
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.hooks import Dependency, hook, in_time, settled

__all__ = ["Action", "Authenticate", "Authorize", "Policy"]

# Answers who this is; None, False or an empty text for nobody: then the client is told 4401. Or it is a dependency, as
# `Depends(function)`.
Authenticate = Callable[[Request], Awaitable[object | None] | object | None]

# Answers whether this principal may do this with the topic, or with one key of it; as `Depends(function)`, a
# dependency that answers such a function.
Authorize = Callable[[Any, Action, str, str | None], Awaitable[bool] | bool]


class Policy:
    """The hooks of the app. Without `authenticate` everybody comes, and may all that has no other lock.

    Without `authorize` the rights of a `Principal` count; whoever brings none may read, and nothing else.
    Raises: InvalidSetting, for hooks that cannot be called; HookTooSlow, from whatever asks one.
    """

    def __init__(
        self,
        authenticate: Authenticate | None = None,
        authorize: Authorize | None = None,
        *,
        seconds: float = 10.0,
    ) -> None:
        """`seconds`: so long an answer is waited for."""
        self._seconds = seconds
        self._authenticate: Authenticate | Dependency[object] | None = hook("authenticate", authenticate, 1)
        self._authorize: Authorize | Dependency[Authorize] | None = hook("authorize", authorize, 4)

    @property
    def authenticates(self) -> bool:
        return self._authenticate is not None

    @property
    def asks(self) -> bool:
        """Whether the app is ever asked about anybody."""
        return self._authenticate is not None or self._authorize is not None

    @property
    def companion(self) -> AbstractAsyncContextManager[object] | None:
        """What `authenticate` does in the background while the app runs, if it does anything."""
        is_one = isinstance(self._authenticate, AbstractAsyncContextManager)
        return self._authenticate if is_one else None  # type: ignore[return-value]  # as was just asked

    async def identify(self, request: Request) -> object | None:
        """The principal of this request, None when it must be refused. Raises: what the app raises."""
        match self._authenticate:
            case None:
                return "anonymous"
            case Dependency() as dependency:
                answer = dependency.within(request, _itself)
                return _somebody(await in_time("authenticate", answer, self._seconds))
            case authenticate:
                return _somebody(await settled("authenticate", authenticate(request), self._seconds))

    def allows_reading(self, principal: object) -> bool:
        """Whether it may read whatever there is, so that nobody needs to be asked."""
        return self._authorize is None and (not isinstance(principal, Principal) or principal.rights is None)

    async def allowed(
        self, request: Request, principal: object, action: Action, feeds: Collection[Feed]
    ) -> frozenset[Feed]:
        """Those of the feeds with which this principal may do this. Raises: what the app raises."""
        match self._authorize:
            case None:
                return frozenset(feed for feed in feeds if self._by_rights(principal, action, feed))
            case Dependency() as dependency:
                answer = dependency.within(
                    request, lambda authorize: self._answered(authorize, principal, action, feeds)
                )
                return await in_time("authorize", answer, self._seconds)
            case authorize:
                return await self._answered(authorize, principal, action, feeds)

    def _by_rights(self, principal: object, action: Action, feed: Feed) -> bool:
        if isinstance(principal, Principal) and principal.rights is not None:
            return principal.rights.allow(action, feed)
        return action == "read" or not self.authenticates

    async def _answered(
        self, authorize: Authorize, principal: object, action: Action, feeds: Collection[Feed]
    ) -> frozenset[Feed]:
        # All of them together, not each.
        ends_at = time.monotonic() + self._seconds
        allowed: list[Feed] = []
        for feed in feeds:
            answer = authorize(principal, action, feed.topic, feed.key)
            if _is_permission(await settled("authorize", answer, ends_at - time.monotonic())):
                allowed.append(feed)
        return frozenset(allowed)


def _somebody(answer: object) -> object | None:
    """Who was named, None for nobody. Raises: TypeError, for what names nobody and was not meant to."""
    if isinstance(answer, BaseException | Response) or inspect.isawaitable(answer):
        raise TypeError(
            f"authenticate answered {_kind(answer)}: an error is raised, and what can be awaited awaited"
        )
    is_nobody = answer is False or (isinstance(answer, str) and not answer)
    return None if is_nobody else answer


def _is_permission(answer: object) -> bool:
    """Raises: TypeError, for what is no yes and no no: a coroutine that nobody awaited would be a yes."""
    if answer is None or isinstance(answer, bool):
        return bool(answer)
    raise TypeError(f"authorize answered {_kind(answer)}, which is neither True nor False")


def _kind(answer: object) -> str:
    # Not the answer itself: it may hold what a log must not.
    return f"a {type(answer).__name__}"


async def _itself(given: object) -> object:
    return given
