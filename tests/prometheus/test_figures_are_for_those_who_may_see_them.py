"""Who gets the figures: whoever has the token or may admin all topics, and nobody where they are off."""

import os
import subprocess
import sys

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry, generate_latest
from starlette.requests import Request

from pulse_radar import Pulse
from pulse_radar.auth import Principal, Rights
from pulse_radar.prometheus import PulseCollector
from tests.prometheus.scrape import AUTHORISED, TOKEN, Scrape, running
from tests.server.serving import PATIENCE, app_with, make_pulse, serving


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", "Bearer ключ"])
async def test_another_token_is_refused(given: str) -> None:
    async with running() as (_, _, http):
        answer = await http.get("/metrics", headers=[(b"Authorization", given.encode())])
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_process_is_scraped_at_whatever_address_it_has() -> None:
    async with running() as (_, _, http):
        answer = await http.get("/metrics", headers={**AUTHORISED, "Host": "10.1.2.3:8000"})
        without = await http.get("/metrics", headers={"Host": "10.1.2.3:8000"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert without.status_code == 403


async def test_open_metrics_are_answered_to_whoever_asks_for_them() -> None:
    async with running() as (_, _, http):
        wants = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
        answer = await http.get("/metrics", headers=AUTHORISED | wants)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("admin", "status"), [(("*",), 200), (("knowledge", "messages"), 200), (("knowledge",), 403), ((), 403)]
)
async def test_whoever_may_admin_all_topics_sees_them(admin: tuple[str, ...], status: int) -> None:
    def authenticate(request: Request) -> Principal | None:
        known = request.headers.get("authorization") == "Bearer ada"
        return Principal(subject="ada", rights=Rights(read=("*",), admin=admin)) if known else None

    async with running(authenticate=authenticate) as (_, _, http):
        answer = await http.get("/metrics", headers={"Authorization": "Bearer ada"})
        nobody = await http.get("/metrics")
    assert (answer.status_code, nobody.status_code) == (status, 401)


async def test_without_a_token_there_is_no_such_route_and_an_app_may_have_its_own() -> None:
    pulse = make_pulse()
    app = app_with(pulse)
    registry = CollectorRegistry()
    registry.register(PulseCollector(pulse))

    @app.get("/metrics")
    async def metrics() -> str:
        return generate_latest(registry).decode()

    async with (
        serving(app) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", timeout=PATIENCE) as http,
    ):
        answer = await http.get("/metrics")
    assert Scrape(answer.json())("pulse_connections") == 0
    # Before the start and after the end there is nothing to say, and no reason to fail.
    assert generate_latest(registry) == b""


async def test_an_app_without_its_lifespan_says_so() -> None:
    pulse = make_pulse(metrics_token=TOKEN)
    app = FastAPI()
    app.include_router(pulse.router)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", timeout=PATIENCE
    ) as http:
        answer = await http.get("/metrics", headers=AUTHORISED)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_running")


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="guessed"):
        Pulse(settings=make_pulse().settings.load(metrics_token="short"))


def test_nobody_needs_the_package_who_does_not_ask_for_figures() -> None:
    code = """
import sys
sys.modules["prometheus_client"] = None
from pulse_radar import InvalidSetting, Pulse
Pulse()
import os
os.environ["PULSE_METRICS_TOKEN"] = "a-token-of-sixteen-characters"
try:
    Pulse()
except InvalidSetting as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert 'pip install "pulse-radar[prometheus]"' in done.stdout
