"""Connections: who is there, at which process; and one that is sent away comes back and has missed nothing."""

import re

import httpx
import pytest
from playwright.async_api import Browser, Locator, expect

from tests.dashboard.news import atom, unique
from tests.dashboard.stack import PATIENCE_MS, Screen, Stack, screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]

TABLE = "Connections, the slowest first"


async def test_a_connection_is_seen_and_one_that_is_sent_away_comes_back(
    at: Screen, browser: Browser, stack: Stack
) -> None:
    async with screen(browser, stack) as other:
        await other.go("Connections")
        own = other.rows(TABLE).filter(has_text="this page")
        await at.go("Connections")
        row = at.rows(TABLE).filter(has_text=await id_of(own))
        await at.look("connections")
        await row.get_by_role("button", name="Evict").click(timeout=PATIENCE_MS)
        await row.get_by_role("button", name="Really?").click()
        await expect(row).to_have_count(0, timeout=PATIENCE_MS)
        await other.until_live()
        title = unique("After the eviction")
        await stack.publish(atom(title))
        await other.go("Overview")
        await other.shows(other.page.get_by_text(title))
        await other.says(other.page.get_by_role("region", name="Interruptions"), "Replayed")


async def test_a_connection_of_another_process_is_sent_away_from_here(
    at: Screen, browser: Browser, stack: Stack
) -> None:
    async with stack.sibling() as url, screen(browser, stack, url) as other:
        await other.go("Connections")
        own = other.rows(TABLE).filter(has_text="this page")
        await at.go("Connections")
        row = at.rows(TABLE).filter(has_text=await id_of(own))
        await expect(row).to_have_count(1, timeout=PATIENCE_MS)
        here = at.rows(TABLE).filter(has_text="this page")
        assert await process_of(row) != await process_of(here)
        await row.get_by_role("button", name="Evict").click(timeout=PATIENCE_MS)
        await row.get_by_role("button", name="Really?").click()
        await expect(row).to_have_count(0, timeout=PATIENCE_MS)
        await other.until_live()
        await other.go("Overview")
        await other.says(other.page.get_by_role("region", name="Interruptions"), "Replayed")


async def id_of(row: Locator) -> str:
    await expect(row).to_contain_text("Evict", timeout=PATIENCE_MS)
    words = re.search(r"\b[0-9a-f]{8}\b", await row.inner_text())
    assert words is not None
    return words[0]


async def process_of(row: Locator) -> str:
    return await row.get_by_role("cell").nth(1).inner_text()


async def test_whom_nobody_knows_cannot_be_sent_away(stack: Stack) -> None:
    async with httpx.AsyncClient() as http:
        for process in ("nobody:1", "not a key!"):
            answer = await http.post(f"{stack.url}api/connections/{process}/00000000/evict")
            assert answer.status_code == 404
            assert "detail" in answer.json()
