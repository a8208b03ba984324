"""Clients that people have already, with the lines of docs/CLIENTS.md and no others, through two cuts."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.chromium import chromium
from tests.node import bundle
from tests.stock_clients.storm import Storm, storm

pytestmark = [pytest.mark.timeout(240)]

DOCUMENT = (Path(__file__).parents[2] / "docs" / "CLIENTS.md").read_text(encoding="utf-8")
HOOK = (Path(__file__).parent / "adr_007_hook.ts").read_text(encoding="utf-8")

# What a page of these tests does with an event.
SHOW = "globalThis.heard = []; const show = ({ data }) => globalThis.heard.push(data.n);\n"


def lines_for(client: str) -> str:
    """The code below this heading of the document."""
    _, _, below = DOCUMENT.partition(f"\n## {client}\n")
    code = re.search(r"```\w+\n(.*?)```", below, re.DOTALL)
    assert code is not None, client
    return code[1]


@asynccontextmanager
async def browsing(
    blowing: Storm, script: str
) -> AsyncIterator[tuple[Page, Callable[[], Awaitable[list[int]]]]]:
    """A page that runs the script, and what it has heard by now."""
    async with chromium() as browser:
        page = await browser.new_page()
        await page.goto(blowing.serve_page(script))

        async def heard() -> list[int]:
            found: list[int] = await page.evaluate("globalThis.heard")
            return found

        await blowing.is_followed()
        yield page, heard


async def test_pythons_websockets(storm_seconds: float) -> None:
    names: dict[str, Any] = {}
    exec(lines_for("Python's websockets"), names)
    found: list[int] = []

    async def follow(authority: str) -> None:
        async for frame in names["follow"](f"ws://{authority}", "knowledge"):
            found.append(frame["data"]["n"])

    async def heard() -> list[int]:
        return found

    async with storm(storm_seconds) as blowing:
        following = asyncio.create_task(follow(blowing.authority))
        await blowing.is_followed()
        await blowing.blow()
        await blowing.all_heard(heard)
        following.cancel()
        await asyncio.wait([following])


async def test_curl(storm_seconds: float, tmp_path: Path) -> None:
    log = tmp_path / "events.log"

    async def heard() -> list[int]:
        blocks = log.read_text().split("\n\n")[:-1] if log.exists() else []
        texts = [
            line.removeprefix("data: ") for block in blocks for line in block.splitlines() if '"_seq"' in line
        ]
        # A cut may have left half a line, which came again.
        return [json.loads(text)["data"]["n"] for text in texts if text.endswith("}")]

    async with storm(storm_seconds) as blowing:
        script = lines_for("curl").replace("localhost:8000", blowing.authority)
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", script, cwd=tmp_path, start_new_session=True
        )
        try:
            await blowing.is_followed()
            await blowing.blow()
            await blowing.all_heard(heard)
        finally:
            # The loop, and the curl in it.
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


@pytest.mark.browser
async def test_the_browsers_own_event_source(storm_seconds: float) -> None:
    script = SHOW + lines_for("The browser's EventSource")
    async with storm(storm_seconds) as blowing, browsing(blowing, script) as (_, heard):
        await blowing.blow()
        await blowing.all_heard(heard)


@pytest.mark.browser
async def test_the_decision_records_own_hook(storm_seconds: float) -> None:
    """It comes back when it is given its topics anew, and then with the position of every topic."""
    hook = HOOK.replace("// Handle event...", "if (data._seq) show(data);")
    script = bundle(
        f"""
        import {{ useEffect, useState }} from "react";
        import {{ createRoot }} from "react-dom/client";
        {SHOW}
        {hook}
        function Page() {{
          const [topics, setTopics] = useState(["knowledge"]);
          globalThis.comeBack = () => setTopics((before) => [...before]);
          useWebSocket(topics);
          return null;
        }}
        createRoot(document.getElementById("root")).render(<Page />);
        """
    )
    async with storm(storm_seconds) as blowing, browsing(blowing, script) as (page, heard):
        await blowing.blow(after_cut=lambda: page.evaluate("globalThis.comeBack()"))
        await blowing.all_heard(heard)


@pytest.mark.browser
async def test_partysocket(storm_seconds: float) -> None:
    script = bundle(SHOW + lines_for("partysocket"))
    async with storm(storm_seconds) as blowing, browsing(blowing, script) as (_, heard):
        await blowing.blow()
        await blowing.all_heard(heard)


@pytest.mark.browser
async def test_react_use_websocket(storm_seconds: float) -> None:
    script = bundle(
        'import { createRoot } from "react-dom/client";\n'
        + SHOW
        + lines_for("react-use-websocket")
        + 'createRoot(document.getElementById("root")).render(<Knowledge />);\n'
    )
    async with storm(storm_seconds) as blowing, browsing(blowing, script) as (_, heard):
        await blowing.blow()
        await blowing.all_heard(heard)
