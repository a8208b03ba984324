"""A function that the app gives us, called as it is; or, as `Depends(function)`, with what FastAPI finds for it.

A dependency is resolved as that of any route is, by a route that nobody can reach: overrides of the app hold, and
what it opened is closed before we go on. A connection lives for hours, and no database session with it.
"""

import asyncio
import contextlib
import inspect
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final, Generic, TypeVar, get_args, get_origin

from fastapi import HTTPException, params
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.types import Message

from pulse_radar.errors import InvalidSetting

__all__ = ["TOO_SLOW", "Dependency", "HookTooSlow", "hook", "in_time", "settled"]

_log: Final = logging.getLogger("pulse_radar.server")

_T = TypeVar("_T")
_Given = TypeVar("_Given")

# Under which name the inner request carries what is to be done with the dependency.
_USE: Final = "pulse_radar.use"

# What the outer route left there: its answers to exceptions are not ours, and its dependencies end with it.
_OF_ROUTES: Final = frozenset(
    {"starlette.exception_handlers", "fastapi_inner_astack", "fastapi_function_astack", "route", "endpoint"}
)

_MARKS: Final = (params.Depends, params.Param)

# How often, in this process, by the name of the hook.
TOO_SLOW: Final = Counter[str](authenticate=0, authorize=0)

# Hooks that did not answer in time, until they end: a thread cannot be stopped, so nobody waits for that.
_left_behind: Final = set[asyncio.Future[Any]]()


class HookTooSlow(HTTPException):
    """The app did not say in time who this is, or what it may. Whoever asked may come again later."""

    def __init__(self, name: str) -> None:
        super().__init__(503, "who may do what was not said in time")
        TOO_SLOW[name] += 1
        _log.error("%s did not answer within PULSE_HOOK_SECONDS, and is left behind", name)


class Dependency(Generic[_Given]):
    """A dependency of FastAPI, to be had for as long as something is done with it."""

    def __init__(self, depends: params.Depends) -> None:
        self._depends = depends
        # The route that resolves it, and the app whose overrides it heeds.
        self._route: APIRoute | None = None
        self._app: object = None

    async def within(self, request: Request, use: Callable[[_Given], Awaitable[_T]]) -> _T:
        """What `use` makes of it, when all that it opened is closed again.

        Raises: HTTPException, 401 where the request lacks what the dependency wants; what it or `use` raises.
        """
        answers: list[_T] = []

        async def used(given: _Given) -> None:
            answers.append(await use(given))

        scope = {name: value for name, value in request.scope.items() if name not in _OF_ROUTES}
        # Some route must be asked, by a method that has no body.
        scope |= {_USE: used, "method": "GET"}
        try:
            await self._route_of(scope.get("app")).handle(scope, _no_body, _nowhere)
        except RequestValidationError:
            # What is wrong with it may be a part of a secret.
            raise HTTPException(401, "unauthenticated") from None
        return answers[0]

    def _route_of(self, app: object) -> APIRoute:
        if self._route is None or self._app is not app:
            self._app = app
            self._route = APIRoute("/", _endpoint(self._depends), dependency_overrides_provider=app)
        return self._route


def hook(name: str, given: Any, arguments: int) -> Any:
    """The app's function as we call it, or the dependency. Raises: InvalidSetting, for what can be neither."""
    if isinstance(given, params.Depends):
        if given.dependency is None:
            raise InvalidSetting(f"{name}=Depends() names no function: {name}=Depends(your_function)")
        return Dependency(given)
    if given is None:
        return None
    if not callable(given) or _is_marked(given) or not _takes(given, arguments):
        raise InvalidSetting(
            f"{name} takes {arguments} argument{'s' if arguments > 1 else ''}: one that FastAPI shall find "
            f"arguments for is given as {name}=Depends(your_function)"
        )
    return given


async def settled(name: str, answer: Awaitable[_T] | _T, seconds: float) -> _T:
    """The answer of a function that may be async, or not. Raises: HookTooSlow; what it raises."""
    return await in_time(name, answer, seconds) if inspect.isawaitable(answer) else answer


async def in_time(name: str, answer: Awaitable[_T], seconds: float) -> _T:
    """The answer of this hook, if it comes within so many seconds. Raises: HookTooSlow; what it raises."""
    answering = asyncio.ensure_future(answer)
    try:
        await asyncio.wait([answering], timeout=seconds)
        if not answering.done():
            raise HookTooSlow(name)
        if answering.cancelled():
            # Raised as it is it would end whoever asked, in silence.
            raise RuntimeError(f"{name} was cancelled by something that it awaited")
        return answering.result()
    finally:
        if not answering.done():
            answering.cancel()
            _left_behind.add(answering)
            answering.add_done_callback(_ended)


def _ended(answering: asyncio.Future[Any]) -> None:
    _left_behind.discard(answering)
    if not answering.cancelled() and answering.exception() is not None:
        _log.warning("a hook that was not waited for any more failed", exc_info=answering.exception())


def _endpoint(depends: params.Depends) -> Callable[..., Awaitable[Response]]:
    async def endpoint(request: Request, given: Any = depends) -> Response:
        await request.scope[_USE](given)
        return Response()

    return endpoint


def _signature(function: Callable[..., object]) -> inspect.Signature | None:
    for eval_str in (True, False):
        # Annotations may be text, and name what is not there while the program runs.
        with contextlib.suppress(NameError, TypeError, ValueError):
            return inspect.signature(function, eval_str=eval_str)
    return None  # one of C, say: it cannot be looked into


def _takes(function: Callable[..., object], arguments: int) -> bool:
    signature = _signature(function)
    try:
        return signature is None or bool(signature.bind(*range(arguments)))
    except TypeError:
        return False


def _is_marked(function: Callable[..., object]) -> bool:
    """Whether FastAPI was meant to find its arguments."""
    signature = _signature(function)
    given = () if signature is None else signature.parameters.values()
    return any(isinstance(mark, _MARKS) for parameter in given for mark in _marks(parameter))


def _marks(parameter: inspect.Parameter) -> tuple[object, ...]:
    is_annotated = get_origin(parameter.annotation) is Annotated
    return parameter.default, *(get_args(parameter.annotation)[1:] if is_annotated else ())


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nowhere(_message: Message) -> None:
    """The answer of a route that nobody asked."""
