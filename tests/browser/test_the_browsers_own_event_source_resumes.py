"""A page of five lines on the browser's own EventSource, and no code of ours: it misses nothing and repeats nothing."""

import asyncio
import contextlib
import signal
from pathlib import Path

import pytest
from playwright.async_api import Page

from pulse_radar import Publisher
from pulse_radar.testing.nats_server import NatsServer
from tests.browser.chromium import chromium
from tests.promise.processes import SERVE, ApiProcess

PATIENCE = 60.0

FOLLOW = """() => {
  window.seen = [];
  window.closes = [];
  const source = new EventSource("/events?topics=knowledge");
  source.onmessage = ({ data }) => window.seen.push(JSON.parse(data)._seq);
  source.addEventListener("close", ({ data }) => window.closes.push(JSON.parse(data).data.code));
  return new Promise((resolve) => source.addEventListener("subscription", resolve, { once: true }));
}"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]


async def test_everything_arrives_once_and_in_order_through_two_restarts_and_a_kill(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        nats = await stack.enter_async_context(NatsServer(tmp_path))
        api = await stack.enter_async_context(ApiProcess(nats.url, SERVE))
        publisher = await stack.enter_async_context(Publisher(nats.url))
        browser = await stack.enter_async_context(chromium())
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{api.port}/health")
        await asyncio.wait_for(page.evaluate(FOLLOW), PATIENCE)
        published: list[int] = []

        async def publish(count: int) -> None:
            for _ in range(count):
                published.append((await publisher.publish("knowledge", "happened", {})).sequence)

        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM):
            await publish(50)
            await until_seen(page, len(published))
            ending = asyncio.create_task(api.end(number))
            await publish(50)
            await ending
            await publish(50)
            await api.start()
            await publish(50)
            await until_seen(page, len(published))
        assert await page.evaluate("seen") == published
        assert await page.evaluate("closes[0]") == 4002


async def until_seen(page: Page, count: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while await page.evaluate("seen.length") < count:
            await asyncio.sleep(0.05)
