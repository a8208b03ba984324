"""The example of a page by hand, in a real browser: what it shows, and what it does when it is cut off."""

import contextlib
import datetime
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from fastapi import FastAPI
from fastapi.responses import FileResponse
from playwright.async_api import Browser, Locator, Page, expect

from pulse_radar import Event, Pulse, Settings
from pulse_radar.jobs.events import JobCompleted, JobFailed, JobQueued, JobRetrying, JobStarted
from pulse_radar.radar.events import AtomCreated, IngestionProgress
from pulse_radar.radar.topics import declare_topics
from pulse_radar.testing.faulty_link import FaultyLink
from tests.browser.chromium import chromium
from tests.server.serving import serving

# One browser for all: a page of its own is as good as a browser of its own.
pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

PATIENCE_MS = 30_000
PAGE = Path("examples/live-page/index.html")
ARTIFACTS = Path("artifacts")
NOW = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)

# Adds up, as browsers do, how much moved without anybody having asked for it.
WATCH_SHIFTS = """
  window.shifted = 0;
  const note = (list) => list.getEntries().forEach((entry) => { window.shifted += entry.value; });
  new PerformanceObserver(note).observe({ type: "layout-shift", buffered: true });
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


class Scene:
    """A page on its way to an API process, and the process itself, by which events are published."""

    def __init__(self, pulse: Pulse, link: FaultyLink, page: Page) -> None:
        self.pulse = pulse
        self.link = link
        self.page = page

    def place(self, name: str) -> Locator:
        """The element with this id."""
        return self.page.locator(f"#{name}")

    async def open(self) -> None:
        await self.page.goto(f"http://127.0.0.1:{self.link.port}/")

    async def until(self, name: str, text: str) -> None:
        """Wait until the element with this id reads so."""
        await expect(self.place(name)).to_have_text(text, timeout=PATIENCE_MS)

    async def publish(self, *events: Event) -> None:
        for event in events:
            await self.pulse.publish(event)


@contextlib.asynccontextmanager
async def scene(
    browser: Browser, pulse: Pulse | None = None, *, width: int = 1200, scheme: str = "light"
) -> AsyncIterator[Scene]:
    """The browser at the page of a process with the application's topics, or with those of this Pulse."""
    if pulse is None:
        pulse = Pulse("memory://")
        declare_topics(pulse)
    app = FastAPI(lifespan=pulse.lifespan)
    app.include_router(pulse.router)
    app.add_api_route("/", lambda: FileResponse(PAGE))
    async with serving(app) as server, FaultyLink(server.port) as link:
        viewport = {"width": width, "height": 800}
        # What turns is painted anew all the time, without a graphics card by a quarter of a processor.
        page = await browser.new_page(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.add_init_script(WATCH_SHIFTS)
        yield Scene(pulse, link, page)
        assert errors == []
        await page.close()


def progress(done: int, total: int = 100, name: str = "i1", **more: object) -> IngestionProgress:
    facts = {"status": "running", "rate": 123.4, "chat": "Team", "file": "result.json", **more}
    return IngestionProgress.model_validate(
        {"ingestion_id": name, "total": total, "done": done, "added": done, **facts}
    )


def atom(number: int, title: str = "We ship on Friday") -> AtomCreated:
    return AtomCreated(
        id=f"a{number}",
        kind="decision",
        title=title,
        text=title,
        chat="Team",
        chat_id="1",
        message_id=str(number),
        author="Anna",
        date=NOW,
    )


def job(name: str, state: type[Event], **more: object) -> Event:
    facts = {"name": name, "transitions": [], "queued_at": NOW, "ended_at": NOW, "worker": "host:1:a1"}
    return state.model_validate({"task_id": name, "duration_seconds": 4.2, **facts, **more})


async def test_the_page_says_what_it_waits_for_before_anything_happened(browser: Browser) -> None:
    async with scene(browser) as stage:
        await stage.open()
        await stage.until("state", "connected")
        for name in ("ingestions", "atoms", "jobs"):
            said = await stage.place(name).evaluate("list => getComputedStyle(list, '::after').content")
            assert len(said) > len("Nothing yet.")
        for name in ("messages", "atomCount", "jobsDone", "reconnects", "replayed", "gaps"):
            await stage.until(name, "0")


async def test_a_page_that_has_nothing_to_show_yet_of_a_job_says_that_it_starts(browser: Browser) -> None:
    async with scene(browser) as stage:
        await stage.open()
        empty = stage.place("ingestions")
        await stage.publish(job("ingest", JobQueued))
        await expect(empty).to_have_attribute("data-empty", "Starting…", timeout=PATIENCE_MS)
        await stage.publish(job("ingest", JobCompleted))
        await expect(empty).to_have_attribute(
            "data-empty", re.compile("pulse-radar ingest"), timeout=PATIENCE_MS
        )


async def test_the_page_shows_an_ingestion_its_atoms_and_its_job(browser: Browser) -> None:
    async with scene(browser) as stage:
        await stage.open()
        await stage.publish(job("ingest", JobQueued), job("ingest", JobStarted))
        await stage.until("jobsOther", "1 open, 0 failed")
        await stage.publish(progress(40, eta_seconds=3.2), atom(1), atom(2))
        await stage.until("messages", "40")
        await expect(stage.place("ingestions")).to_contain_text("running 40 %")
        await expect(stage.place("ingestions")).to_contain_text("40 of 100, 40 new, 123/s, 4 s left")
        await expect(stage.place("atoms")).to_contain_text("decisionWe ship on FridayAnna")
        await stage.publish(progress(100, status="completed", rate=0), job("ingest", JobCompleted))
        await expect(stage.place("ingestions")).to_contain_text("100 of 100, 100 new")
        await expect(stage.place("jobs")).to_contain_text("ingest4.2 scompleted")
        await stage.until("jobsDone", "1")
        await stage.until("atomCount", "2")
        await expect(stage.place("trip")).to_contain_text("ms")


async def test_the_page_shows_what_failed_and_why(browser: Browser) -> None:
    async with scene(browser) as stage:
        await stage.open()
        why = "result.json breaks off at byte 12,345"
        await stage.publish(
            progress(7, status="failed", error=why),
            job("first", JobRetrying),
            job("second", JobFailed, error_type="BrokenExport", error=why, attempt=2),
        )
        await expect(stage.place("ingestions")).to_contain_text(why)
        await expect(stage.place("jobs")).to_contain_text("retrying")
        await expect(stage.place("jobs")).to_contain_text(why)
        await stage.until("jobsOther", "1 open, 1 failed")


async def test_what_people_write_stays_text(browser: Browser) -> None:
    evil = '<img src=x onerror="document.title = 1"><script>document.title = 2</script>'
    async with scene(browser) as stage:
        await stage.open()
        await stage.publish(
            atom(1, evil), progress(1, file=evil, chat=evil), job(evil, JobStarted, task_id="t")
        )
        for name in ("atoms", "ingestions", "jobs"):
            await expect(stage.place(name)).to_contain_text(evil)
        assert await stage.page.locator("ul img, ul script").count() == 0
        assert await stage.page.title() == "Pulse Radar, live"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 360])
