"""`bearer_token`, and the README's hooks with it, against the clients that send tokens."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import HTTPConnection

import pulse_radar
from pulse_radar import bearer_token
from tests.browser.chromium import chromium
from tests.browser.client_page import PATIENCE_MS, bundle
from tests.server.serving import app_with, make_pulse, serving

README = (Path(__file__).parents[2] / "README.md").read_text()


def connection(**headers: str) -> HTTPConnection:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "websocket", "headers": raw})


def offer(token: str) -> str:
    return "pulse.v1, bearer." + base64.urlsafe_b64encode(token.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "token", ["a", "ab", "abc", "abcd", "eyJhbGciOiJFZERTQSJ9.e30.c2ln", "ключ-🔑", "??>>~~"]
)
def test_a_token_is_read_from_a_header_and_from_an_offer(token: str) -> None:
    assert bearer_token(connection(sec_websocket_protocol=offer(token))) == token
    if token.isascii():
        assert bearer_token(connection(authorization=f"bearer {token}")) == token
        assert (
            bearer_token(connection(authorization=f"Bearer {token}", sec_websocket_protocol=offer("x")))
            == token
        )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Basic bWU6c2VjcmV0"},
        {"authorization": "Bearer "},
        {"sec_websocket_protocol": "pulse.v1"},
        {"sec_websocket_protocol": "pulse.v1, bearer."},
        {"sec_websocket_protocol": "pulse.v1, bearer.!"},
        {"sec_websocket_protocol": "pulse.v1, bearer._w"},
    ],
)
def test_what_is_no_token_is_none(headers: dict[str, str]) -> None:
    assert bearer_token(connection(**headers)) is None


async def test_the_hooks_of_the_readme_know_a_browser_and_a_program() -> None:
    shown = next(
        block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "bearer_token" in block
    )
    people = {"secret-of-ann": "ann", "secret-of-bob": "bob"}
    names: dict[str, Any] = {
        "person_of": people.get,
        "may_see": lambda who, topic, _key: who == "ann" or topic == "knowledge",
    }
    exec(shown, names)
    hooks = {"authenticate": names["authenticate"], "authorize": names["authorize"]}
    pulse = make_pulse(**hooks)
    async with serving(app_with(pulse)) as server, chromium() as browser:
        url = f"http://127.0.0.1:{server.port}"
        with pytest.raises(pulse_radar.Refused):
            async with pulse_radar.connect(url, topics=["knowledge"], token="of nobody") as events:
                await anext(events)
        page = await browser.new_page()
        await page.goto(f"{url}/health")
        await page.add_script_tag(content=bundle())
        await page.evaluate("""() => {
            window.told = [];
            const client = pulseRadar.createClient({
                url: "/ws", getToken: () => "secret-of-bob", onError: ({ code, topic }) => told.push(`${code} ${topic}`)
            });
            for (const topic of ["messages", "knowledge"])
                client.topic(topic).subscribe(({ kind }) => kind === "subscribed" && told.push(topic));
        }""")
        await page.wait_for_function("told.length === 2", timeout=PATIENCE_MS)
        assert sorted(await page.evaluate("told")) == ["forbidden messages", "knowledge"]
