"""The TypeScript client in a real browser, at a real server: cuts, kills, frozen tabs, a network without WebSockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext
from playwright.async_api import Error as PlaywrightError

from pulse_radar import Publisher, Pulse, Settings
from pulse_radar.testing.faulty_link import FaultyLink
from pulse_radar.testing.nats_server import NatsServer
from tests.browser.chromium import chromium
from tests.browser.client_page import PATIENCE_MS, ClientPage
from tests.browser.office_proxies import impatient_proxy, refusing_proxy
from tests.promise.processes import ApiProcess
from tests.server.serving import app_with, serving

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SHARED: Mapping[str, object] = {"shared": "anna"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    async with await browser.new_context() as fresh:
        yield fresh


# A page that is in the middle of this does nothing else, as a frozen one.
_FREEZE = """() => {
  const asking = new XMLHttpRequest();
  do { asking.open("GET", "/frozen", false); asking.send(); } while (asking.responseText === "true");
}"""


class Stage:
    """An API process in this loop, and the network in front of it."""

    def __init__(self, pulse: Pulse) -> None:
        self.pulse = pulse
        # Whether whoever asked to be frozen still is.
        self.is_frozen = False
        self.port: int
        self.link: FaultyLink

    async def frozen(self) -> bool:
        await asyncio.sleep(0.1)
        return self.is_frozen

    async def publish(self, numbers: range) -> None:
        for number in numbers:
            await self.pulse.publish("knowledge", "atom_created", number)

    @property
    def connections(self) -> int:
        return self.pulse.stats().hub.connections

    async def until_connections(self, count: int) -> None:
        """Of a page that is gone the server hears a little later."""
        async with asyncio.timeout(PATIENCE_MS / 1_000):
            while self.connections != count:
                await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def stage(**settings: object) -> AsyncIterator[Stage]:
    pulse = Pulse(settings=Settings.load(broker="memory://", **settings))
    pulse.topic("knowledge", retain=100_000)
    world = Stage(pulse)
    app = app_with(pulse)
    app.get("/frozen")(world.frozen)
    async with serving(app) as server, FaultyLink(server.port) as link:
        world.port, world.link = server.port, link
        yield world


async def crash(tab: ClientPage) -> None:
    """End the process of this tab."""
    with pytest.raises(PlaywrightError, match="crash"):
        await tab.page.goto("chrome://crash")


async def test_every_event_comes_once_and_in_order_through_cuts(context: BrowserContext) -> None:
    async with stage() as world:
        page = await ClientPage.open(context, world.link.port, {})
        for beginning in range(0, 800, 100):
            await world.publish(range(beginning, beginning + 50))
            world.link.cut()
            await world.publish(range(beginning + 50, beginning + 100))
            await page.until("client.connection.status !== 'open'")
            world.link.mend()
        await page.until_seen(800)
        assert await page.ask("seen") == list(range(800))
        assert await page.ask("gaps") == []
        assert page.errors == []


async def test_a_killed_server_costs_nothing(context: BrowserContext, tmp_path: Path) -> None:
    async with (
        NatsServer(tmp_path) as nats,
        ApiProcess(nats.url) as api,
        FaultyLink(api.port) as link,
        Publisher(settings=Settings.load(broker=nats.url)) as publisher,
    ):
        page = await ClientPage.open(context, link.port, {})
        for beginning in range(0, 400, 200):
            for number in range(beginning, beginning + 200):
                await publisher.publish("knowledge", "atom_created", number)
                if number == beginning + 100:
                    await api.kill()
            await page.until("client.connection.status !== 'open'")
            await api.start()
        await page.until_seen(400)
        assert await page.ask("seen") == list(range(400))
        assert await page.ask("gaps") == []
        assert await page.ask("client.connection.recovered") is True


async def test_eight_tabs_share_a_connection_and_survive_their_leaders(context: BrowserContext) -> None:
    async with stage() as world:
        tabs = [await ClientPage.open(context, world.port, SHARED) for _ in range(8)]
        await world.publish(range(100))
        assert world.connections == 1
        # The first one leads. It freezes, as tabs in the background do, and is replaced.
        world.is_frozen = True
        frozen = asyncio.create_task(tabs[0].ask(f"({_FREEZE})()"))
        await asyncio.sleep(1)
        await world.publish(range(100, 200))
        for tab in tabs[1:]:
            await tab.until_seen(200)
        assert not frozen.done()
        world.is_frozen = False
        await frozen
        await tabs[0].until_seen(200)
        # Whoever leads now dies without a word, and the next one as well.
        for tab in tabs[1:4]:
            await tab.page.close()
        await world.publish(range(200, 300))
        survivors = [tabs[0], *tabs[4:]]
        for tab in survivors:
            await tab.until_seen(300)
            assert await tab.ask("seen") == list(range(300))
            assert await tab.ask("gaps") == []
            assert tab.errors == []
        await world.until_connections(1)


async def test_a_frozen_tab_is_let_go_and_catches_up_when_it_thaws(context: BrowserContext) -> None:
    async with stage(ping_interval=0.5, pong_timeout=1.5) as world:
        page = await ClientPage.open(context, world.port, {})
        world.is_frozen = True
        frozen = asyncio.create_task(page.ask(f"({_FREEZE})()"))
        await world.publish(range(100))
        await world.until_connections(0)
        await world.publish(range(100, 200))
        world.is_frozen = False
        await frozen
        await page.until_seen(200)
        assert await page.ask("seen") == list(range(200))
        assert await page.ask("gaps") == []


async def test_leaders_that_crash_cost_the_others_nothing(context: BrowserContext) -> None:
    async with stage() as world:
        tabs, count = [await ClientPage.open(context, world.port, SHARED) for _ in range(4)], 0
        # The first one dies before the others were given an event, or as they are; the next one in mid-stream.
        for leader in tabs[:2]:
            crashing, enough = asyncio.create_task(crash(leader)), count + 1_000
            # Not for as long as it takes to die: on a busy machine that would be more than the others can ever show.
            while not crashing.done() and count < enough:
                await world.publish(range(count, count + 20))
                count += 20
                await asyncio.sleep(0.02)
            await crashing
            await world.publish(range(count, count + 20))
            count += 20
            for tab in tabs[2:]:
                await tab.until_seen(count)
        for tab in tabs[2:]:
            assert await tab.ask("seen") == list(range(count))
            assert await tab.ask("gaps") == []
        await world.until_connections(1)


async def test_what_only_a_crashed_tab_followed_is_followed_for_no_longer(context: BrowserContext) -> None:
    async with stage() as world:
        leader, other = [await ClientPage.open(context, world.port, SHARED) for _ in range(2)]
        await leader.ask("stop()")
        await world.publish(range(10))
        await other.until_seen(10)
        await crash(other)
        await leader.until("client.connection.status === 'idle'")
        await world.until_connections(0)


async def test_events_come_where_the_network_breaks_websockets(context: BrowserContext) -> None:
    async with stage() as world, refusing_proxy(world.port) as port:
        page = await ClientPage.open(context, port, {})
        await world.publish(range(50))
        await page.until_seen(50)
        assert await page.ask("seen") == list(range(50))
        assert page.asked[-1] == f"http://127.0.0.1:{port}/events?topics=knowledge"


async def test_a_proxy_that_cuts_what_is_quiet_hears_the_pings(context: BrowserContext) -> None:
    async with stage(ping_interval=0.5) as world, impatient_proxy(world.port, 3) as port:
        page = await ClientPage.open(context, port, {})
        before = await page.ask("client.connection.connectionId")
        await asyncio.sleep(7)
        assert await page.ask("client.connection.connectionId") == before
    async with stage() as world, impatient_proxy(world.port, 1) as port:
        # Without a ping in time it is cut, again and again, and nothing is lost all the same.
        page = await ClientPage.open(context, port, {})
        before = await page.ask("client.connection.connectionId")
        await page.until(f"client.connection.connectionId !== '{before}'")
        await world.publish(range(10))
        await page.until_seen(10)
        assert await page.ask("seen") == list(range(10))


async def test_a_reload_goes_on_where_the_page_was(context: BrowserContext) -> None:
    async with stage() as world:
        page = await ClientPage.open(context, world.port, {"resume": True})
        await world.publish(range(10))
        await page.until_seen(10)
        await page.page.goto("about:blank")
        await world.publish(range(10, 20))
        await page.page.goto(f"http://127.0.0.1:{world.port}/health")
        await page.follow({"resume": True})
        await page.until_seen(10)
        assert await page.ask("seen") == list(range(10, 20))


async def test_a_page_that_comes_back_asks_whether_the_server_is_there(context: BrowserContext) -> None:
    async with stage() as world:
        page = await ClientPage.open(context, world.link.port, {})
        world.link.stall()
        await world.publish(range(10))
        before = world.link.accepted
        await page.ask("window.dispatchEvent(new Event('online'))")
        async with asyncio.timeout(30):
            while world.link.accepted == before:
                await asyncio.sleep(0.05)
        world.link.mend()
        await page.until_seen(10)
        assert await page.ask("seen") == list(range(10))
