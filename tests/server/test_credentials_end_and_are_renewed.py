"""Principals with an end and with rights, over a real server: closed with 4101, renewed by `auth`, narrowed by it."""

import asyncio
import time
from typing import Any

import pytest
from fastapi import HTTPException
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request

from pulse_radar import bearer_token
from pulse_radar.auth import Principal, Rights
from tests.server.serving import Client, StreamReader, app_with, make_pulse, serving

# What each token says: who, for how many seconds, and what may be read.
TOKENS: dict[str, tuple[str, float | None, tuple[str, ...]]] = {
    "short": ("ada", 0.4, ("*",)),
    "long": ("ada", 3600, ("*",)),
    "endless": ("ada", None, ("*",)),
    "beyond": ("ada", 1e300, ("*",)),
    "narrow": ("ada", 3600, ("knowledge", "messages/a1")),
    "stale": ("ada", -1, ("*",)),
    "eve": ("eve", 3600, ("*",)),
}


def authenticate(request: Request) -> Principal | None:
    token = bearer_token(request)
    if token == "broken":
        raise HTTPException(503, "the database is away")
    said = TOKENS.get(token or "")
    if said is None:
        return None
    subject, seconds, read = said
    expires_at = None if seconds is None else time.time() + seconds
    return Principal(subject=subject, expires_at=expires_at, rights=Rights(read=read))


def showing(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def served() -> Any:
    return serving(app_with(make_pulse(authenticate=authenticate)))


async def test_a_connection_ends_with_its_credentials_and_not_before() -> None:
    async with served() as server:
        began = time.monotonic()
        async with Client(server.port, additional_headers=showing("short")) as client:
            assert await client.closed() == (4101, "")
        assert time.monotonic() - began >= 0.4


async def test_a_stream_of_events_ends_with_its_credentials_too() -> None:
    async with served() as server, StreamReader(server.port, **showing("short")) as reader:
        assert [(await reader.block())[0] for _ in range(2)] == ["connection", "auth"]
        assert await reader.closed() == (4101, "")


async def test_credentials_that_ran_out_before_are_told_apart_from_none_at_all() -> None:
    async with served() as server:
        async with Client(server.port, additional_headers=showing("stale")) as client:
            assert await client.closed() == (4101, "expired")
        async with StreamReader(server.port, **showing("stale")) as reader:
            assert reader.response.status_code == 401


async def test_a_fresh_token_keeps_the_connection_past_the_end_of_the_old_one() -> None:
    async with served() as server, Client(server.port, additional_headers=showing("short")) as client:
        await client.until("subscription")
        began = time.time()
        await client.say(action="auth", token="long")
        expires_at = (await client.until("auth"))["data"]["expiresAt"]
        assert began + 3599 <= expires_at <= time.time() + 3600
        await asyncio.sleep(0.6)
        await client.say(action="ping", ts=1)
        assert (await client.until("pong"))["ts"] == 1
        for token in ("endless", "beyond"):
            await client.say(action="auth", token=token)
            assert (await client.until("auth"))["data"] == {"expiresAt": None, "expiresIn": None}
        await client.say(action="auth", token="short")
        assert await client.closed() == (4101, "")


async def test_a_token_with_fewer_rights_ends_what_it_no_longer_covers() -> None:
    async with served() as server, Client(server.port, additional_headers=showing("long")) as client:
        await client.until("subscription")
        await client.until("subscription")
        await client.say(action="auth", token="narrow")
        await client.say(action="subscribe", topic="messages", key="b1")
        await client.say(action="subscribe", topic="messages", key="a1")
        frames = await client.take(4)
    assert frames[0]["type"] == "auth"
    assert frames[1]["data"] == {"action": "unsubscribed", "topic": "messages"}
    assert (frames[2]["data"]["code"], frames[2]["data"]["topic"]) == ("forbidden", "messages/b1")
    assert (frames[3]["data"]["action"], frames[3]["data"]["topic"]) == ("subscribed", "messages/a1")


@pytest.mark.parametrize(
    ("token", "says"),
    [
        ("nobody's", "does not hold"),
        ("eve", "somebody else's"),
        ("stale", "expired"),
        ("broken", "away"),
        ("€", "hold"),
    ],
)
async def test_a_token_that_does_not_do_is_refused_and_the_old_one_counts(token: str, says: str) -> None:
    async with served() as server, Client(server.port, additional_headers=showing("long")) as client:
        await client.until("subscription")
        await client.say(action="auth", token=token)
        error = (await client.until("error"))["data"]
        assert (error["code"], "topic" in error) == ("unauthenticated", False)
        assert says in error["message"]
        await client.say(action="unsubscribe", topic="messages")
        await client.say(action="subscribe", topic="messages")
        assert (await client.until("subscription"))["data"]["action"] == "unsubscribed"
        assert (await client.until("subscription"))["data"]["topic"] == "messages"


async def test_a_cookie_does_not_stand_in_for_a_token_that_does_not_hold() -> None:
    def by_cookie(request: Request) -> str | None:
        return request.cookies.get("session") or (bearer_token(request) == "good" and "ada") or None

    app = app_with(make_pulse(authenticate=by_cookie))
    async with (
        serving(app) as server,
        Client(server.port, additional_headers={"Cookie": "session=ada"}) as client,
    ):
        await client.say(action="auth", token="bad")
        assert (await client.until("error"))["data"]["code"] == "unauthenticated"
        await client.say(action="auth", token="good")
        assert (await client.until("auth"))["data"] == {"expiresAt": None, "expiresIn": None}


class ByCookie(AuthenticationBackend):
    """As an app has it for its pages."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        name = conn.cookies.get("session")
        return None if name is None else (AuthCredentials(["reads"]), SimpleUser(name))


async def test_what_a_middleware_found_in_a_cookie_does_not_stand_in_for_a_token_either() -> None:
    """The cookie may be gone by then: what was found in it renewed the connection for ever."""

    def by_user(request: Request) -> str | None:
        is_known = request.user.is_authenticated and "reads" in request.auth.scopes
        return request.user.display_name if is_known else None

    app = app_with(make_pulse(authenticate=by_user))
    app.add_middleware(AuthenticationMiddleware, backend=ByCookie())
    async with (
        serving(app) as server,
        Client(server.port, additional_headers={"Cookie": "session=ada"}) as client,
    ):
        await client.until("subscription")
        await client.say(action="auth", token="any")
        assert (await client.until("error"))["data"]["code"] == "unauthenticated"


async def test_where_nobody_is_asked_who_they_are_any_token_holds() -> None:
    async with serving(app_with(make_pulse())) as server, Client(server.port) as client:
        await client.say(action="auth", token="whatever")
        assert (await client.until("auth"))["data"] == {"expiresAt": None, "expiresIn": None}


async def test_a_renewal_that_fails_in_the_app_closes_with_1011(caplog: pytest.LogCaptureFixture) -> None:
    def fragile(request: Request) -> str:
        if bearer_token(request):
            raise LookupError("the database is gone")
        return "ada"

    async with serving(app_with(make_pulse(authenticate=fragile))) as server, Client(server.port) as client:
        await client.until("subscription")
        await client.say(action="auth", token="a-secret-token")
        assert (await client.closed())[0] == 1011
    assert "the database is gone" in caplog.text
    assert "a-secret-token" not in caplog.text
