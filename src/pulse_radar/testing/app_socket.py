"""One WebSocket of an app in the same event loop: what a server does around it, without a port."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from pulse_radar.errors import Refused
from pulse_radar.testing.app_lifespan import App, Message

__all__ = ["AppSocket"]

# An app that takes longer to let a client go hangs.
_PATIENCE_SECONDS: Final = 20.0


class AppSocket:
    """Runs the app for one connection. What it sends is heard, and then why nothing more comes: once."""

    def __init__(
        self,
        app: App,
        scope: dict[str, Any],
        *,
        hear: Callable[[str | bytes], Awaitable[None]],
        over: Callable[[BaseException], Awaitable[None]],
    ) -> None:
        self._app = app
        self._scope = scope
        self._hear = hear
        self._over = over
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._is_accepted = False
        # Of an upgrade that is being refused.
        self._status = 0
        # Why nothing more comes.
        self._end: BaseException | None = None

    @property
    def is_opened(self) -> bool:
        """It was, whatever has become of it."""
        return self._task is not None

    def open(self) -> None:
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._run(), name=f"{self._scope['path']} of an app in a test")

    def say(self, text: str) -> None:
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def close(self) -> None:
        """Leave, and wait until the app is done with it. Raises: what the app raised, unless it ended us before."""
        assert self._task is not None, "it was opened"
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1000, "reason": ""})
        done, _ = await asyncio.wait([self._task], timeout=_PATIENCE_SECONDS)
        if not done:
            self._task.cancel()
            await asyncio.wait([self._task])
        if not isinstance(self._end, Refused):
            self._task.result()

    def __repr__(self) -> str:
        state = "over" if self._end else "open" if self._is_accepted else "not accepted"
        return f"<AppSocket at {self._scope['path']}, {state}>"

    async def _run(self) -> None:
        end: BaseException = Refused("the app ended without a word")
        try:
            await self._app(self._scope, self._to_app.get, self._heard)
        except BaseException as error:
            end = error
            raise
        finally:
            await self._finish(end)

    async def _heard(self, message: Message) -> None:
        match message["type"]:
            case "websocket.accept":
                self._is_accepted = True
            case "websocket.send":
                await self._hear(message.get("text") or message["bytes"])
            case "websocket.close" if not self._is_accepted:
                # As any server answers it (ASGI specification, WebSocket Close).
                await self._refused(403, f"403, is our router at {self._scope['path']}?")
            case "websocket.close":
                code, reason = message.get("code", 1000), message.get("reason") or ""
                await self._finish(Refused(f"the app closed the connection: {code} {reason}".strip(), code))
            case "websocket.http.response.start":
                self._status = message["status"]
            case "websocket.http.response.body":
                text = message.get("body", b"").decode(errors="replace").strip()
                await self._refused(self._status, f"{self._status} {text}")
            case _:
                pass

    async def _refused(self, status: int, why: str) -> None:
        await self._finish(Refused(f"the app refuses the connection: {why}", status))

    async def _finish(self, end: BaseException) -> None:
        if self._end is None:
            self._end = end
            await self._over(end)
