"""Tickets: for a moment, for one connection, over all processes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from pulse_radar import Pulse, bearer_token
from pulse_radar.auth import Principal, Rights
from pulse_radar.server import tickets
from pulse_radar.testing.nats_server import NatsServer
from tests.server.serving import Client, StreamReader, app_with, asking, make_pulse, serving

SECRET = "a-secret-of-at-least-thirty-two-characters"
ADA = {"Authorization": "Bearer ada"}


def authenticate(request: Request) -> object | None:
    match bearer_token(request):
        case "ada":
            return Principal(subject="ada", rights=Rights(read=("knowledge",)))
        case "text":
            return "ada"
        case "object":
            return {"name": "ada"}
        case "many":
            return Principal(subject="ada", rights=Rights(read=tuple(f"knowledge/{n}" for n in range(999))))
        case _:
            return None


@contextlib.asynccontextmanager
async def running(**given: Any) -> AsyncIterator[tuple[int, httpx.AsyncClient]]:
    async with (
        serving(app_with(make_pulse(authenticate=authenticate, **given))) as server,
        asking(server.port) as http,
    ):
        yield server.port, http


async def ticket_of(http: httpx.AsyncClient, token: str = "ada") -> str:
    answer = await http.post("/ticket", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 201, answer.text
    assert (answer.json()["expiresIn"], answer.headers["cache-control"]) == (30, "no-store")
    return str(answer.json()["ticket"])


async def test_a_ticket_stands_for_whoever_got_it_with_the_same_rights() -> None:
    async with running() as (port, http):
        async with StreamReader(port, f"?ticket={await ticket_of(http)}") as reader:
            assert (await reader.next())["data"]["topics"] == ["knowledge"]
        async with Client(port, f"?ticket={await ticket_of(http)}") as client:
            assert (await client.next())["data"]["topics"] == ["knowledge"]
            await client.say(action="subscribe", topic="messages")
            assert (await client.until("error"))["data"]["code"] == "forbidden"
            await client.say(action="auth", token="ada")
            assert (await client.until("auth"))["data"] == {"expiresAt": None, "expiresIn": None}
        async with Client(port, f"?ticket={await ticket_of(http, 'text')}") as client:
            assert (await client.next())["data"]["topics"] == ["knowledge", "messages"]


async def test_a_second_use_is_told_to_get_a_fresh_one() -> None:
    async with running() as (port, http):
        query = f"?ticket={await ticket_of(http)}"
        async with Client(port, query) as client:
            await client.until("connection")
        async with Client(port, query) as client:
            assert await client.closed() == (4101, "expired")
        async with StreamReader(port, query) as reader:
            assert reader.response.status_code == 401
        assert (await http.get(f"/events{query}")).json() == {"detail": "used"}


async def test_a_stale_ticket_is_told_to_get_a_fresh_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running() as (port, http):
        monkeypatch.setattr(tickets, "TICKET_SECONDS", 0.0)
        query = f"?ticket={(await http.post('/ticket', headers=ADA)).json()['ticket']}"
        async with Client(port, query) as client:
            assert await client.closed() == (4101, "expired")


async def test_a_ticket_that_was_changed_anywhere_is_nobodys() -> None:
    async with running() as (port, http):
        good = await ticket_of(http)
        changed = [good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in (0, 40, 50, 80)]
        for bad in (*changed, good[:-4], good + "AAAA", "", "x", "é", "A" * 5_000):
            async with Client(port, f"?ticket={bad}") as client:
                assert await client.closed() == (4401, "unauthenticated"), bad
        async with Client(port, f"?ticket={good}") as client:
            assert (await client.next())["type"] == "connection"


@pytest.mark.parametrize(("token", "status"), [("nobody", 401), ("object", 501), ("many", 501)])
async def test_who_cannot_have_one_is_told_why(token: str, status: int) -> None:
    async with running() as (_, http):
        answer = await http.post("/ticket", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == status
        assert answer.json()["error"]["message"]


async def test_a_ticket_buys_no_other_ticket_and_publishes_nothing() -> None:
    async with running() as (_, http):
        query = f"?ticket={await ticket_of(http)}"
        assert (await http.post(f"/ticket{query}")).status_code == 401
        event = {"topic": "knowledge", "event": "x"}
        assert (await http.post(f"/publish{query}", json=event)).status_code == 401


async def test_a_page_of_another_origin_gets_none_and_an_allowed_one_may_read_it() -> None:
    async with running(allowed_origins="https://app.example.com") as (_, http):
        foreign = await http.post("/ticket", headers=ADA | {"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        allowed = await http.post("/ticket", headers=ADA | {"Origin": "https://app.example.com"})
        assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"


async def test_without_a_shared_secret_several_processes_have_no_tickets(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server, running(broker=server.url) as (_, http):
        answer = await http.post("/ticket", headers=ADA)
        assert answer.status_code == 404
        assert "PULSE_TICKET_SECRET" in answer.json()["error"]["message"]


async def test_of_many_who_show_the_same_ticket_to_two_processes_at_once_one_comes_in(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server:
        shared = {"broker": server.url, "ticket_secret": SECRET}
        async with running(**shared) as (here, http), running(**shared) as (there, _):
            for _ in range(3):
                query = f"?ticket={await ticket_of(http)}"
                outcomes = await asyncio.gather(*(outcome(port, query) for port in (here, there) * 8))
                assert sorted(outcomes) == ["connection"] + ["expired"] * 15


async def outcome(port: int, query: str) -> str:
    async with Client(port, query) as client:
        try:
            return str((await client.next())["type"])
        except Exception:  # noqa: BLE001 (closed: the code says how)
            return (await client.closed())[1]


async def test_while_the_broker_is_away_nobody_can_tell_and_all_come_back(tmp_path: Path) -> None:
    async with (
        NatsServer(tmp_path) as server,
        running(broker=server.url, ticket_secret=SECRET) as (port, http),
    ):
        query = f"?ticket={await ticket_of(http)}"
        await server.kill()
        async with Client(port, query) as client:
            assert await client.closed() == (1013, "")


def test_a_secret_that_is_guessed_is_refused() -> None:
    with pytest.raises(ValueError, match="openssl rand -hex 32"):
        make_pulse(ticket_secret="short")


def test_nothing_that_is_shown_holds_the_secret() -> None:
    pulse: Pulse = make_pulse(ticket_secret=SECRET)
    assert SECRET not in f"{pulse!r} {pulse.settings!r} {pulse._tickets!r}"
