"""A real headless Chromium: the system's, else Playwright's own."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from playwright.async_api import Browser, Error, async_playwright

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ON_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser with a fresh profile. Fails, and says how to install one, where there is none."""
    # Root has no sandbox to put a browser into.
    flags = [*_FLAGS, "--no-sandbox"] if os.getuid() == 0 else _FLAGS
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=_installed(), args=flags)
        except Error as error:
            raise RuntimeError("there is no Chromium: run scripts/chromium, which installs one") from error
        try:
            yield browser
        finally:
            await browser.close()


def _installed() -> str | None:
    """The system's browser; None lets Playwright look for its own."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    return found or (str(_ON_MACOS) if _ON_MACOS.exists() else None)
