"""What the server says of the page to whoever opens it."""

import re

import httpx
import pytest

from tests.dashboard.stack import Screen, Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]


async def test_the_policy_lets_in_nothing_but_files_of_this_origin(stack: Stack) -> None:
    async with httpx.AsyncClient() as http:
        page = await http.get(stack.url)
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cache-control"] == "no-cache"
        script = re.search(r'src="\./(assets/[^"]+\.js)"', page.text)
        assert script is not None
        asset = await http.get(stack.url + script[1])
        assert asset.headers["content-encoding"] == "gzip"
        assert "immutable" in asset.headers["cache-control"]
        assert asset.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("name", ["..%2f..%2fpage.py", "nothing.js", "..%2findex.html"])
async def test_only_what_was_built_is_served(stack: Stack, name: str) -> None:
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"{stack.url}assets/{name}")).status_code == 404


async def test_the_policy_stops_an_inline_script(at: Screen) -> None:
    ran = await at.page.evaluate(
        """() => new Promise((tell) => {
          document.addEventListener("securitypolicyviolation", () => tell("stopped"));
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          setTimeout(() => tell(window.ran ? "ran" : "nothing"), 2_000);
        })"""
    )
    assert ran == "stopped"
    at.forgive("Content Security Policy")
