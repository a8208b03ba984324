"""examples/nats: each of its users may do what its process needs, and nothing else, on a real server with TLS."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from pulse_radar import BrokerRefused, NotPermitted, Publisher, Pulse
from pulse_radar.radar.topics import TOPICS
from pulse_radar.testing.telegram_exports import write_export
from tests.brokers.nats.example_server import PASSWORDS, ExampleServer, example_server
from tests.cli import runs
from tests.server.serving import Client, app_with, serving
from tests.waiting import eventually

# What a publisher must not be let do with a log, and the proof that it would work for somebody who is.
DESTRUCTIVE = [
    "$JS.API.STREAM.DELETE.PULSE_knowledge",
    "$JS.API.STREAM.PURGE.PULSE_knowledge",
    "$JS.API.STREAM.MSG.DELETE.PULSE_knowledge",
    "$JS.API.STREAM.UPDATE.PULSE_knowledge",
    "$JS.API.STREAM.CREATE.EVERYTHING",
    "$JS.API.STREAM.SNAPSHOT.PULSE_knowledge",
    "$JS.API.STREAM.RESTORE.PULSE_knowledge",
    "$JS.API.STREAM.LEADER.STEPDOWN.PULSE_knowledge",
    "$JS.API.CONSUMER.DELETE.PULSE_knowledge.any",
]
READING = [
    "$JS.API.DIRECT.GET.PULSE_knowledge",
    "$JS.API.DIRECT.GET.PULSE_knowledge.websocket.knowledge",
    "$JS.API.STREAM.MSG.GET.PULSE_knowledge",
    "$JS.API.CONSUMER.CREATE.PULSE_knowledge",
    "$JS.API.CONSUMER.CREATE.PULSE_knowledge.c.websocket.>",
    "$JS.API.CONSUMER.DURABLE.CREATE.PULSE_knowledge.c",
    "$JS.API.CONSUMER.MSG.NEXT.PULSE_knowledge.c",
    "$JS.API.STREAM.LIST",
]


ELSEWHERE = [
    "websocket",
    "websocket.messages.a",
    "websocket.pulse-probe",
    "websocket.pulse-tickets.x",
    "live.knowledge",
    "live.knowledge.a1",
    "pulse.jobs",
    "pulse.control.all.cancel",
    "_INBOX_api.x",
    "$JS.ACK.PULSE-JOBS.x",
    "$KV.PULSE-INGESTED.x",
    "$SYS.REQ.SERVER.PING",
]


@contextlib.asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[ExampleServer, Pulse]]:
    """The server with the topics of the application, as its API process makes them."""
    async with example_server(directory) as server:
        settings = server.settings("api", ticket_secret="a-secret-of-at-least-thirty-two-characters")
        pulse = Pulse(settings=settings, authenticate=lambda _: "ada")
        for topic in TOPICS:
            pulse.declare(topic)
        async with pulse:
            yield server, pulse


async def kept(pulse: Pulse, server: ExampleServer) -> int:
    async with server.hand("api") as api:
        info = msgspec.json.decode(await api.asks("$JS.API.STREAM.INFO.PULSE_knowledge"))
    messages: int = info["state"]["messages"]
    assert pulse.position("knowledge").sequence == info["state"]["last_seq"]
    return messages


async def test_a_publisher_publishes_and_can_do_nothing_else(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, pulse):
        async with Publisher(settings=server.settings("publisher")) as publisher:
            position = await publisher.publish("knowledge", "atom_created", {"id": "a1"}, key="a1")
            await publisher.publish("knowledge", "atom_created", {"id": "a2"})
            await eventually(lambda: pulse.position("knowledge").sequence == position.sequence + 1)
            with pytest.raises(NotPermitted, match="websocket.messages"):
                await publisher.publish("messages", "message", {}, key="a")
        async with server.hand("publisher") as publisher_by_hand:
            may = publisher_by_hand.may_publish
            let = [subject for subject in (*READING, *DESTRUCTIVE, *ELSEWHERE) if await may(subject)]
            assert let == []
            heard = ["live.>", "websocket.>", "_INBOX.>", "_INBOX_api.>", ">", "$JS.>", "$SYS.>", "pulse.>"]
            assert [subject for subject in heard if await publisher_by_hand.may_hear(subject)] == []
            assert await may("websocket.knowledge.a3"), "the hand of this test can do nothing at all"
        assert await kept(pulse, server) == 3


async def test_a_log_cannot_be_rolled_up_by_whoever_may_publish_to_it(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, pulse):
        await pulse.publish("knowledge", "atom_created", {"id": "a1"}, key="a1")
        async with server.hand("publisher") as publisher:
            for scope in ("all", "sub"):
                answer = await publisher.asks("websocket.knowledge.a1", headers={"Nats-Rollup": scope})
                assert "rollup not permitted" in msgspec.json.decode(answer)["error"]["description"]
        assert await kept(pulse, server) == 1


async def test_a_worker_destroys_nothing_and_hears_nothing(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, _), server.hand("worker") as worker:
        assert [subject for subject in DESTRUCTIVE if await worker.may_publish(subject)] == []
        assert [
            subject for subject in ("live.>", "_INBOX_api.>", "websocket.>") if await worker.may_hear(subject)
        ] == []
        assert not await worker.may_publish("live.knowledge"), "it could tell clients what never happened"


async def test_what_the_stream_of_a_worker_announces_is_told_to_nobody(tmp_path: Path) -> None:
    """Who may make a stream can have the server announce what it stores as a topic's next event."""
    async with running(tmp_path) as (server, pulse), server.hand("worker") as worker:
        async with (
            serving(app_with(_another_app(server))) as api,
            Client(api.port, "?topics=knowledge") as client,
        ):
            await client.until("subscription")
            first = (await pulse.publish("knowledge", "atom_created", {"id": "a1"}, key="a1")).sequence
            stream = {
                "name": "PULSE-JOBS",
                "subjects": ["pulse.jobs"],
                "first_seq": first + 1,
                "republish": {"src": "pulse.jobs", "dest": "live.knowledge.a1"},
            }
            created = await worker.asks("$JS.API.STREAM.CREATE.PULSE-JOBS", msgspec.json.encode(stream))
            assert b"error" not in created
            lie = b'{"event":"atom_created","data":{"id":"never"}}'
            await worker.asks("pulse.jobs", lie, headers={"Nats-Stream": "PULSE_knowledge"})
            last = (await pulse.publish("knowledge", "atom_created", {"id": "a2"}, key="a1")).sequence
            told = [await client.next() for _ in range(2)]
        assert last == first + 1
        assert [(event["_seq"], event["data"]["id"]) for event in told] == [(first, "a1"), (last, "a2")]


