"""`authenticate` and `authorize` as dependencies: resolved for every way in, and finished before a stream begins."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Cookie, Depends, FastAPI, HTTPException, Request
from fastapi.security import OAuth2PasswordBearer

from pulse_radar import InvalidSetting, Pulse
from tests.server.serving import Client, StreamReader, app_with, make_pulse, serving
from tests.waiting import eventually

EVENT = {"topic": "knowledge", "event": "atom_created", "data": {}}
ADA = {"Authorization": "Bearer ada"}


class Database:
    """Sessions of a database, counted."""

    def __init__(self) -> None:
        self.is_open = 0
        self.was_opened = 0
        self.names = {"ada": "Ada", "eve": "Eve"}

    def session(self) -> Iterator["Database"]:
        self.is_open += 1
        self.was_opened += 1
        try:
            yield self
        finally:
            self.is_open -= 1


def hooks(database: Database) -> dict[str, Any]:
    scheme = OAuth2PasswordBearer("/token")
    Session = Annotated[Database, Depends(database.session)]  # noqa: N806 (a type)

    async def current_user(token: Annotated[str, Depends(scheme)], session: Session) -> str | None:
        assert session.is_open
        return session.names.get(token)

    def rights(session: Session) -> Callable[..., bool]:
        def may(person: str, action: str, topic: str, _key: str | None) -> bool:
            assert session.is_open
            return person == "Ada" or (action == "read" and topic != "messages")

        return may

    return {"authenticate": Depends(current_user), "authorize": Depends(rights)}


@contextlib.asynccontextmanager
async def running(database: Database) -> AsyncIterator[tuple[Pulse, int, FastAPI]]:
    pulse = make_pulse(**hooks(database))
    app = app_with(pulse)

    @app.post("/cancel")
    def cancel(person: Annotated[str, Depends(pulse.requires("admin", "messages"))]) -> str:
        return person

    @app.get("/me")
    def me(person: Annotated[str, Depends(pulse.principal)]) -> str:
        return person

    async with serving(app) as server:
        yield pulse, server.port, app


async def test_a_websocket_holds_no_session_of_the_database_once_it_is_live() -> None:
    database = Database()
    async with running(database) as (_, port, _):
        async with Client(port, "?topics=knowledge", additional_headers=ADA) as client:
            await client.until("subscription")
            assert (database.is_open, database.was_opened) == (0, 2)
            await client.say(action="subscribe", topic="messages")
            assert (await client.until("subscription"))["data"]["topic"] == "messages"
            assert (database.is_open, database.was_opened) == (0, 3)
        assert database.is_open == 0


async def test_a_stream_of_events_holds_no_session_of_the_database_once_it_is_live() -> None:
    database = Database()
    async with running(database) as (_, port, _), StreamReader(port, "?topics=knowledge", **ADA) as reader:
        await reader.until("subscription")
        assert (database.is_open, database.was_opened) == (0, 2)


async def test_a_token_that_a_browser_offers_reaches_what_reads_the_header() -> None:
    async with running(Database()) as (_, port, _):
        async with Client(port, "?topics=knowledge", subprotocols=["pulse.v1", "bearer.YWRh"]) as client:
            assert (await client.next())["data"]["topics"] == ["knowledge"]
        async with Client(port, "?topics=knowledge") as client:
            assert await client.closed() == (4401, "unauthenticated")


async def test_what_one_may_not_read_is_told_by_the_dependency_too() -> None:
    eve = {"Authorization": "Bearer eve"}
    async with running(Database()) as (_, port, _), Client(port, additional_headers=eve) as client:
        assert (await client.next())["data"]["topics"] == ["knowledge"]
        await client.say(action="subscribe", topic="messages", key="a1")
        assert (await client.until("error"))["data"]["code"] == "forbidden"


@pytest.mark.parametrize(("token", "status"), [("ada", 201), ("eve", 403), ("nobody", 401), (None, 401)])
async def test_publishing_asks_whoever_has_no_publish_token_for_the_right(
    token: str | None, status: int
) -> None:
    database = Database()
    async with running(database) as (_, port, _), httpx.AsyncClient() as http:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        answer = await http.post(f"http://127.0.0.1:{port}/publish", json=EVENT, headers=headers)
        assert answer.status_code == status
        assert database.is_open == 0


async def test_routes_of_the_app_ask_the_same_hooks() -> None:
    async with (
        running(Database()) as (_, port, _),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
    ):
        asked = {
            name: (
                (await http.get("/me", headers={"Authorization": f"Bearer {name}"})).status_code,
                (await http.post("/cancel", headers={"Authorization": f"Bearer {name}"})).status_code,
            )
            for name in ("ada", "eve", "nobody")
        }
        assert asked == {"ada": (200, 200), "eve": (200, 403), "nobody": (401, 401)}
        foreign = ADA | {"Origin": "https://evil.example"}
        # It changes nothing, and only CORS could show it to the page.
        assert (await http.get("/me", headers=foreign)).json() == "Ada"
        refused = await http.post("/cancel", headers=foreign)
        assert refused.status_code == 403
        assert "PULSE_ALLOWED_ORIGINS" in refused.json()["detail"]
        assert (await http.get("/me", headers=ADA | {"Host": "evil.example"})).status_code == 403


async def test_the_overrides_of_an_app_hold_for_its_hooks() -> None:
    database = Database()
    other = Database()
    other.names = {"ada": "Somebody else"}
    async with running(database) as (_, port, app), httpx.AsyncClient() as http:
        app.dependency_overrides[database.session] = other.session
        assert (await http.get(f"http://127.0.0.1:{port}/me", headers=ADA)).json() == "Somebody else"
        assert (database.was_opened, other.was_opened) == (0, 1)


async def test_an_exception_of_a_dependency_says_what_it_says_and_rolls_back() -> None:
    rolled_back = 0

    def session() -> Iterator[None]:
        nonlocal rolled_back
        try:
            yield
        except HTTPException:
            rolled_back += 1
            raise

    def current_user(_session: Annotated[None, Depends(session)]) -> str:
        raise HTTPException(403, "not from here")

    app = app_with(make_pulse(authenticate=Depends(current_user)))
    async with serving(app) as server, Client(server.port) as client:
        assert await client.closed() == (4403, "forbidden")
        await eventually(lambda: rolled_back == 1)


async def test_who_brings_no_cookie_is_nobody() -> None:
    def current_user(session: Annotated[str, Cookie()]) -> str:
        return session

    app = app_with(make_pulse(authenticate=Depends(current_user)))
    async with serving(app) as server:
        async with Client(server.port) as client:
            assert await client.closed() == (4401, "unauthenticated")
        async with Client(server.port, additional_headers={"Cookie": "session=x"}) as client:
            assert (await client.next())["type"] == "connection"


def marked(token: Annotated[str, Depends(OAuth2PasswordBearer("/token"))]) -> str:
    return token


def marked_by_default(token: str = Depends(OAuth2PasswordBearer("/token"))) -> str:
    return token


def needs_more(request: Request, database: object) -> str:
    return f"{request} {database}"


@pytest.mark.parametrize("given", [marked, marked_by_default, needs_more, lambda: None, "ada", Depends()])
def test_a_dependency_that_is_not_marked_as_one_is_refused_at_the_start(given: Any) -> None:
    # Called as it is, it would take the request for the token.
    with pytest.raises(InvalidSetting, match=r"authenticate=Depends\(your_function\)"):
        Pulse(authenticate=given)


def test_an_authorize_of_the_wrong_shape_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidSetting, match="authorize takes 4 arguments"):
        Pulse(authorize=lambda _person, _action: True)  # type: ignore[arg-type, misc]


async def test_without_authorize_whoever_is_let_in_reads_and_does_nothing_else() -> None:
    app = app_with(make_pulse(authenticate=lambda _: "ada"))
    async with serving(app) as server, httpx.AsyncClient() as http, Client(server.port) as client:
        assert (await client.next())["data"]["topics"] == ["knowledge", "messages"]
        answer = await http.post(f"http://127.0.0.1:{server.port}/publish", json=EVENT)
        assert answer.status_code == 403
