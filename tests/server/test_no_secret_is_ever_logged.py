"""A process that logs all it can is shown every secret there is, in every way there is; then its log is searched."""

import asyncio
import base64
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import jwt

from pulse_radar.testing.nats_server import free_port
from tests.cli import runs
from tests.server.serving import Client, StreamReader

SECRETS = {
    "JWT_SECRET": "the-secret-of-our-json-web-tokens",
    "PULSE_TICKET_SECRET": "the-secret-that-signs-our-tickets",
    "PULSE_PUBLISH_TOKEN": "the-token-of-our-publishers",
    "PULSE_METRICS_TOKEN": "the-token-of-our-prometheus",
    "PULSE_TOKEN": "the-token-of-a-command",
}

APP = """
import os
from fastapi import FastAPI
from pulse_radar import Pulse
from pulse_radar.auth import Jwt

verified = Jwt(key=os.environ["JWT_SECRET"], algorithm="HS256", issuer="us", audience="radar", cookie="session")


def authenticate(request):
    if "broken" in request.query_params:
        raise LookupError("the database is gone")
    return verified(request)


pulse = Pulse(authenticate=authenticate)
pulse.topic("knowledge")
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)
"""


def token(subject: str = "ada", *, secret: str = SECRETS["JWT_SECRET"], **other: Any) -> str:
    claims = {"sub": subject, "iss": "us", "aud": "radar", "exp": time.time() + 86_400, "read": ["knowledge"]}
    return jwt.encode(claims | other, secret, "HS256")


GOOD, STALE, OTHER = token(), token(exp=1_000), token("eve")
FALSE = token(secret="a-secret-that-somebody-else-has-made-up")
WRONG_PUBLISH_TOKEN = "a-publish-token-that-somebody-tried"
SHOWN = (GOOD, STALE, OTHER, FALSE)


async def test_whatever_is_shown_to_a_server_is_not_in_its_log(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    port = free_port()
    command = ("--debug", "serve", "app:app", "--port", str(port))
    with runs.running(tmp_path, *command, env=SECRETS) as server:
        await asyncio.to_thread(runs.until_served, port)
        tickets = await show_everything(port)
        server.end(signal.SIGINT)
        said = server.out.read_text() + server.err.read_text()
    assert "the database is gone" in said, "it logs nothing"
    assert "refused" in said
    for secret in (*SECRETS.values(), WRONG_PUBLISH_TOKEN, *SHOWN, *tickets):
        assert secret not in said
        # Nor as it travels, nor the part of a token that makes it one.
        assert base64.urlsafe_b64encode(secret.encode()).decode().rstrip("=") not in said
        assert secret.rpartition(".")[2] not in said


async def show_everything(port: int) -> list[str]:
    """The tickets that were got for what was shown."""
    tickets: list[str] = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        for shown in SHOWN:
            bearer = {"Authorization": f"Bearer {shown}"}
            offer = base64.urlsafe_b64encode(shown.encode()).decode().rstrip("=")
            await connects(port, additional_headers=bearer)
            await connects(port, additional_headers={"Cookie": f"session={shown}"})
            await connects(port, additional_headers={"Origin": "https://evil.example", **bearer})
            await connects(port, subprotocols=["pulse.v1", f"bearer.{offer}"])
            async with StreamReader(port, **bearer) as reader:
                assert reader.response.status_code in (200, 401)
            answer = await http.post("/ticket", headers=bearer)
            if answer.status_code == 201:
                tickets.append(answer.json()["ticket"])
            await http.post("/publish", headers=bearer, json={"topic": "knowledge", "event": "x"})
            await renews(port, shown)
        for metrics_token in (SECRETS["PULSE_METRICS_TOKEN"], GOOD, FALSE):
            await http.get("/metrics", headers={"Authorization": f"Bearer {metrics_token}"})
        for publish_token in (SECRETS["PULSE_PUBLISH_TOKEN"], WRONG_PUBLISH_TOKEN):
            headers = {"Authorization": f"Bearer {publish_token}"}
            await http.post("/publish", headers=headers, json={"topic": "knowledge", "event": "x"})
            await http.post("/publish", headers=headers, content=b"{")
        for ticket in tickets:
            await connects(port, f"?topics=knowledge&ticket={ticket}")
            await http.get("/events", params={"ticket": ticket})
    assert tickets
    await connects(port, "?broken=1", additional_headers={"Authorization": f"Bearer {GOOD}"})
    return tickets


async def connects(port: int, query: str = "", **options: Any) -> None:
    try:
        async with Client(port, query, **options) as client:
            await client.next()
    except Exception:  # noqa: BLE001 (how it ends is what other tests look at)
        pass


async def renews(port: int, shown: str) -> None:
    async with Client(port, additional_headers={"Authorization": f"Bearer {GOOD}"}) as client:
        await client.until("subscription")
        await client.say(action="auth", token=shown)
        await client.say(action="auth", token={"not": shown})
        await client.closed()
