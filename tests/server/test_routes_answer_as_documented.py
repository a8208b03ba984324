"""POST /publish, /health, /ready and the refusals before an upgrade, over real HTTP."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from starlette.requests import HTTPConnection
from websockets.exceptions import InvalidStatus

from pulse_radar import BrokerUnavailable, Pulse
from pulse_radar.auth import Principal, Rights
from pulse_radar.hub.inputs import Arrived
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Gap
from pulse_radar.testing.nats_server import NatsServer
from tests.server.serving import Client, Server, app_with, asking, make_pulse, serving
from tests.waiting import eventually

TOKEN = "a-token-of-sixteen-characters"
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}
EVENT = {"topic": "knowledge", "event": "atom_created", "data": {"id": "a1"}}


@contextlib.asynccontextmanager
async def running(**given: Any) -> AsyncIterator[tuple[Pulse, Server, httpx.AsyncClient]]:
    pulse = make_pulse(**given)
    async with (
        serving(app_with(pulse)) as server,
        asking(server.port) as http,
    ):
        yield pulse, server, http


async def test_a_published_event_is_answered_with_its_place_and_reaches_subscribers() -> None:
    async with (
        running(publish_token=TOKEN) as (_, server, http),
        Client(server.port, "?topics=knowledge") as client,
    ):
        await client.until("subscription")
        answer = await http.post("/publish", json={**EVENT, "key": "a1"}, headers=AUTHORISED)
        event = await client.next()
    assert answer.status_code == 201
    assert answer.json() == {"topic": "knowledge", "seq": event["_seq"], "id": event["id"]}
    assert event["key"] == "a1"


async def test_the_same_id_is_published_once() -> None:
    async with running(publish_token=TOKEN) as (_, _, http):
        answers = [
            await http.post("/publish", json={**EVENT, "id": "x"}, headers=AUTHORISED) for _ in range(2)
        ]
    assert answers[0].json() == answers[1].json()


async def test_the_ids_of_whoever_may_publish_to_a_key_only_are_of_that_key() -> None:
    """An event whose id was used by somebody else was answered with 201 and stored nowhere."""

    def authenticate(connection: HTTPConnection) -> Principal:
        who = connection.headers["x-name"]
        return Principal(
            subject=who, rights=Rights(publish=("knowledge" if who == "ada" else f"knowledge/{who}",))
        )

    async with running(authenticate=authenticate) as (_, _, http):

        async def publish(who: str, event_id: str) -> tuple[int, str]:
            body = {**EVENT, "key": who, "id": event_id}
            answer = (await http.post("/publish", json=body, headers={"X-Name": who})).json()
            return answer["seq"], answer["id"]

        of_eve, bobs = await publish("eve", "order-7"), await publish("bob", "order-7")
        adas = await publish("ada", "order-7")
        assert len({of_eve[0], bobs[0], adas[0]}) == 3
        assert [of_eve[1], bobs[1], adas[1]] == ["eve/order-7", "bob/order-7", "order-7"]
        assert await publish("eve", "order-7") == await publish("eve", "eve/order-7") == of_eve


async def test_publishing_is_off_without_a_token() -> None:
    async with running() as (_, _, http):
        answer = await http.post("/publish", json=EVENT)
    assert answer.status_code == 404
    assert "PULSE_PUBLISH_TOKEN" in answer.json()["error"]["message"]


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN])
async def test_another_token_is_refused(given: str) -> None:
    async with running(publish_token=TOKEN) as (_, _, http):
        answer = await http.post("/publish", json=EVENT, headers={"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 422, "the body reads"),
        (b"{", 422, "the body reads"),
        (b"[]", 422, "the body reads"),
        (b'{"topic":"knowledge"}', 422, "event"),
        (b'{"topic":7,"event":"x"}', 422, "topic"),
        (b'{"topic":"No","event":"x"}', 422, "invalid topic"),
        (b'{"topic":"nope","event":"x"}', 404, "unknown topic"),
        (b'{"topic":"knowledge","event":"no name"}', 422, "invalid event name"),
        (b'{"topic":"knowledge","event":"x","key":"a b"}', 422, "invalid key"),
        (b'{"topic":"knowledge","event":"x","data":NaN}', 422, "the body reads"),
        (b'{"topic":"knowledge","event":"x","data":9007199254740993}', 422, "2^53"),
        (
            b'{"topic":"knowledge","event":"x","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            422,
            "the body reads",
        ),
        (b'{"topic":"knowledge","event":"x","data":' + b"[" * 80 + b"]" * 80 + b"}", 422, "64 levels"),
        (b'{"topic":"knowledge","event":"x","data":"\xff"}', 422, "the body reads"),
        (b'{"topic":"knowledge","event":"x","expectLast":7}', 409, "newest"),
        (b'{"topic":"knowledge","event":"x","data":"' + b"x" * 270_000 + b'"}', 413, "bytes"),
        (b'{"topic":"knowledge","event":"x","data":"' + b"x" * 263_000 + b'"}', 413, "reference"),
    ],
)
async def test_a_body_that_cannot_be_published_is_told_why(body: bytes, status: int, says: str) -> None:
    async with running(publish_token=TOKEN) as (_, _, http):
        answer = await http.post("/publish", content=body, headers=AUTHORISED)
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]


async def test_a_page_of_another_origin_cannot_publish() -> None:
    async with running(publish_token=TOKEN) as (_, _, http):
        headers = {**AUTHORISED, "Origin": "http://evil.example"}
        answer = await http.post("/publish", json=EVENT, headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({"Origin": "http://evil.example"}, "PULSE_ALLOWED_ORIGINS"),
        ({"Origin": "null"}, "cannot be allowed"),
    ],
)
async def test_a_foreign_upgrade_is_refused_with_403_and_logged(
    headers: dict[str, str], says: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with running() as (_, server, _):
        with pytest.raises(InvalidStatus) as refused:
            async with Client(server.port, additional_headers=headers):
                pass
    assert refused.value.response.status_code == 403
    assert says in (refused.value.response.body or b"").decode()
    assert says in caplog.text


async def test_health_answers_as_long_as_the_process_does() -> None:
    async with running() as (_, server, http), Client(server.port) as client:
        await client.next()
        answer = await http.get("/health")
    assert answer.json() == {
        "status": "alive",
        "connections": 1,
        "broker": "memory",
        "protocol": "pulse-radar",
    }


async def test_ready_follows_the_path_of_delivery_and_not_the_connection() -> None:
    async with running() as (pulse, _, http):
        runner = pulse._runner()
        await eventually(lambda: runner.probe.is_fresh)
        assert (await http.get("/ready")).status_code == 200
        # The broker still answers, but nothing has come through for longer than the grace.
        runner.probe._returned_at = 0.0
        answer = await http.get("/ready")
    assert answer.status_code == 503
    assert answer.json()["reason"] == "no event came through the broker lately"


async def test_a_topic_that_is_not_whole_is_named_and_takes_no_clients_from_the_others() -> None:
    pulse = make_pulse()
    pulse.topic("jobs", kind="state")
    async with (
        serving(app_with(pulse)) as server,
        asking(server.port) as http,
    ):
        await eventually(lambda: pulse._runner().probe.is_fresh)
        assert (await http.get("/ready")).json()["behind"] == []
        # It began anew at a low number, and the broker says that there is much behind it, which never comes.
        pulse._runner().tell(Arrived("jobs", (Gap(None, 5, GapReason.RESET),)))
        answer = await http.get("/ready")
        assert pulse.stats().hub.behind == ("jobs",)
        async with Client(server.port, "?topics=knowledge") as client:
            await client.until("subscription")
    assert (answer.status_code, answer.json()["status"], answer.json()["behind"]) == (200, "ready", ["jobs"])


async def test_a_dead_background_task_fails_health_and_ready_and_sends_clients_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as (pulse, server, http), Client(server.port) as client:
        await client.next()
        runner = pulse._runner()
        runner.start(_fail())
        assert (await client.closed())[0] == 1011
        for path in ("/health", "/ready"):
            answer = await http.get(path)
            assert answer.status_code == 503
            assert answer.json()["status"] == "failed"
            assert "the disk is on fire" in answer.json()["reason"]
        assert "the live layer stopped" in caplog.text
        async with Client(server.port) as late:
            assert (await late.closed())[0] == 1013


async def _fail() -> None:
    raise RuntimeError("the disk is on fire")


async def test_health_does_not_say_where_the_broker_is(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as nats, running(broker=nats.url) as (_, _, http):
        health = (await http.get("/health")).json()
        assert (health["status"], health["connections"], health["broker"]) == ("alive", 0, "nats")


async def test_an_unauthenticated_client_is_accepted_and_closed_with_4401() -> None:
    async with running(authenticate=lambda _: None) as (_, server, _), Client(server.port) as client:
        assert await client.closed() == (4401, "unauthenticated")


@pytest.mark.parametrize(("status", "code"), [(401, 4401), (403, 4403)])
async def test_a_dependency_that_raises_closes_with_its_code(status: int, code: int) -> None:
    async def authenticate(_: HTTPConnection) -> object:
        raise HTTPException(status)

    async with running(authenticate=authenticate) as (_, server, _), Client(server.port) as client:
        assert await client.closed() == (code, {4401: "unauthenticated", 4403: "forbidden"}[code])


async def test_a_client_sees_what_it_may_read_and_is_told_what_it_may_not() -> None:
    asked: list[tuple[object, str, str, str | None]] = []

    async def authorize(principal: object, action: str, topic: str, key: str | None) -> bool:
        asked.append((principal, action, topic, key))
        return topic == "knowledge"

    hooks = {"authenticate": lambda connection: connection.query_params["me"], "authorize": authorize}
    async with running(**hooks) as (_, server, _):
        async with Client(server.port, "?me=ann") as client:
            assert (await client.next())["data"]["topics"] == ["knowledge"]
        assert asked == [("ann", "read", "knowledge", None), ("ann", "read", "messages", None)]
        async with Client(server.port, "?me=bob&topics=knowledge,messages/i1") as client:
            connection, error, subscribed = await client.take(3)
            assert connection["data"]["topics"] == ["knowledge"]
            assert (error["data"]["code"], error["data"]["topic"]) == ("forbidden", "messages/i1")
            assert subscribed["data"]["topic"] == "knowledge"
            # A frame behind one that waits for its permission waits, too.
            await client.say(action="subscribe", topic="messages")
            await client.say(action="ping", ts=1)
            refused, pong = await client.take(2)
            assert refused["data"]["code"] == "forbidden"
            assert pong == {"type": "pong", "ts": 1}


async def test_two_apps_in_one_process_share_nothing() -> None:
    async with (
        running() as (one, first, _),
        running() as (_, second, _),
        Client(first.port, "?topics=knowledge") as here,
        Client(second.port, "?topics=knowledge") as there,
    ):
        await here.until("subscription")
        await there.until("subscription")
        position = await one.publish("knowledge", "atom_created", {})
        assert await here.events(1) == [position.sequence]
        await there.say(action="ping", ts=1)
        assert await there.next() == {"type": "pong", "ts": 1}


async def test_an_app_can_be_started_again() -> None:
    pulse = make_pulse()
    app = app_with(pulse)
    for _ in range(2):
        async with serving(app) as server, Client(server.port) as client:
            assert (await client.next())["type"] == "connection"


async def test_an_app_without_the_lifespan_says_so_once_at_its_start_and_to_everybody_who_asks(
    caplog: pytest.LogCaptureFixture,
) -> None:
    pulse = make_pulse(publish_token=TOKEN)
    app = FastAPI()
    app.include_router(pulse.router)
    async with serving(app) as server:
        [said] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
        assert "lifespan=pulse.lifespan" in said
        async with httpx.AsyncClient(base_url=f"http://localhost:{server.port}") as http:
            answers = [await http.get(path) for path in ("/health", "/ready", "/events")]
            answers.append(await http.post("/publish", json=EVENT, headers=AUTHORISED))
        assert [(answer.status_code, said in answer.text) for answer in answers] == [(503, True)] * 4
        with pytest.raises(InvalidStatus, match="503"):
            async with Client(server.port):
                raise AssertionError("let in")
    with pytest.raises(RuntimeError, match="lifespan=pulse.lifespan"):
        await pulse.publish("knowledge", "atom_created", {})
    assert [record.levelname for record in caplog.records].count("ERROR") == 1


async def test_a_pulse_in_two_apps_at_once_is_refused() -> None:
    pulse = make_pulse()
    async with pulse:
        with pytest.raises(ValueError, match="already runs"):
            await pulse.__aenter__()


async def test_a_broker_that_never_answers_fails_the_start_with_a_clear_error() -> None:
    pulse = make_pulse(broker="nats://127.0.0.1:1")
    with pytest.raises(BrokerUnavailable, match="127.0.0.1:1"):
        async with asyncio.timeout(30):
            await pulse.__aenter__()


async def test_the_live_layer_works_under_a_prefix_of_the_users_own_app() -> None:
    pulse = make_pulse()
    app = FastAPI(lifespan=pulse.lifespan)
    app.include_router(pulse.router, prefix="/live")
    async with serving(app) as server, Client(server.port, path="/live/ws") as client:
        assert (await client.next())["type"] == "connection"


async def test_a_topic_that_does_not_exist_is_unknown_however_it_is_asked_for_and_nobody_is_asked_about_it() -> (
    None
):
    asked: list[str] = []

    def authorize(_principal: object, _action: str, topic: str, _key: str | None) -> bool:
        asked.append(topic)
        return False

    async with (
        running(authorize=authorize) as (_, server, _),
        Client(server.port, "?topics=nowhere,messages") as client,
    ):
        by_query = [await client.until("error"), await client.until("error")]
        await client.say(action="subscribe", topic="nowhere")
        by_frame = await client.until("error")
    assert by_frame["data"]["code"] == "unknown_topic"
    assert {error["data"]["topic"]: error["data"]["code"] for error in by_query} == {
        "nowhere": "unknown_topic",
        "messages": "forbidden",
    }
    assert asked == ["messages"]


async def test_an_authorize_that_raises_closes_its_connection_and_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def authorize(_principal: object, _action: str, topic: str, _key: str | None) -> bool:
        if topic == "messages":
            raise LookupError("the database is gone")
        return True

    async with (
        running(authorize=authorize) as (_, server, _),
        Client(server.port, "?topics=knowledge") as client,
    ):
        await client.until("subscription")
        await client.say(action="subscribe", topic="messages")
        assert (await client.closed())[0] == 1011
    assert "the database is gone" in caplog.text
