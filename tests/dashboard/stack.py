"""The whole application as processes: the embedded server, an API, a worker; and a browser that looks at it."""

import asyncio
import contextlib
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, expect

from pulse_radar import Event, Publisher, Settings
from pulse_radar.protocol.json_value import JsonValue
from pulse_radar.radar.jobs import open_job_queue
from pulse_radar.testing.nats_server import free_port
from pulse_radar.testing.telegram_exports import write_export
from tests.waiting import until_up

__all__ = ["PATIENCE_MS", "Screen", "Stack", "running_stack", "screen"]

PATIENCE_MS: Final = 60_000
ARTIFACTS: Final = Path("artifacts/dashboard")
_WEB: Final = Path(__file__).parents[2] / "web"

# Once for all tests, and with all of the machine busy.
_START_SECONDS: Final = 90.0

# The width of a small telephone, and one of a laptop.
_NARROW: Final = {"width": 360, "height": 740}
_WIDE: Final = {"width": 1280, "height": 860}

# Adds up, as browsers do, how much moved without anybody having asked for it.
_WATCH_SHIFTS: Final = """
  window.shifted = 0;
  const note = (list) => list.getEntries().forEach((entry) => {
    if (!entry.hadRecentInput) window.shifted += entry.value;
  });
  new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });
"""

# How bright one of our colours is against another is said by the standards that the issue names.
_STANDARDS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
_COLOURS: Final = {"type": "rule", "values": ["color-contrast"]}

_AXE: Final = """
  async (rules) => {
    const found = await axe.run(document, { runOnly: rules, resultTypes: ["violations"] });
    return found.violations.map(({ id, help, nodes }) =>
      `${id}: ${help}\\n` + nodes.map(({ html, failureSummary }) => `  ${html}\\n  ${failureSummary}`).join("\\n"));
  }
"""


class Stack:
    """A running application."""

    def __init__(
        self, port: int, directory: Path, publisher: Publisher, processes: contextlib.AsyncExitStack
    ) -> None:
        self.port = port
        self.directory = directory
        self.settings = Settings.load(broker="embedded://", data_dir=directory)
        self._publisher = publisher
        self._processes = processes
        self._worker: asyncio.subprocess.Process

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    async def publish_plainly(
        self, topic: str, name: str, data: JsonValue, *, key: str | None = None
    ) -> None:
        """As anybody may who can reach the broker."""
        await self._publisher.publish(topic, name, data, key=key)

    async def publish(self, *events: Event) -> None:
        for event in events:
            await self._publisher.publish(event)

    async def start_worker(self) -> None:
        self._worker = await self._processes.enter_async_context(_process("worker", *_place(self.directory)))

    @contextlib.asynccontextmanager
    async def worker_killed(self) -> AsyncIterator[None]:
        """Its worker is dead, by SIGKILL; after the block there is another one."""
        self._worker.kill()
        await self._worker.wait()
        try:
            yield
        finally:
            await self.start_worker()

    @contextlib.asynccontextmanager
    async def sibling(self) -> AsyncIterator[str]:
        """A second API process of the same application, until the block ends; where it is."""
        async with _api(self.directory) as port:
            yield f"http://127.0.0.1:{port}/"

    def export(self, messages: int, name: str) -> Path:
        """An export of so many messages, none of them in any other."""
        path = self.directory / name
        with path.open("wb") as out:
            write_export(out, messages=messages, seed=hash(name) & 0xFFFF)
        return path

    async def ingest(self, path: Path, *, pace: float | None = None) -> str:
        """Queue the ingestion of an export, at most so many messages a second; the id of its job."""
        async with open_job_queue(self.settings) as queue:
            return await queue.ingest(path, pace=pace)


@asynccontextmanager
async def running_stack(directory: Path) -> AsyncIterator[Stack]:
    """All of it on a server of its own, until the block ends."""
    async with contextlib.AsyncExitStack() as processes:
        port = await processes.enter_async_context(_api(directory))
        settings = Settings.load(broker="embedded://", data_dir=directory)
        publisher = await processes.enter_async_context(Publisher(settings=settings))
        stack = Stack(port, directory, publisher, processes)
        await stack.start_worker()
        yield stack


