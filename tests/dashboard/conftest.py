"""One application and one browser for all screens: each test has a page of its own."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.browser.chromium import chromium
from tests.dashboard.stack import Screen, Stack, running_stack, screen


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with running_stack(tmp_path_factory.mktemp("dashboard")) as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def at(browser: Browser, stack: Stack) -> AsyncIterator[Screen]:
    """The dashboard, open and live."""
    async with screen(browser, stack) as opened:
        yield opened
