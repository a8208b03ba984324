"""Streams: made once, brought to a retention, refused when they are somebody else's, renumbered when set back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import nats
import pytest
from nats.aio.client import Client

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.nats.access import Access
from pulse_radar.brokers.nats.jetstream import JetStream
from pulse_radar.brokers.nats.link import Link
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.stream_config import StreamConfig
from pulse_radar.brokers.nats.streams import Streams
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.errors import BrokerRefused, BrokerUnavailable, EventTooLarge
from pulse_radar.testing.broker_contract import Watcher, draft, gaps, numbers
from pulse_radar.testing.broker_contract.state import deletion
from pulse_radar.testing.nats_server import NatsServer


class Info(msgspec.Struct):
    config: dict[str, object]
    state: dict[str, object]


@pytest.fixture
async def stranger(server: NatsServer) -> AsyncIterator[Client]:
    client = await nats.connect(server.url)
    yield client
    await client.close()


async def api(stranger: Client, request: str, **question: object) -> bytes:
    answer = await stranger.request(f"$JS.API.{request}", msgspec.json.encode(question), timeout=5)
    return answer.data


async def look(stranger: Client, stream: str) -> Info:
    return msgspec.json.decode(await api(stranger, f"STREAM.INFO.{stream}"), type=Info)


async def test_a_topic_becomes_a_stream_that_announces_what_it_stores(
    server: NatsServer, stranger: Client
) -> None:
    async with NatsBroker(server.url, duplicate_window_seconds=30) as broker:
        await broker.declare([LogTopic("tasks", retain=7, max_age_seconds=60, max_bytes=5_000)])
    config = (await look(stranger, "PULSE_tasks")).config
    expected = {
        "subjects": ["websocket.tasks", "websocket.tasks.*"],
        "storage": "file",
        "retention": "limits",
        "discard": "old",
        "max_msgs": 7,
        "max_age": 60 * 10**9,
        "max_bytes": 5_000,
        "duplicate_window": 30 * 10**9,
        "allow_direct": True,
        "deny_delete": True,
        "deny_purge": False,
        "republish": {"src": "websocket.>", "dest": "live.>"},
    }
    assert {key: config[key] for key in expected} == expected


async def test_a_state_topic_becomes_a_stream_of_one_event_a_key(
    server: NatsServer, stranger: Client
) -> None:
    spec = StateTopic("jobs", ttl_seconds=60, max_keys=7, max_bytes=5_000, deletions_kept_seconds=30)
    async with NatsBroker(server.url) as broker:
        await broker.declare([spec])
    config = (await look(stranger, "PULSE_jobs")).config
    expected = {
        "subjects": ["websocket.jobs.*"],
        "storage": "file",
        "retention": "limits",
        "discard": "new",
        "max_msgs_per_subject": 1,
        "max_msgs": 7,
        "max_age": 60 * 10**9,
        "max_bytes": 5_000,
        "duplicate_window": 60 * 10**9,
        "allow_msg_ttl": True,
        "subject_delete_marker_ttl": 30 * 10**9,
        "allow_direct": True,
        "deny_delete": True,
        "republish": {"src": "websocket.>", "dest": "live.>"},
    }
    assert {key: config[key] for key in expected} == expected


async def test_a_longer_memory_begins_when_it_is_declared(server: NatsServer) -> None:
    """What was forgotten under the shorter one is not remembered by declaring a longer one."""
    async with NatsBroker(server.url) as broker:
        await broker.declare([StateTopic("jobs", deletions_kept_seconds=1.0)])
        before = await broker.store(draft("jobs", "1", key="a"))
        gone = await broker.store(deletion("jobs", "2", key="a"))
        await asyncio.sleep(1.5)
        await broker.declare([StateTopic("jobs", deletions_kept_seconds=600.0)])
        assert (await broker.extent("jobs")).first == gone + 1
        page = await broker.read("jobs", after=before, limit=10)
        assert next(gap.first for gap in gaps(page.entries)) is None
        later = await broker.store(draft("jobs", "3", key="b"))
        assert numbers((await broker.read("jobs", after=gone, limit=10)).entries) == [later]


async def test_the_duplicate_window_is_no_longer_than_the_age(server: NatsServer, stranger: Client) -> None:
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("metrics", max_age_seconds=5)])
        last = (await broker.extent("metrics")).last
        assert await broker.recognises("metrics", after=last, age_seconds=2.5)
        assert not await broker.recognises("metrics", after=last, age_seconds=2.6)
    assert (await look(stranger, "PULSE_metrics")).config["duplicate_window"] == 5 * 10**9


async def test_declaring_anew_survives_a_restart_of_the_server(server: NatsServer) -> None:
    """An update with another first sequence is accepted, and purges the stream at the next start."""
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks", retain=100)])
        stored = await broker.store(draft("tasks", "1"))
        await asyncio.sleep(0.01)
        await broker.declare([LogTopic("tasks", retain=200)])
        await server.restart()
    async with NatsBroker(server.url) as broker:
        assert numbers((await broker.read("tasks", after=0, limit=10)).entries) == [stored]


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"subjects": ["websocket.tasks.>"]}, "subjects are"),
        ({"storage": "memory"}, "storage is 'memory'"),
        ({"retention": "workqueue"}, "retention is 'workqueue'"),
        ({"max_msgs_per_subject": 1}, "pulse-radar topics replace tasks"),
        ({"max_msgs_per_subject": 5}, "keeps 5 events of a key"),
    ],
)
async def test_a_stream_of_another_kind_is_refused(
    server: NatsServer, stranger: Client, config: dict[str, object], told: str
) -> None:
    ours: dict[str, object] = {"name": "PULSE_tasks", "subjects": ["websocket.tasks", "websocket.tasks.*"]}
    await api(stranger, "STREAM.CREATE.PULSE_tasks", **ours | config)
    async with NatsBroker(server.url) as broker:
        with pytest.raises(BrokerRefused, match=told):
            await broker.declare([LogTopic("tasks")])


async def test_a_plain_stream_on_our_subjects_becomes_ours(server: NatsServer, stranger: Client) -> None:
    subjects = ["websocket.tasks.*", "websocket.tasks"]
    await api(stranger, "STREAM.CREATE.PULSE_tasks", name="PULSE_tasks", subjects=subjects)
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        async with Watcher(broker, "tasks", 0) as watcher:
            assert await broker.store(draft("tasks", "1")) == 1
            assert numbers(await watcher.reaches(1)) == [1]


async def test_subjects_that_another_stream_collects_are_refused(
    server: NatsServer, stranger: Client
) -> None:
    await api(stranger, "STREAM.CREATE.OTHER", name="OTHER", subjects=["websocket.>"])
    async with NatsBroker(server.url) as broker:
        with pytest.raises(BrokerRefused, match=r"already collects websocket\.tasks"):
            await broker.declare([LogTopic("tasks")])


async def test_namespaces_share_a_server_and_nothing_else(server: NatsServer, stranger: Client) -> None:
    async with NatsBroker(server.url) as plain, NatsBroker(server.url, namespace="staging") as staging:
        for broker in (plain, staging):
            await broker.declare([LogTopic("tasks")])
        async with Watcher(plain, "tasks", 0) as watcher, Watcher(staging, "tasks", 0) as other:
            first = await plain.store(draft("tasks", "1", key="a"))
            second = await staging.store(draft("tasks", "1", key="a"))
            assert numbers(await watcher.reaches(first)) == [first]
            assert numbers(await other.reaches(second)) == [second]
    config = (await look(stranger, "STAGING_PULSE_tasks")).config
    assert config["subjects"] == ["staging.websocket.tasks", "staging.websocket.tasks.*"]


async def test_who_may_not_create_waits_for_who_may(server: NatsServer) -> None:
    async with NatsBroker(server.url, create=False) as waiting, NatsBroker(server.url) as owner:
        await waiting.declare([LogTopic("tasks")])
        async with Watcher(waiting, "tasks", 0) as watcher:
            await asyncio.sleep(0.2)
            await owner.declare([LogTopic("tasks")])
            stored = await owner.store(draft("tasks", "1"))
            assert numbers(await watcher.reaches(stored)) == [stored]


async def test_a_renumbering_that_was_left_unfinished_is_finished_by_declaring(
    server: NatsServer, stranger: Client
) -> None:
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        old = await broker.store(draft("tasks", "1"))
        config = (await look(stranger, "PULSE_tasks")).config
        origin = old + 1_000_000
        await api(
            stranger, "STREAM.UPDATE.PULSE_tasks", **config | {"metadata": {"pulse-origin": str(origin)}}
        )
        assert (await broker.extent("tasks")).last == origin - 1
        await broker.declare([LogTopic("tasks")])
        assert await broker.store(draft("tasks", "2")) == origin
        page = await broker.read("tasks", after=old, limit=10)
        assert [gap.first for gap in gaps(page.entries)] == [None]
        assert numbers(page.entries) == [origin]


async def test_an_event_over_the_servers_bound_is_refused_before_it_is_sent(server: NatsServer) -> None:
    """The server would cut the connection, and fail everybody else's publish with it."""
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        fits = b'"' + b"x" * 1_048_000 + b'"'
        await broker.store(draft("tasks", "1", data=fits))
        with pytest.raises(EventTooLarge, match="1048576"):
            await broker.store(draft("tasks", "2", data=b'"' + b"x" * 1_048_560 + b'"'))
        assert broker.stats().connections == 1


