"""The TypeScript client in a page of its own: what it was given, what it knows it missed, how its connection is."""

import subprocess
from collections.abc import Mapping
from functools import cache
from typing import Any, Self

from playwright.async_api import BrowserContext, Page

from tests.protocol.vectors import DIRECTORY

WEB = DIRECTORY.parent.parent / "web"

PATIENCE_MS = 60_000

_FOLLOW = """(options) => {
  window.seen = []; window.gaps = []; window.isLive = false;
  window.client = pulseRadar.createClient({ url: "/ws", onGap: (gap) => gaps.push(gap), ...options });
  window.stop = client.topic("knowledge").subscribe((told) => {
    if (told.kind === "event") seen.push(told.data);
    isLive ||= told.kind === "subscribed";
  });
}"""


@cache
def bundle() -> str:
    """The client as one script, which calls itself `pulseRadar`."""
    esbuild = WEB / "node_modules" / ".bin" / "esbuild"
    if not esbuild.exists():
        raise RuntimeError("the packages of web/ are not installed: run make web/node_modules/.synced")
    source = WEB / "client" / "src" / "index.ts"
    command = [str(esbuild), str(source), "--bundle", "--format=iife", "--global-name=pulseRadar"]
    return subprocess.check_output(command, text=True)


class ClientPage:
    """A page of the server that is at this port, in which a client follows `knowledge`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    @classmethod
    async def open(cls, context: BrowserContext, port: int, options: Mapping[str, object]) -> Self:
        """Be live: from here on nothing may be missed."""
        opened = cls(await context.new_page())
        # Any page of the server's origin will do.
        await opened.page.goto(f"http://127.0.0.1:{port}/health")
        await opened.follow(options)
        return opened

    async def follow(self, options: Mapping[str, object]) -> None:
        await self.page.add_script_tag(content=bundle())
        await self.page.evaluate(_FOLLOW, options)
        await self.until("isLive")

    async def until(self, fact: str) -> None:
        """Wait until this holds in the page."""
        await self.page.wait_for_function(fact, timeout=PATIENCE_MS)

    async def until_seen(self, count: int) -> None:
        await self.until(f"seen.length >= {count}")

    async def ask(self, expression: str) -> Any:
        return await self.page.evaluate(expression)