async def test_nothing_jumps_while_data_streams(browser: Browser, width: int, scheme: str) -> None:
    async with scene(browser, width=width, scheme=scheme) as stage:
        await stage.open()
        await stage.until("state", "connected")
        for number in range(1, 41):
            title = "We ship " + "very " * (number % 20) + "soon"
            await stage.publish(
                progress(number * 100, 4_000), progress(number, 50, name="i2"), atom(number, title)
            )
            await stage.publish(job(f"job-{number // 4}", (JobQueued, JobStarted, JobCompleted)[number % 3]))
            await stage.page.wait_for_timeout(10)
        await stage.until("atomCount", "40")
        # Before the picture, for which a narrow page is made as high as all of it.
        assert await stage.page.evaluate("window.shifted") < 0.01
        await stage.page.screenshot(path=ARTIFACTS / f"live-page-{scheme}-{width}.png", full_page=width < 500)
        assert await stage.page.evaluate("document.documentElement.scrollWidth") == width


async def test_the_numbers_are_exact_through_any_cut(browser: Browser) -> None:
    async with scene(browser) as stage:
        await stage.open()
        await stage.until("state", "connected")
        for number in range(1, 801):
            await stage.publish(atom(number), progress(number, 800))
            if number % 100 == 0:
                stage.link.cut()
                await expect(stage.place("state")).not_to_have_text("connected", timeout=PATIENCE_MS)
                stage.link.mend()
        await stage.until("messages", "800")
        await stage.until("atomCount", "800")
        await stage.until("gaps", "0")
        await stage.page.reload()
        # Each atom, and of the ingestion what is newest.
        await stage.until("received", "801")
        await stage.until("atomCount", "800")