async def test_an_account_without_jetstream_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    accounts = 'accounts { A { users: [{ user: "a", password: "x" }] } }'
    async with (
        NatsServer(tmp_path_factory.mktemp("bare"), settings=accounts) as server,
        NatsBroker(server.url.replace("//", "//a:x@")) as broker,
    ):
        with pytest.raises(BrokerUnavailable, match="JetStream"):
            await broker.declare([LogTopic("tasks")])


async def test_processes_that_renumber_at_once_agree(server: NatsServer, stranger: Client) -> None:
    """Each purges up to the origin that it announced: two origins would tell everyone twice."""
    async with NatsBroker(server.url) as broker, contextlib.AsyncExitStack() as stack:
        await broker.declare([LogTopic("tasks")])
        old = await broker.store(draft("tasks", "1"))
        links = [Link(Access(url=server.url)) for _ in range(5)]
        for link in links:
            await link.open()
            stack.push_async_callback(link.close)
        everyone = [
            Streams(
                JetStream(link), Naming(), StreamConfig(Naming(), duplicate_window_seconds=120, replicas=1)
            )
            for link in links
        ]
        view = await JetStream(links[0]).view("PULSE_tasks")
        assert view is not None
        await asyncio.gather(*(each.renumber("tasks", view.sight.identity, old + 50) for each in everyone))
        extent = await broker.extent("tasks")
        assert extent.origin == extent.first == extent.last + 1 > old + 50
        stored = await broker.store(draft("tasks", "2"))
        for each in everyone:
            await each.renumber("tasks", view.sight.identity, old + 50)
        assert numbers((await broker.read("tasks", after=0, limit=10)).entries) == [stored] == [extent.origin]
