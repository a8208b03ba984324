"""Ten thousand events at once, in a list of a hundred rows: how smooth a page stays, with our hook and written by hand.

    python -m benchmarks.smoothness

In Chromium; a median frame of 16.7 ms is sixty a second. A task is long from 50 ms on.
"""

import asyncio
import statistics
import subprocess
from functools import cache

from playwright.async_api import Browser
from rich.console import Console
from rich.table import Table
from tests.browser.chromium import chromium
from tests.browser.client_page import PATIENCE_MS, WEB
from tests.server.serving import app_with, serving

from pulse_radar import Pulse

EVENTS = 10_000
ROUNDS = 3


@cache
def _page() -> str:
    command = [
        str(WEB / "node_modules" / ".bin" / "esbuild"),
        "tests/browser/rows.tsx",
        *("--bundle", "--minify", "--jsx=automatic", '--define:process.env.NODE_ENV="production"'),
    ]
    return subprocess.check_output(command, text=True, cwd=WEB / "client")  # noqa: S603 (ours)


async def _watch(browser: Browser, port: int, *, is_ours: bool) -> tuple[float, int, float]:
    """The median frame in milliseconds, the number of long tasks, and how long it all took in milliseconds."""
    page = await browser.new_page()
    await page.goto(f"http://127.0.0.1:{port}/health")
    await page.add_script_tag(content=_page())
    await page.evaluate("(isOurs) => start(isOurs)", is_ours)
    await page.wait_for_function(f"seen.events === {EVENTS}", timeout=PATIENCE_MS)
    await page.wait_for_function("document.body.children.length === 100", timeout=PATIENCE_MS)
    frames, long_tasks, took = await page.evaluate("[seen.frames, seen.longTasks, seen.to - seen.from]")
    await page.close()
    return statistics.median(frames), long_tasks, took


async def main() -> None:
    pulse = Pulse("memory://")
    pulse.topic("knowledge", retain=EVENTS)
    table = Table("page", "median frame ms", "long tasks", "all of it ms")
    async with serving(app_with(pulse)) as server, chromium() as browser:
        # They come as fast as the page reads them.
        for number in range(EVENTS):
            await pulse.publish("knowledge", "atom_created", {"number": number})
        for _ in range(ROUNDS):
            for name, is_ours in (("by hand", False), ("useTopic", True)):
                frame, long_tasks, took = await _watch(browser, server.port, is_ours=is_ours)
                table.add_row(name, f"{frame:.1f}", str(long_tasks), f"{took:,.0f}")
    Console().print(table)


if __name__ == "__main__":
    asyncio.run(main())
