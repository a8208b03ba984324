"""docs/tutorial.md, followed to the letter: its files, its commands, two windows of a real browser."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
from playwright.async_api import Page

from pulse_radar.testing.nats_server import free_port
from tests.browser.chromium import chromium
from tests.waiting import until_up

TUTORIAL = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text()
FILES: dict[str, str] = dict(
    re.findall(r'^```\w+ title="([^"]+)"\n(.*?)^```$', TUTORIAL, re.MULTILINE | re.DOTALL)
)
SERVE = "pulse-radar serve app:app"
PATIENCE_MS = 60_000

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What the reader has in the end, a little quicker than they would have it."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.replace("sleep(0.1)", "sleep(0.03)"))
    return tmp_path


def command(line: str) -> list[str]:
    program, *arguments = line.split()
    assert line in TUTORIAL
    return [str(Path(sys.executable).parent / program), *arguments]


@contextlib.asynccontextmanager
async def running(
    folder: Path, arguments: list[str], environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *arguments, cwd=folder, env={**os.environ, **environment}, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.asynccontextmanager
async def served(
    folder: Path, port: int, environment: Mapping[str, str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    async with running(folder, [*command(SERVE), "--port", str(port)], environment) as server:
        await until_up(server, port)
        yield server


async def bars(page: Page) -> dict[str, float]:
    """What it shows, by name."""
    lines = await page.eval_on_selector_all(
        "li", "all => all.map(li => [li.textContent.trim(), li.firstChild.value])"
    )
    return dict(lines)


async def until_bars(page: Page, count: int, value: int) -> None:
    """So many of them are at least there."""
    there = "[...document.querySelectorAll('progress')].filter(bar => bar.value >= value).length"
    shown = f"([count, value]) => {there} >= count"
    await page.wait_for_function(shown, arg=[count, value], timeout=PATIENCE_MS)


async def test_bars_move_in_both_windows_and_survive_a_killed_server(folder: Path) -> None:
    port = free_port()
    async with chromium() as browser:
        one, other = [await browser.new_page() for _ in range(2)]
        async with served(folder, port, {}) as server:
            for page in (one, other):
                await page.goto(f"http://localhost:{port}/")
            await one.click("button")
            await other.click("button")
            for page in (one, other):
                await until_bars(page, 2, 1)
            assert (await bars(one)).keys() == (await bars(other)).keys()
            await other.reload()
            await until_bars(other, 2, 100)
            server.send_signal(signal.SIGINT)
            assert await asyncio.wait_for(server.wait(), 60) == 0
        await with_a_worker(folder, port, [one, other])


async def with_a_worker(folder: Path, port: int, windows: list[Page]) -> None:
    assert "export PULSE_BROKER=embedded://" in TUTORIAL
    environment = {"PULSE_BROKER": "embedded://"}
    worker = [sys.executable, "worker.py"]
    async with served(folder, port, environment) as server:
        for page in windows:
            await page.goto(f"http://localhost:{port}/")
        async with running(folder, worker, environment) as working:
            for page in windows:
                await until_bars(page, 1, 5)
            server.send_signal(signal.SIGKILL)
            await server.wait()
            async with served(folder, port, environment):
                for page in windows:
                    await until_bars(page, 1, 100)
                assert await asyncio.wait_for(working.wait(), 60) == 0
                assert [list((await bars(page)).values()) for page in windows] == [[100], [100]]


async def test_the_class_of_the_last_step_is_the_event_of_the_first(folder: Path) -> None:
    with (folder / "app.py").open("a") as app:
        app.write("\nimport events\n")
    generated = await asyncio.create_subprocess_exec(
        *command("pulse-radar codegen app:app"), cwd=folder, stdout=asyncio.subprocess.PIPE
    )
    told, _ = await generated.communicate()
    assert generated.returncode == 0
    assert re.search(
        r"interface Progress \{\s+readonly name: string;\s+readonly done: number;", told.decode()
    )