@asynccontextmanager
async def _api(directory: Path) -> AsyncIterator[int]:
    """An API process; its port."""
    port = free_port()
    async with _process("serve", "--port", str(port), *_place(directory)) as api:
        await until_up(api, port, _START_SECONDS)
        yield port


def _place(directory: Path) -> tuple[str, ...]:
    return ("--broker", "embedded://", "--data-dir", str(directory))


@asynccontextmanager
async def _process(*arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    command = (sys.executable, "-m", "pulse_radar.cli", *arguments)
    # Tests have providers of their own, on this machine.
    environment = os.environ | {"PULSE_ALLOW_PRIVATE_PROVIDERS": "1"}
    process = await asyncio.create_subprocess_exec(*command, env=environment)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


class Screen:
    """A page of the dashboard, and what a person does with it."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack
        # What its scripts and its policy complain of.
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._hear)

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.complaints.append(said.text)

    def forgive(self, what: str) -> None:
        """What was provoked is no fault."""
        self.complaints = [one for one in self.complaints if what not in one]

    async def go(self, name: str) -> None:
        """To a screen by its name in the navigation."""
        await self.page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(name)

    async def until_live(self) -> None:
        await self.says(self.page.get_by_label("Connection", exact=True), re.compile("Live"))

    async def says(self, place: Locator, text: str | re.Pattern[str]) -> None:
        await expect(place).to_contain_text(text, timeout=PATIENCE_MS)

    async def shows(self, place: Locator) -> None:
        await expect(place).to_be_visible(timeout=PATIENCE_MS)

    def figure(self, label: str) -> Locator:
        """The number under this label."""
        return self.page.locator("dl[aria-label=Figures] > div", has_text=label).locator("dd").first

    def rows(self, table: str) -> Locator:
        """The rows of a table that are in sight, without its headings."""
        return self.page.get_by_role("table", name=table).get_by_role("rowgroup").get_by_role("row")

    async def look(self, name: str) -> None:
        """It can be shown to anyone: light and dark, wide and narrow; and read by whoever cannot see it."""
        ARTIFACTS.mkdir(parents=True, exist_ok=True)
        await self.page.evaluate((_WEB / "node_modules" / "axe-core" / "axe.min.js").read_text())
        for size in (_WIDE, _NARROW):
            await self.page.set_viewport_size(size)  # type: ignore[arg-type]
            for scheme in ("light", "dark"):
                await self.page.emulate_media(color_scheme=scheme)
                # What is dark is the same page in other colours; what is narrow has a menu instead of the navigation.
                if size is _WIDE or scheme == "light":
                    rules = _STANDARDS if scheme == "light" else _COLOURS
                    violations = await self.page.evaluate(_AXE, rules)
                    assert violations == [], f"{name}, {scheme}:\n" + "\n".join(violations)
                await self.page.screenshot(path=ARTIFACTS / f"{name}-{size['width']}-{scheme}.png")
            root = await self.page.evaluate(
                "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
            )
            assert root[0] <= root[1], f"{name} is {root[0]} wide on {root[1]}"
        await self.page.set_viewport_size(_WIDE)  # type: ignore[arg-type]
        await self.page.emulate_media(color_scheme="light")

    async def shifted(self) -> float:
        """How much has moved by itself since the page was opened."""
        moved: float = await self.page.evaluate("window.shifted")
        return moved


@asynccontextmanager
async def screen(browser: Browser, stack: Stack, url: str | None = None) -> AsyncIterator[Screen]:
    """A page that is open and live; `url`: where, if not at the stack's own API process.

    Fails on errors of its scripts, and on what its policy has to stop.
    """
    # What moves is painted anew all the time, without a graphics card by a quarter of a processor.
    page = await browser.new_page(viewport=_WIDE, color_scheme="light", reduced_motion="reduce")  # type: ignore[arg-type]
    await page.add_init_script(_WATCH_SHIFTS)
    try:
        at = Screen(page, stack)
        await page.goto(url or stack.url)
        await at.until_live()
        yield at
        assert at.complaints == []
    finally:
        await page.close()
