"""A client whose token runs out shows a fresh one on the same connection, and misses nothing either way."""

import asyncio
import time
from typing import Any

import pytest
from starlette.requests import Request

from pulse_radar import EventFrame, Refused, bearer_token, connect
from pulse_radar.auth import Principal, Rights
from pulse_radar.client.events import Events
from pulse_radar.client.renewing import pause_seconds
from pulse_radar.client.wire import Token
from tests.server.serving import PATIENCE, Server, app_with, make_pulse, serving
from tests.waiting import eventually


class Issuer:
    """Its tokens say until when they hold."""

    def __init__(self, *seconds: float) -> None:
        self._seconds = list(seconds)
        self.issued = 0
        self.shown: list[str] = []
        self.covers = ("knowledge",)

    async def token(self) -> str:
        self.issued += 1
        seconds = self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0]
        return str(time.time() + seconds)

    def authenticate(self, request: Request) -> Principal | None:
        token = bearer_token(request) or ""
        self.shown.append(token)
        try:
            return Principal(subject="ada", expires_at=float(token), rights=Rights(read=self.covers))
        except ValueError:
            return None


def served(issuer: Issuer, **given: Any) -> Any:
    pulse = make_pulse(authenticate=issuer.authenticate, **given)
    return pulse, serving(app_with(pulse))


@pytest.mark.parametrize(
    ("left", "pause"),
    [(3600, 3540), (600, 540), (100, 80), (10, 8), (1.5, 1.2), (0.5, 1), (-10, 1), (1e9, 1e9 - 60)],
)
def test_the_pause_leaves_a_reserve_and_is_never_none(left: float, pause: float) -> None:
    assert pause_seconds(left) == pytest.approx(pause)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that renews at once what holds for an hour: the end of it is not what is waited for."""
    monkeypatch.setattr("pulse_radar.client.renewing.pause_seconds", lambda _left: 0.05)


def follow(server: Server, token: Token) -> Events:
    return connect(f"http://127.0.0.1:{server.port}", "knowledge", token=token)


async def event_of(events: Events) -> EventFrame:
    async with asyncio.timeout(PATIENCE):
        while not isinstance(received := await anext(events), EventFrame):
            pass
        return received


@pytest.mark.usefixtures("hasty")
async def test_a_fresh_token_is_shown_on_the_same_connection_again_and_again() -> None:
    issuer = Issuer(3600)
    pulse, serving_it = served(issuer)
    async with serving_it as server, follow(server, issuer.token) as events:
        await eventually(lambda: len(issuer.shown) >= 4)
        await pulse.publish("knowledge", "after", {})
        assert (await event_of(events)).name == "after"
        assert events.stats().connections == 1
        assert len(set(issuer.shown)) == len(issuer.shown)


async def test_a_token_that_comes_too_late_costs_a_connection_and_no_event() -> None:
    issuer = Issuer(0.5, 3600)
    pulse, serving_it = served(issuer)
    async with serving_it as server, follow(server, issuer.token) as events:
        await eventually(lambda: events.stats().connections == 2 or issuer.issued >= 2)
        await pulse.publish("knowledge", "meanwhile", {})
        assert (await event_of(events)).name == "meanwhile"


@pytest.mark.usefixtures("hasty")
async def test_a_topic_that_the_fresh_token_does_not_cover_ends_the_iteration() -> None:
    issuer = Issuer(3600)
    _, serving_it = served(issuer)
    async with serving_it as server, follow(server, issuer.token) as events:
        issuer.covers = ("messages",)
        with pytest.raises(Refused, match="no longer serves 'knowledge'"):
            await event_of(events)


@pytest.mark.usefixtures("hasty")
async def test_what_the_token_raises_later_is_raised_too() -> None:
    issuer = Issuer(3600)

    async def token() -> str:
        if issuer.issued:
            raise LookupError("logged out")
        return await issuer.token()

    _, serving_it = served(issuer, ping_interval=0.2)
    async with serving_it as server, follow(server, token) as events:
        with pytest.raises(LookupError, match="logged out"):
            await event_of(events)


async def test_a_text_is_not_shown_again() -> None:
    issuer = Issuer(3.0)
    pulse, serving_it = served(issuer)
    async with serving_it as server, follow(server, await issuer.token()) as events:
        with pytest.raises(Refused, match="4101 expired"):
            await event_of(events)
        assert len(issuer.shown) == 1
        assert pulse.stats().hub.expired == 1
