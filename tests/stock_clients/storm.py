"""A steady stream of numbered events, through a link that is cut twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from pulse_radar import Pulse
from pulse_radar.testing.faulty_link import FaultyLink
from tests.server.serving import app_with, make_pulse, serving

__all__ = ["Storm", "storm"]

# As often as a page shows progress.
_PAUSE_SECONDS = 0.02

# Long enough that a client tries in vain at least once.
_CUT_SECONDS = 0.7

# What is still under way when the stream ends.
_PATIENCE_SECONDS = 30.0

# Whoever does not answer pings is noticed even in a short storm.
_PING_SECONDS = 1.0
_PONG_SECONDS = 10.0


class Storm:
    """A server behind a link, and how long it blows."""

    def __init__(self, pulse: Pulse, app: FastAPI, link: FaultyLink, seconds: float) -> None:
        self._pulse = pulse
        self._app = app
        self._link = link
        self._seconds = seconds
        self._published = 0

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self._link.port}"

    def serve_page(self, script: str) -> str:
        """The address of a page with this script, at the same origin."""
        page = f"<!doctype html><title>A client</title><div id=root></div><script>{script}</script>"
        self._app.add_api_route("/page", lambda: HTMLResponse(page))
        return f"http://{self.authority}/page"

    async def is_followed(self, count: int = 1) -> None:
        """Wait until so many clients are live."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while self._pulse.stats().hub.subscriptions_live < count:
                await asyncio.sleep(0.01)

    async def blow(self, after_cut: Callable[[], Awaitable[object]] | None = None) -> None:
        """Publish for a while; cut the link after a third, and after two thirds of it."""
        async with asyncio.TaskGroup() as group:
            publishing = group.create_task(self._publish())
            for _ in range(2):
                await asyncio.sleep(self._seconds / 3)
                self._link.cut()
                await asyncio.sleep(_CUT_SECONDS)
                self._link.mend()
                if after_cut is not None:
                    await after_cut()
            await asyncio.sleep(self._seconds / 3)
            publishing.cancel()

    async def all_heard(self, heard: Callable[[], Awaitable[list[int]]]) -> None:
        """Each event, once and in order; no client was left for being silent."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                while len(await heard()) < self._published:
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pass
        found = await heard()
        missing, again = set(range(self._published)) - set(found), len(found) - len(set(found))
        assert (missing, again) == (set(), 0), (
            f"{len(missing)} missing from {min(missing, default=0)}, {again} twice"
        )
        assert found == sorted(found)
        assert self._published > 50
        assert self._pulse.stats().hub.evicted_stale == 0

    async def _publish(self) -> None:
        while True:
            number, self._published = self._published, self._published + 1
            await self._pulse.publish("knowledge", "counted", {"n": number})
            await asyncio.sleep(_PAUSE_SECONDS)


@asynccontextmanager
async def storm(seconds: float) -> AsyncIterator[Storm]:
    pulse = make_pulse(ping_interval=_PING_SECONDS, pong_timeout=_PONG_SECONDS)
    app = app_with(pulse)
    async with serving(app) as server, FaultyLink(server.port) as link:
        yield Storm(pulse, app, link, seconds)
