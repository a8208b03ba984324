"""Load, then live: the handler of the README and the page of the client's README, run together."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.responses import HTMLResponse

from pulse_radar import Pulse
from tests.browser.chromium import chromium
from tests.browser.client_page import PATIENCE_MS, bundle
from tests.server.serving import app_with, make_pulse, serving

ROOT = Path(__file__).parents[2]


def snippet(path: str, language: str) -> str:
    """The one that is shown under "Load, then live"."""
    section = (ROOT / path).read_text().split("### Load, then live")[1]
    shown = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert shown
    return shown[1]


@pytest.mark.parametrize("is_connected", [False, True], ids=["a new connection", "one that is open"])
async def test_what_the_query_missed_comes_after_it(is_connected: bool) -> None:
    pulse: Pulse = make_pulse()
    app = app_with(pulse)

    async def load_atoms() -> list[str]:
        await pulse.publish("knowledge", "atom_created", {"title": "missed by the query"})
        return ["loaded"]

    names: dict[str, Any] = {"app": app, "pulse": pulse, "load_atoms": load_atoms}
    exec(snippet("README.md", "python"), names)
    app.add_api_route("/page", lambda: HTMLResponse("<!doctype html>"))
    async with serving(app) as server, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{server.port}/page")
        await page.add_script_tag(content=bundle())
        await page.evaluate(
            """async (isConnected) => {
              window.merged = [];
              window.client = pulseRadar.createClient({ url: "/ws" });
              if (!isConnected) return;
              await new Promise((isLive) =>
                client.topic("knowledge").subscribe(({ kind }) => kind === "subscribed" && isLive()));
            }""",
            is_connected,
        )
        follow = snippet("web/client/README.md", "ts")
        await page.evaluate(f"async () => {{ const merge = ({{ title }}) => merged.push(title);\n{follow}}}")
        await page.wait_for_function("merged.length > 0", timeout=PATIENCE_MS)
        await pulse.publish("knowledge", "atom_created", {"title": "new"})
        await page.wait_for_function("merged.length > 1", timeout=PATIENCE_MS)
        assert await page.evaluate("merged") == ["missed by the query", "new"]
