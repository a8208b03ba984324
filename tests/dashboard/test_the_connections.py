"""Connections: who is there, at which process; and one that is sent away comes back and has missed nothing."""

import re

import httpx
import pytest
from playwright.async_api import Browser, expect

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
        await at.says(own, "Evict")
        words = re.search(r"\b[0-9a-f]{8}\b", await own.inner_text())
        assert words is not None
        await at.look("connections")
        row = at.rows(TABLE).filter(has_text=words[0])
        await row.get_by_role("button", name="Evict").click(timeout=PATIENCE_MS)
        await row.get_by_role("button", name="Really?").click()
        await expect(row).to_have_count(0, timeout=PATIENCE_MS)
        await other.until_live()
        title = unique("After the eviction")
        await stack.publish(atom(title))
        await other.go("Overview")
        await other.shows(other.page.get_by_text(title))
        await other.says(other.page.get_by_role("region", name="Interruptions"), "Replayed")


async def test_whom_nobody_knows_cannot_be_sent_away(stack: Stack) -> None:
    async with httpx.AsyncClient() as http:
        for process in ("nobody:1", "not a key!"):
            answer = await http.post(f"{stack.url}api/connections/{process}/00000000/evict")
            assert answer.status_code == 404
            assert "detail" in answer.json()
