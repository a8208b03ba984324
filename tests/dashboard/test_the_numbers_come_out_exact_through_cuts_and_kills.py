"""The main job in a real browser: an export flows through a worker and NATS, the network and the API break."""

import asyncio
import contextlib
import os
import re
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from pulse_radar import Settings
from pulse_radar.brokers.opening import open_broker
from pulse_radar.testing.faulty_link import FaultyLink
from pulse_radar.testing.nats_server import NatsServer, free_port
from pulse_radar.testing.telegram_exports import write_export
from tests.browser.chromium import chromium
from tests.waiting import until_up

MESSAGES = 5_000
PATIENCE_MS = 60_000
# With all of the machine busy.
START_SECONDS = 90.0
ARTIFACTS = Path("artifacts")

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


class Command:
    """A `pulse-radar` command as a process of this test's."""

    def __init__(self, *arguments: str, broker: str, directory: Path) -> None:
        self._arguments = arguments
        self._place = {"PULSE_BROKER": broker, "PULSE_DATA_DIR": str(directory)}
        self._process: asyncio.subprocess.Process

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pulse_radar.cli", *self._arguments),
            env={**os.environ, **self._place},
        )

    async def until_up(self, port: int) -> None:
        await until_up(self._process, port, START_SECONDS)

    async def end(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)
        await self._process.wait()


@contextlib.asynccontextmanager
async def running(*arguments: str, broker: str, directory: Path) -> AsyncIterator[Command]:
    command = Command(*arguments, broker=broker, directory=directory)
    await command.start()
    try:
        yield command
    finally:
        await command.end(signal.SIGKILL)


async def test_the_numbers_on_the_dashboard_come_out_exact(tmp_path: Path) -> None:
    export = tmp_path / "result.json"
    with export.open("wb") as file:
        write_export(file, messages=MESSAGES, seed=2_026)
    port = free_port()
    serve = ("serve", "--port", str(port))
    async with (
        NatsServer(tmp_path) as nats,
        running(*serve, broker=nats.url, directory=tmp_path) as api,
        running("worker", broker=nats.url, directory=tmp_path),
        FaultyLink(port) as network,
        chromium() as browser,
    ):
        await api.until_up(port)
        page = await browser.new_page(viewport={"width": 1280, "height": 860}, reduced_motion="reduce")
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"http://127.0.0.1:{network.port}/")
        await expect(_connection(page)).to_contain_text("Live", timeout=PATIENCE_MS)
        async with running("ingest", str(export), "--no-wait", broker=nats.url, directory=tmp_path):
            await _until_read(page, MESSAGES // 10)
            network.cut()
            await expect(_connection(page)).not_to_contain_text("Live", timeout=PATIENCE_MS)
            await asyncio.sleep(0.5)
            network.mend()
            await expect(_connection(page)).to_contain_text("Live", timeout=PATIENCE_MS)
            await _until_read(page, MESSAGES // 3)
            await api.end(signal.SIGKILL)
            await expect(_connection(page)).not_to_contain_text("Live", timeout=PATIENCE_MS)
            await api.start()
            await expect(_connection(page)).to_contain_text("Live", timeout=PATIENCE_MS)
            await expect(_figure(page, "Jobs at work")).to_contain_text("1 ended", timeout=PATIENCE_MS)
        await expect(_figure(page, "Messages read")).to_contain_text(f"{MESSAGES:,}", timeout=PATIENCE_MS)
        interruptions = page.get_by_role("region", name="Interruptions").get_by_role("listitem")
        # Each topic of it has caught up, also those of which nothing was missed.
        await expect(interruptions.filter(has_text="Replayed").nth(1)).to_be_visible(timeout=PATIENCE_MS)
        await expect(interruptions.filter(has_text="gap")).to_have_count(0)
        await page.screenshot(path=ARTIFACTS / "dashboard.png")
        await _until_all_is_told(tmp_path / "radar.db")
        atoms = await _atoms_stored(nats.url)
        await page.get_by_role("link", name="Events", exact=True).click()
        topic = page.get_by_role("button", name=re.compile("^knowledge"))
        await expect(topic).to_contain_text(f"{atoms:,}", timeout=PATIENCE_MS)
        # A reload begins from what is kept, and comes to the same number.
        await page.goto(f"http://127.0.0.1:{network.port}/")
        await expect(_figure(page, "Messages read")).to_contain_text(f"{MESSAGES:,}", timeout=PATIENCE_MS)
    assert errors == []
    assert atoms > MESSAGES // 10


def _connection(page: Page) -> Locator:
    return page.get_by_label("Connection", exact=True)


def _figure(page: Page, label: str) -> Locator:
    return page.locator("dl[aria-label=Figures] > div", has_text=label)


async def _until_read(page: Page, messages: int) -> None:
    number = _figure(page, "Messages read").locator("dd").first
    async with asyncio.timeout(PATIENCE_MS / 1_000):
        while int(re.sub(r"\D", "", await number.inner_text())) < messages:
            await asyncio.sleep(0.02)


async def _until_all_is_told(database: Path) -> None:
    """The job may end before the outbox has nothing more to tell."""
    async with asyncio.timeout(PATIENCE_MS / 1_000):
        with contextlib.closing(sqlite3.connect(database)) as rows:
            while rows.execute("SELECT count(*) FROM pulse_outbox_events").fetchone() != (0,):
                await asyncio.sleep(0.1)


async def _atoms_stored(broker: str) -> int:
    """How many atoms were published, from the broker itself."""
    async with open_broker(Settings.load(broker=broker), is_owner=True) as opened:
        extent = await opened.extent("knowledge")
    return extent.last - extent.first + 1
