"""A server on this machine that speaks the Bot API's HTTP and JSON, and forgets updates when the real one does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

__all__ = ["BOT", "TOKEN", "LocalBotApi", "local_bot_api"]

BOT: Final = {"id": 4242, "is_bot": True, "first_name": "Radar", "username": "radar_bot"}
TOKEN: Final = "4242:never-to-be-seen"

Json = dict[str, Any]


class LocalBotApi:
    """Updates that wait for one bot: forgotten once a later `offset` is asked for. A later poll ends the one before."""

    def __init__(self) -> None:
        self.url = ""
        self.offsets: list[int] = []
        self.waiting: list[Json] = []
        # Answers instead of news, one after the other.
        self.troubles: list[tuple[int, Json]] = []
        # After the next delivery polls hang and confirm nothing, as if they were lost on the way.
        self.goes_deaf = False
        self._is_deaf = False
        self.most_at_once = 100
        self._news = asyncio.Condition()
        self._next_id = 900_000_000
        self._poll = 0
        self.app = FastAPI()
        self.app.add_api_route("/bot{token}/{method}", self._answer, methods=["POST"])

    async def say(self, *messages: Json, kind: str = "message") -> None:
        """These are said where the bot is."""
        async with self._news:
            for message in messages:
                self._next_id += 1
                self.waiting.append({"update_id": self._next_id, kind: message})
            self._news.notify_all()

    async def begin_anew(self, first: int) -> None:
        """After a quiet week updates are numbered from anywhere."""
        self._next_id = first

    async def forgotten(self) -> None:
        """Wait until all is confirmed."""
        async with asyncio.timeout(60), self._news:
            await self._news.wait_for(lambda: not self.waiting)

    async def _answer(self, token: str, method: str, request: Request) -> JSONResponse:
        if token != TOKEN:
            return _refused(401, {"description": "Unauthorized"})
        if method == "getMe":
            return JSONResponse({"ok": True, "result": BOT})
        assert method == "getUpdates"
        if self.troubles:
            return _refused(*self.troubles.pop(0))
        return await self._updates(await request.json())

    async def _updates(self, asked: Json) -> JSONResponse:
        assert set(asked["allowed_updates"]) == {"message", "channel_post"}
        self.offsets.append(asked["offset"])
        if self._is_deaf and self.goes_deaf:
            await asyncio.sleep(asked["timeout"])
            return _refused(502, {"description": "Bad Gateway"})
        self._poll += 1
        mine = self._poll
        async with self._news:
            # One from another week is as none.
            if asked["offset"] <= self._next_id + 1:
                self.waiting = [one for one in self.waiting if one["update_id"] >= asked["offset"]]
            self._news.notify_all()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(asked["timeout"], 1)):
                    await self._news.wait_for(lambda: bool(self.waiting) or mine != self._poll)
        if mine != self._poll:
            return _refused(409, {"description": "Conflict: terminated by other getUpdates request"})
        result = self.waiting[: self.most_at_once]
        self._is_deaf = self.goes_deaf and bool(result)
        return JSONResponse({"ok": True, "result": result})


def _refused(status: int, more: Json) -> JSONResponse:
    return JSONResponse({"ok": False, "error_code": status, **more}, status)


@asynccontextmanager
async def local_bot_api() -> AsyncIterator[LocalBotApi]:
    api = LocalBotApi()
    config = uvicorn.Config(api.app, port=0, log_level="warning", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    socket = config.bind_socket()
    api.url = f"http://127.0.0.1:{socket.getsockname()[1]}"
    serving = asyncio.create_task(server._serve([socket]))
    try:
        yield api
    finally:
        server.should_exit = True
        await serving
