"""Least privilege: a worker needs few rights and gets a quick answer for all others."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.errors import NotPermitted
from pulse_radar.testing.broker_contract import Watcher, draft, numbers
from pulse_radar.testing.broker_contract.state import deletion
from pulse_radar.testing.nats_server import NatsServer

USERS = """
authorization { users: [
  { user: "owner", password: "x" }
  { user: "worker", password: "x", permissions: {
      publish: ["websocket.>", "$JS.API.DIRECT.GET.*", "$JS.API.STREAM.MSG.GET.*", "$JS.API.STREAM.INFO.*"],
      subscribe: ["_INBOX_w.>"] } }
  { user: "reader", password: "x", permissions: {
      publish: ["$JS.API.DIRECT.GET.*", "$JS.API.STREAM.MSG.GET.*", "$JS.API.STREAM.INFO.*"],
      subscribe: ["_INBOX.>", "live.>"] } }
  { user: "creator", password: "x", permissions: {
      publish: [
        "websocket.>", "$JS.API.DIRECT.GET.*", "$JS.API.STREAM.MSG.GET.*", "$JS.API.STREAM.INFO.*"
        "$JS.API.STREAM.CREATE.*", "$JS.API.STREAM.UPDATE.*", "$JS.API.STREAM.PURGE.*", "$JS.API.STREAM.DELETE.*" ]
      subscribe: ["_INBOX.>", "live.>"] } }
  { user: "deaf", password: "x", permissions: {
      publish: ["$JS.API.DIRECT.GET.*", "$JS.API.STREAM.INFO.*"], subscribe: ["_INBOX.>"] } }
  { user: "mute", password: "x", permissions: { publish: ["websocket.>"], subscribe: ["nothing"] } }
] }
"""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path, settings=USERS) as server, _as(server, "owner") as owner:
        await owner.declare([LogTopic("tasks"), StateTopic("jobs")])
        yield server


def _as(server: NatsServer, user: str, *, inbox_prefix: str = "_INBOX", create: bool = True) -> NatsBroker:
    url = server.url.replace("//", f"//{user}:x@")
    return NatsBroker(url, inbox_prefix=inbox_prefix, create=create)


async def test_a_worker_stores_and_finds(server: NatsServer) -> None:
    async with _as(server, "worker", inbox_prefix="_INBOX_w", create=False) as worker:
        await worker.declare([LogTopic("tasks")])
        sequence = await worker.store(draft("tasks", "1", key="a"), expect_last=0)
        assert await worker.find(draft("tasks", "1", key="a"), after=0, age_seconds=1) == sequence


async def test_a_worker_deletes(server: NatsServer) -> None:
    async with _as(server, "worker", inbox_prefix="_INBOX_w", create=False) as worker:
        last = await worker.store(draft("jobs", "1", key="a"))
        assert await worker.store(deletion("jobs", "2", key="a"), expect_last=last) == last + 1


async def test_a_reader_follows_a_state(server: NatsServer) -> None:
    async with _as(server, "owner") as owner, _as(server, "reader", create=False) as reader:
        stored = await owner.store(draft("jobs", "1", key="a"))
        async with Watcher(reader, "jobs", 0) as watcher:
            assert numbers(await watcher.reaches(stored)) == [stored]


async def test_who_creates_may_also_change_and_replace(server: NatsServer) -> None:
    async with _as(server, "creator") as creator:
        for topic in (LogTopic("new"), LogTopic("new", retain=7)):
            await creator.declare([topic])
        await creator.replace(StateTopic("new"))
        stored = await creator.store(draft("new", "1", key="a"))
        async with Watcher(creator, "new", 0) as watcher:
            assert numbers(await watcher.reaches(stored)) == [stored]


async def test_a_refused_publish_is_told_at_once(server: NatsServer) -> None:
    async with _as(server, "reader") as reader:
        async with asyncio.timeout(2):
            with pytest.raises(NotPermitted, match="websocket.tasks.MixedCase"):
                await reader.store(draft("tasks", "1", key="MixedCase"))


async def test_a_refused_declaration_is_told_at_once(server: NatsServer) -> None:
    async with _as(server, "reader") as reader:
        async with asyncio.timeout(2):
            with pytest.raises(NotPermitted, match="STREAM.CREATE"):
                await reader.declare([LogTopic("new")])


async def test_a_reader_follows_without_the_right_to_publish(server: NatsServer) -> None:
    async with _as(server, "owner") as owner, _as(server, "reader", create=False) as reader:
        stored = await owner.store(draft("tasks", "1"))
        async with asyncio.timeout(5):
            async for batch in reader.tail("tasks", after=0):
                assert batch[0].last == stored
                break


async def test_who_may_not_listen_is_told_instead_of_waiting(server: NatsServer) -> None:
    async with _as(server, "deaf", create=False) as deaf:
        async with asyncio.timeout(5):
            with pytest.raises(NotPermitted, match="live.>"):
                async for _ in deaf.tail("tasks", after=0):
                    pass


async def test_who_may_not_hear_answers_is_told_instead_of_waiting(server: NatsServer) -> None:
    async with _as(server, "mute", create=False) as mute:
        async with asyncio.timeout(5):
            with pytest.raises(NotPermitted, match="_INBOX"):
                await mute.store(draft("tasks", "1"))
            with pytest.raises(NotPermitted, match="_INBOX"):
                await mute.store(draft("tasks", "2"))