async def test_a_server_that_fell_silent_is_left_and_nothing_is_lost(browser: Browser) -> None:
    async with scene(browser) as stage:
        await stage.page.clock.install()
        await stage.open()
        await stage.until("state", "connected")
        stage.link.stall()
        await stage.publish(*(atom(number) for number in range(1, 31)))
        # Its next ping goes out, one more, and then the first should long have been answered.
        for seconds in (5, 5, 4):
            await stage.page.clock.fast_forward(seconds * 1_000)
        await stage.until("state", "reconnecting")
        await stage.until("trip", "–")
        stage.link.mend()
        await stage.page.clock.fast_forward(1_000)
        await stage.until("state", "connected")
        await stage.until("atomCount", "30")
        await stage.until("replayed", "30")
        await stage.until("reconnects", "1")


async def test_a_server_that_says_stop_is_obeyed(browser: Browser) -> None:
    pulse = Pulse("memory://", authenticate=lambda _connection: None)
    declare_topics(pulse)
    async with scene(browser, pulse) as stage:
        await stage.page.clock.install()
        await stage.open()
        await stage.until("state", "closed")
        await expect(stage.place("notice")).to_contain_text("(4401 unauthenticated). Reload the page")
        before = stage.link.accepted
        await stage.page.clock.fast_forward(60_000)
        assert stage.link.accepted == before


async def test_a_refused_topic_is_shown_and_the_others_go_on(browser: Browser) -> None:
    pulse = Pulse("memory://")
    pulse.topic("knowledge")
    pulse.topic("messages")
    async with scene(browser, pulse) as stage:
        await stage.open()
        await expect(stage.place("notice")).to_contain_text("unknown topic 'monitoring'")
        await stage.publish(atom(1))
        await stage.until("atomCount", "1")


async def test_a_gap_is_shown(browser: Browser) -> None:
    # Neither the broker nor the process holds more than five.
    pulse = Pulse(settings=Settings.load(broker="memory://", window_events=5))
    for name in ("messages", "knowledge", "monitoring"):
        pulse.topic(name, retain=5)
    async with scene(browser, pulse) as stage:
        await stage.open()
        await stage.publish(atom(1))
        await stage.until("atomCount", "1")
        stage.link.cut()
        await expect(stage.place("state")).not_to_have_text("connected", timeout=PATIENCE_MS)
        await stage.publish(*(atom(number) for number in range(2, 20)))
        stage.link.mend()
        await stage.until("gaps", "1")
        await stage.until("atomCount", "6")


async def test_each_row_reads_in_the_direction_of_its_own_text(browser: Browser) -> None:
    async with scene(browser) as at:
        await at.open()
        await at.publish(atom(1, "We ship on Friday"), atom(2, "نسخه‌ی تازه را کی منتشر می‌کنیم؟"))
        await at.until("atomCount", "2")
        titles = at.place("atoms").locator("li span")
        directions = [await titles.nth(row).evaluate("e => getComputedStyle(e).direction") for row in (0, 1)]
        assert directions == ["rtl", "ltr"]
        # The rows stay, their texts move down.
        await at.publish(atom(3, "It is shipped"))
        await at.until("atomCount", "3")
        assert await titles.nth(0).evaluate("e => getComputedStyle(e).direction") == "ltr"
        assert await titles.nth(1).evaluate("e => getComputedStyle(e).direction") == "rtl"
