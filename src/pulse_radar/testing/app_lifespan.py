"""An app that is started for the first who needs it, and ended by the last: what a server does around it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Final, TypeAlias

__all__ = ["App", "Message", "running"]

Message: TypeAlias = MutableMapping[str, Any]
App: TypeAlias = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]


@asynccontextmanager
async def running(app: App) -> AsyncIterator[dict[str, Any]]:
    """The state that the app's lifespan yields, while it runs. Raises: what the app raises when it starts or ends."""
    lifespan = await _lifespan_of(app)
    lifespan.users += 1
    try:
        await lifespan.started()
        yield lifespan.state
    finally:
        lifespan.users -= 1
        if not lifespan.users:
            try:
                await lifespan.end()
            finally:
                del _lifespans[id(app)]
                lifespan.has_ended.set()


async def _lifespan_of(app: App) -> "_Lifespan":
    """The one that runs, or a new one once the last has ended."""
    while True:
        lifespan = _lifespans.setdefault(id(app), _Lifespan(app))
        if not lifespan.is_ending:
            return lifespan
        await lifespan.has_ended.wait()


class _Lifespan:
    """One run of an app's lifespan, in a task of its own from its first line to its last."""

    def __init__(self, app: App) -> None:
        self.users = 0
        self.is_ending = False
        self.has_ended = asyncio.Event()
        self.state: dict[str, Any] = {}
        self._app = app
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._has_started = asyncio.Event()
        self._failure: str | None = None
        self._task: asyncio.Task[None] | None = None

    async def started(self) -> None:
        if self._task is None:
            self._to_app.put_nowait({"type": "lifespan.startup"})
            self._task = asyncio.create_task(self._run(), name="lifespan of an app in a test")
        await self._has_started.wait()
        if self._task.done():
            # An app without a lifespan may refuse to hear of one; anything else is its own failure.
            self._task.result()

    async def end(self) -> None:
        self.is_ending = True
        if self._task is not None:
            self._to_app.put_nowait({"type": "lifespan.shutdown"})
            await self._task

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._app(scope, self._to_app.get, self._heard)
            if self._failure is not None:
                raise RuntimeError(self._failure)
        finally:
            self._has_started.set()

    async def _heard(self, message: Message) -> None:
        match message["type"]:
            case "lifespan.startup.complete":
                self._has_started.set()
            case "lifespan.startup.failed" | "lifespan.shutdown.failed":
                # Most raise it as well, which says more.
                self._failure = f"{message['type']}: {message.get('message', '')}"
            case _:
                pass


# The apps that run now, each once however many clients it has.
_lifespans: Final[dict[int, _Lifespan]] = {}