async def test_an_api_process_cannot_say_what_only_the_server_says(tmp_path: Path) -> None:
    async with running(tmp_path) as (server, _), server.hand("api") as api:
        assert not await api.may_publish("live.knowledge")
        assert not await api.may_publish("$JS.API.STREAM.DELETE.PULSE_knowledge")
        assert not await api.may_hear("_INBOX_worker.>")


async def test_a_whole_system_works_with_these_rights(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    outputs: list[str] = []
    async with running(tmp_path) as (server, pulse):
        async with serving(app_with(_another_app(server))) as api:
            with runs.running(tmp_path, "worker", env=server.environment("worker")) as worker:
                async with Client(api.port, "?topics=knowledge,monitoring") as client:
                    await client.until("subscription")
                    outputs += await asyncio.to_thread(_ingest, server, tmp_path)
                    assert (await client.events(1))[0] > 0
                    assert pulse.position("knowledge").sequence > 0
                worker.end(signal.SIGTERM)
                outputs += [worker.out.read_text(), worker.err.read_text()]
        assert "iolation" not in server.log
        outputs += [server.log, caplog.text, repr(pulse), repr(pulse.settings), repr(pulse._run().broker)]
    said = "\n".join(outputs)
    assert "ready for jobs" in said
    assert [user for user, password in PASSWORDS.items() if password in said] == []


def _another_app(server: ExampleServer) -> Pulse:
    pulse = Pulse(settings=server.settings("api"))
    for topic in TOPICS:
        pulse.declare(topic)
    return pulse


def _ingest(server: ExampleServer, directory: Path) -> list[str]:
    export = directory / "result.json"
    with export.open("wb") as out:
        write_export(out, messages=20)
    with runs.running(directory, "ingest", "--json", str(export), env=server.environment("api")) as ingest:
        assert ingest.popen.wait(60) == 0, ingest.err.read_text()
        return [ingest.out.read_text(), ingest.err.read_text()]


async def test_another_password_is_refused_and_none_is_shown(tmp_path: Path) -> None:
    async with example_server(tmp_path) as server:
        wrong = server.settings("api", nats_password="a-wrong-password")
        with pytest.raises(BrokerRefused, match="refuses our credentials") as refused:
            async with Publisher(settings=wrong):
                pass
        assert "a-wrong-password" not in f"{refused.value} {refused.value.__cause__!r} {wrong!r}"


async def test_a_server_that_nobody_vouches_for_is_told_nothing(tmp_path: Path) -> None:
    async with example_server(tmp_path) as server:
        named_otherwise = server.url.replace("127.0.0.1", "localhost")
        for other in ({"nats_tls_ca": None}, {"broker": named_otherwise}):
            with pytest.raises(BrokerRefused, match="no secure connection"):
                async with Publisher(settings=server.settings("api", **other)):
                    pass
    assert "user:api" not in server.log
