"""`pulse_radar.testing.connect`: the live layer of an app, without a port or a thread."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from starlette.requests import HTTPConnection

from pulse_radar import EventFrame, Pulse, Refused, Subscribed, UnknownTopic
from pulse_radar.auth import Principal
from pulse_radar.protocol.frames import GapFrame, SnapshotFrame, Subscribe, Unsubscribed
from pulse_radar.protocol.grammar import Feed
from pulse_radar.testing import app_client, connect
from tests.server.serving import app_with, make_pulse


async def test_a_test_hears_what_a_request_publishes() -> None:
    pulse = make_pulse()
    app = app_with(pulse)

    @app.post("/atoms/{title}")
    async def create(title: str) -> None:
        await pulse.publish("knowledge", "atom_created", {"title": title})

    threads = threading.active_count()
    async with (
        connect(app, topics=["knowledge"]) as ws,
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as http,
    ):
        await http.post("/atoms/first")
        event = await ws.next("atom_created", timeout=5)
        assert event.data == {"title": "first"}
        assert threading.active_count() == threads


async def test_several_clients_share_an_app_that_is_started_once() -> None:
    starts = []
    pulse = make_pulse()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        starts.append("start")
        async with pulse:
            yield {"answer": 42}
        starts.append("end")

    app = FastAPI(lifespan=lifespan)
    app.include_router(pulse.router)

    @app.websocket("/state")
    async def state(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close(4000 + websocket.state.answer)

    async with connect(app, "knowledge") as first:
        async with connect(app, "messages") as second, connect(app) as both:
            await pulse.publish("knowledge", "a")
            await pulse.publish("messages", "b")
            assert [(await first.next()).name, (await second.next()).name] == ["a", "b"]
            assert {(await both.next()).name, (await both.next()).name} == {"a", "b"}
        with pytest.raises(Refused, match="4042"):
            async with connect(app, path="/state"):
                raise AssertionError("entered")
        assert starts == ["start"]
    assert starts == ["start", "end"]


async def test_an_app_that_runs_already_is_left_alone() -> None:
    pulse = make_pulse()
    async with pulse:
        async with connect(app_with(pulse), "knowledge", lifespan=False) as ws:
            await pulse.publish("knowledge", "a")
            assert (await ws.next()).name == "a"
        await pulse.publish("knowledge", "b")


async def test_a_named_event_is_waited_for_and_the_others_are_passed_over() -> None:
    pulse = make_pulse()
    async with connect(app_with(pulse), "knowledge") as ws:
        for name in ("a", "b", "c"):
            await pulse.publish("knowledge", name)
        assert (await ws.next("b")).name == "b"
        assert (await ws.next()).name == "c"


async def test_what_does_not_come_in_time_is_told_with_what_came_instead() -> None:
    pulse = make_pulse()
    async with connect(app_with(pulse), "knowledge") as ws:
        assert isinstance(await ws.receive(), Subscribed)
        with pytest.raises(TimeoutError, match="no event came within 0.01 s; nothing else came either"):
            await ws.next(timeout=0.01)
        for number in range(14):
            await pulse.publish("knowledge", "atom_deleted", {"id": number}, key="k")
        with pytest.raises(TimeoutError) as late:
            await ws.next("atom_created", timeout=0.1)
        assert str(late.value).startswith(
            'no atom_created came within 0.1 s; instead came knowledge/k atom_deleted {"id":0}, '
        )
        assert str(late.value).endswith(' atom_deleted {"id":11} and 2 more')
        with pytest.raises(TimeoutError, match="no frame came within 0"):
            await ws.receive(timeout=0)


async def test_a_test_may_say_anything_to_the_app() -> None:
    pulse = make_pulse()
    async with connect(app_with(pulse), "knowledge") as ws:
        await ws.receive()
        await ws.send({"action": "subscribe", "topic": "messages"})
        assert isinstance(await ws.receive(), Subscribed)
        await ws.send(Subscribe(Feed("messages"), last=0))
        assert isinstance(await ws.receive(), Subscribed)
        await ws.send('{"action":"unsubscribe","topic":"messages"}')
        assert await ws.receive() == Unsubscribed(Feed("messages"))
        await ws.send("nonsense")
        with pytest.raises(Refused, match="4400 not a client's frame") as refused:
            await ws.receive()
        assert refused.value.code == 4400
        with pytest.raises(Refused):
            await ws.next()


async def test_a_test_may_begin_where_it_likes() -> None:
    pulse = make_pulse()
    app = app_with(pulse)
    async with connect(app, "knowledge"):
        first = await pulse.publish("knowledge", "a")
        await pulse.publish("knowledge", "b")
        async with connect(app, "knowledge", after=str(first)) as ws:
            assert (await ws.next()).name == "b"
        async with connect(app, "knowledge", after=0) as ws:
            assert (await ws.next()).name == "a"
        async with connect(app, "knowledge", after=7) as ws:
            assert isinstance(await ws.receive(), GapFrame)


async def test_a_test_may_begin_where_it_likes_in_topics_that_it_does_not_name() -> None:
    pulse = make_pulse()
    pulse.topic("jobs", kind="state")
    app = app_with(pulse)
    async with connect(app):
        for name in ("a", "b"):
            await pulse.publish("knowledge", name)
        async with connect(app, after=0) as ws:
            assert [(await ws.next()).name, (await ws.next()).name] == ["a", "b"]
            await pulse.publish("messages", "c")
            assert (await ws.next()).name == "c"
        async with connect(app, last=1) as ws:
            assert (await ws.next()).name == "b"
        await pulse.publish("jobs", "d", key="j")
        async with connect(app, "jobs", last=1) as ws:
            assert isinstance(await ws.receive(), SnapshotFrame)
            assert (await ws.next()).name == "d"
        async with connect(app, ["knowledge", "messages"], last=1) as ws:
            assert {(await ws.next()).name, (await ws.next()).name} == {"b", "c"}


async def test_what_was_left_to_begin_elsewhere_is_not_heard_of_twice() -> None:
    pulse = make_pulse()
    app = app_with(pulse)
    async with connect(app, "knowledge"):
        await pulse.publish("knowledge", "a")
        async with connect(app, "knowledge", last=1) as ws:
            await pulse.publish("knowledge", "b")
            heard = [await ws.receive() for _ in range(3)]
            assert [frame.name for frame in heard if isinstance(frame, EventFrame)] == ["a", "b"]
            assert any(isinstance(frame, Subscribed) for frame in heard)


async def test_credentials_may_be_fetched() -> None:
    def authenticate(connection: HTTPConnection) -> str | None:
        return {"Bearer secret": "ada"}.get(connection.headers.get("authorization", ""))

    async def fetch() -> str:
        return "secret"

    app = app_with(make_pulse(authenticate=authenticate))
    for token in (fetch, lambda: "secret"):
        async with connect(app, "knowledge", token=token):
            pass


async def test_credentials_are_those_of_the_request_and_a_refusal_says_its_code() -> None:
    def authenticate(connection: HTTPConnection) -> str | None:
        return {"Bearer secret": "ada"}.get(connection.headers.get("authorization", ""))

    app = app_with(make_pulse(authenticate=authenticate))
    async with connect(app, "knowledge", token="secret"):
        pass
    with pytest.raises(Refused, match="4401") as refused:
        async with connect(app, "knowledge", token="wrong"):
            raise AssertionError("entered")
    assert refused.value.code == 4401


async def test_a_refused_upgrade_says_its_status_and_its_text() -> None:
    with pytest.raises(Refused, match="403 origin 'http://evil' is not allowed here") as refused:
        async with connect(app_with(make_pulse()), headers={"Origin": "http://evil"}):
            raise AssertionError("entered")
    assert refused.value.code == 403


async def test_an_app_without_a_live_layer_is_told() -> None:
    app = FastAPI()
    with pytest.raises(Refused, match="403"):
        async with connect(app):
            raise AssertionError("entered")

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_json({"type": "weather"})

    with pytest.raises(Refused, match="greets with unknownframe: is our router at /ws"):
        async with connect(app):
            raise AssertionError("entered")


async def test_gaps_and_errors_on_the_way_are_told_too() -> None:
    pulse = make_pulse()
    app = app_with(pulse)
    async with connect(app, "knowledge", after=7) as ws:
        await ws.send({"action": "subscribe", "topic": "nope"})
        with pytest.raises(TimeoutError) as late:
            await ws.next(timeout=0.2)
        assert "instead came a gap in knowledge from None to " in str(late.value)
        assert "an error, unknown topic 'nope'" in str(late.value)


async def test_an_unknown_topic_is_told_when_it_is_entered() -> None:
    with pytest.raises(UnknownTopic, match="the topics here are knowledge, messages"):
        async with connect(app_with(make_pulse()), "knowledg"):
            raise AssertionError("entered")


async def test_it_is_told_to_whoever_has_credentials_with_an_end_too() -> None:
    def authenticate(_: HTTPConnection) -> Principal:
        return Principal(subject="ada", expires_at=time.time() + 60)

    pulse = Pulse("memory://", authenticate=authenticate)
    pulse.topic("knowledge")
    with pytest.raises(UnknownTopic, match="the topics here are knowledge"):
        async with connect(app_with(pulse), "knowledg"):
            raise AssertionError("entered")


async def test_an_app_that_fails_is_told_with_its_own_error() -> None:
    @asynccontextmanager
    async def broken(_app: FastAPI) -> AsyncIterator[None]:
        raise LookupError("no such database")
        yield

    with pytest.raises(LookupError, match="no such database"):
        async with connect(FastAPI(lifespan=broken)):
            raise AssertionError("entered")

    app = app_with(make_pulse())

    @app.websocket("/broken")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        raise LookupError("no such table")

    with pytest.raises(LookupError, match="no such table"):
        async with connect(app, path="/broken"):
            raise AssertionError("entered")


async def test_a_client_that_looks_at_nothing_does_not_hold_up_its_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(app_client, "_WAITING_FRAMES", 10)
    pulse = make_pulse()
    async with asyncio.timeout(30), connect(app_with(pulse), "knowledge"):
        for _ in range(100):
            await pulse.publish("knowledge", "a")


async def test_a_closed_client_leaves_nothing_running() -> None:
    before = asyncio.all_tasks()
    async with connect(app_with(Pulse())) as ws:
        assert ws.connection.protocol == 1
        assert repr(ws) == "<AppClient of all topics at /ws, 0 frames wait>"
    assert asyncio.all_tasks() == before
    with pytest.raises(RuntimeError, match="async with"):
        await connect(app_with(Pulse())).receive()


async def test_events_are_the_frames_of_the_wire() -> None:
    pulse = make_pulse()
    async with connect(app_with(pulse), "knowledge/a1") as ws:
        position = await pulse.publish("knowledge", "atom_created", {"id": "a1"}, key="a1", id="x")
        event = await ws.next()
        assert event == EventFrame(
            "knowledge", "atom_created", {"id": "a1"}, position.sequence, "a1", "x", event.timestamp_ms
        )


async def test_more_keys_than_a_url_holds_are_followed() -> None:
    keys = [f"messages/{'k' * 40}{number}" for number in range(200)]
    pulse = make_pulse()
    async with connect(app_with(pulse), keys) as page:
        assert len(page.connection.topics) == 200
        mine = await pulse.publish("messages", "message", {}, key=keys[-1].partition("/")[2])
        assert (await page.next()).sequence == mine.sequence


async def test_a_client_that_comes_while_the_app_ends_starts_it_again_afterwards() -> None:
    pulse = make_pulse()
    is_ending, may_end = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with pulse:
            yield
            is_ending.set()
            await may_end.wait()

    app = FastAPI(lifespan=lifespan)
    app.include_router(pulse.router)

    async def visit() -> None:
        async with connect(app, ["knowledge"]):
            pass

    first = asyncio.create_task(visit())
    await is_ending.wait()
    second = asyncio.create_task(visit())
    await asyncio.sleep(0.05)
    may_end.set()
    await asyncio.gather(first, second)
