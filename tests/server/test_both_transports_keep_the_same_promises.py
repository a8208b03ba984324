"""One suite for WebSocket and event stream, on our protocol classes for uvicorn and on the portable ASGI path."""

import asyncio
import contextlib
import re
import socket
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from pulse_radar import Pulse
from pulse_radar.protocol.close_codes import parse_retry
from tests.server.serving import (
    PATIENCE,
    Client,
    Server,
    StreamReader,
    app_with,
    make_pulse,
    raw_client,
    raw_reader,
    serving,
    stalled_client,
    stalled_reader,
)
from tests.waiting import eventually


class Wire(NamedTuple):
    """One way to follow topics, on a server with our protocol classes (direct) or with uvicorn's own (portable)."""

    is_direct: bool
    is_stream: bool

    def client(self, port: int, query: str = "") -> Client | StreamReader:
        return StreamReader(port, query) if self.is_stream else Client(port, query, max_queue=4)

    def raw(self, port: int) -> socket.socket:
        return (raw_reader if self.is_stream else raw_client)(port, "?topics=knowledge")

    def stalled(self, port: int, query: str) -> socket.socket:
        return (stalled_reader if self.is_stream else stalled_client)(port, query)


@pytest.fixture(params=["websocket-direct", "websocket-portable", "stream-direct", "stream-portable"])
def wire(request: pytest.FixtureRequest) -> Wire:
    kind, _, server = request.param.partition("-")
    return Wire(is_direct=server == "direct", is_stream=kind == "stream")


@pytest.fixture(params=["direct", "portable"])
def is_direct(request: pytest.FixtureRequest) -> bool:
    """For what a client says: over a WebSocket only."""
    return bool(request.param == "direct")


@contextlib.asynccontextmanager
async def running(is_direct: bool, **given: Any) -> AsyncIterator[tuple[Pulse, Server]]:
    pulse = make_pulse(**given)
    async with serving(app_with(pulse), is_direct=is_direct) as server:
        yield pulse, server


async def test_the_connection_frame_comes_first_and_says_where_delivery_begins(wire: Wire) -> None:
    async with running(wire.is_direct) as (pulse, server):
        head = pulse.position("knowledge").sequence
        async with wire.client(server.port, "?topics=knowledge") as client:
            first, second = await client.take(2)
    assert first["type"] == "connection"
    assert len(first["data"].pop("connectionId")) == 8
    assert first["data"] == {
        "status": "connected",
        "topics": ["knowledge"],
        "protocol": 1,
        "pingInterval": 20,
        "pongTimeout": 30,
        "lastSeq": {"knowledge": head},
    }
    data = {"action": "subscribed", "topic": "knowledge", "seq": head, "replayed": 0}
    assert second == {"type": "subscription", "data": data}


async def test_without_topics_a_client_gets_all_of_them(wire: Wire) -> None:
    async with running(wire.is_direct) as (_, server), wire.client(server.port) as client:
        assert (await client.next())["data"]["topics"] == ["knowledge", "messages"]


async def test_an_event_reaches_its_subscriber_as_the_record_writes_it(wire: Wire) -> None:
    async with (
        running(wire.is_direct) as (pulse, server),
        wire.client(server.port, "?topics=knowledge") as client,
    ):
        await client.until("subscription")
        position = await pulse.publish("knowledge", "atom_created", {"id": "a1"}, key="a1", id="once")
        event = await client.next()
        assert event.pop("ts") > 1_700_000_000_000
        assert event == {
            "topic": "knowledge",
            "event": "atom_created",
            "data": {"id": "a1"},
            "_seq": position.sequence,
            "key": "a1",
            "id": "once",
        }


async def test_a_client_that_comes_back_gets_exactly_what_it_missed(wire: Wire) -> None:
    async with running(wire.is_direct) as (pulse, server):
        places = [await pulse.publish("knowledge", "atom_created", {"n": n}) for n in range(10)]
        seen = places[3].sequence
        async with wire.client(server.port, f"?topics=knowledge&lastSeq=knowledge:{seen}") as client:
            assert await client.events(6) == [place.sequence for place in places[4:]]
            caught_up = await client.next()
            assert caught_up["data"]["seq"] == places[-1].sequence
            assert caught_up["data"]["replayed"] == 6
            live = await pulse.publish("knowledge", "atom_created", {"n": 10})
            assert await client.events(1) == [live.sequence]


async def test_a_client_may_begin_with_the_newest_events_of_a_feed(wire: Wire) -> None:
    """The address may stay the same: once a position is known it begins there."""
    async with running(wire.is_direct) as (pulse, server):
        places = [await pulse.publish("knowledge", "atom_created", {"n": n}) for n in range(10)]
        query = "?topics=knowledge,messages&last=knowledge:3,messages:50"
        async with wire.client(server.port, query) as client:
            greeting = await client.next()
            assert greeting["data"]["lastSeq"] == {}
            assert await client.events(3) == [place.sequence for place in places[-3:]]
            said = [frame["type"] for frame in await client.take(2)]
            assert said == ["subscription", "subscription"], "that fewer are kept is no gap"
        async with wire.client(server.port, f"{query}&lastSeq=knowledge:{places[8].sequence}") as client:
            assert await client.events(1) == [places[9].sequence]


async def test_a_replay_longer_than_the_unsent_bound_does_not_evict_its_reader(wire: Wire) -> None:
    async with running(wire.is_direct, unsent_limit_bytes=512 * 1024) as (pulse, server):
        # Eight times the bound.
        places = [
            await pulse.publish("knowledge", "atom_created", {"text": "x" * 4_000}) for _ in range(1_000)
        ]
        async with wire.client(server.port, "?topics=knowledge&lastSeq=knowledge:0") as client:
            assert await client.events(1_000) == [place.sequence for place in places]
        assert pulse.stats().hub.evicted_slow == 0


async def test_a_burst_above_the_unsent_bound_evicts_nobody_who_reads(wire: Wire) -> None:
    count = 400
    async with running(wire.is_direct, unsent_limit_bytes=512 * 1024) as (pulse, server):
        # In a thread, and as bytes: the reader is not to be the slow one.
        reading = asyncio.create_task(asyncio.to_thread(sequences, wire.raw(server.port), count))
        await eventually(lambda: pulse.stats().hub.subscriptions_live == 1)
        # All of them in one turn of the loop: the tail brings twenty times the bound at once.
        places = await asyncio.gather(
            *(pulse.publish("knowledge", "atom_created", {"x": "y" * 30_000}) for _ in range(count))
        )
        assert await reading == [place.sequence for place in places]
        assert pulse.stats().hub.evicted_slow == 0


def sequences(client: socket.socket, count: int) -> list[int]:
    """The sequences in what comes, until there are so many or it ends."""
    found: list[int] = []
    rest = b""
    with client:
        client.settimeout(PATIENCE)
        while len(found) < count and (data := client.recv(1024**2)):
            *texts, rest = re.split(rb'"_seq":(\d+),', rest + data)
            found += map(int, texts[1::2])
    return found


async def test_a_stalled_client_is_evicted_and_the_others_notice_nothing(wire: Wire) -> None:
    async with running(wire.is_direct, unsent_limit_bytes=512 * 1024) as (pulse, server):
        stalled = wire.stalled(server.port, "?topics=knowledge")
        async with wire.client(server.port, "?topics=knowledge") as healthy:
            await healthy.until("subscription")
            await eventually(lambda: pulse.stats().hub.connections == 2)
            reading = asyncio.create_task(healthy.events(250))
            # More than the system takes for whoever does not read, and the bound.
            places = [
                await pulse.publish("knowledge", "atom_created", {"x": "y" * 32_000}) for _ in range(250)
            ]
            assert await reading == [place.sequence for place in places]
            assert pulse.stats().hub.evicted_slow == 1
            if wire.is_direct:
                # Cut off for good, though it never reads the close frame.
                await eventually(lambda: pulse.stats().hub.connections == 1)
        stalled.close()


@pytest.mark.parametrize(
    ("frame", "code", "says"),
    [
        ("hello", 4400, "not a client's frame"),
        ('["subscribe"]', 4400, "not a client's frame"),
        ('{"action":"subscribe"}', 4400, "topic"),
        (b"\x01", 4400, "binary"),
        ('{"action":"subscribe","topic":"' + "x" * 70_000 + '"}', 4413, "65536 bytes are allowed"),
    ],
)
async def test_a_frame_that_is_none_closes_with_its_code(
    is_direct: bool, frame: str | bytes, code: int, says: str
) -> None:
    async with running(is_direct) as (_, server), Client(server.port) as client:
        await client.next()
        await client.socket.send(frame)
        closed, reason = await client.closed()
    assert closed == code
    assert says in reason


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"action": "subscribe", "topic": "nope"}, "unknown_topic"),
        ({"action": "subscribe", "topic": "No Topic"}, "invalid_topic"),
        ({"action": "subscribe", "topic": "messages", "key": "a b"}, "invalid_key"),
        ({"action": "subscribe", "topic": "messages", "lastSeq": -1}, "invalid_cursor"),
        ({"action": "subscribe", "topic": "messages", "lastSeq": 1, "last": 1}, "invalid_cursor"),
        ({"action": "subscribe", "topic": "knowledge", "key": "a1"}, "already_covered"),
    ],
)
async def test_a_frame_that_asks_in_vain_gets_an_error_and_the_connection_goes_on(
    is_direct: bool, frame: dict[str, Any], code: str
) -> None:
    async with running(is_direct) as (_, server), Client(server.port, "?topics=knowledge") as client:
        await client.until("subscription")
        await client.say(**frame)
        assert (await client.next())["data"]["code"] == code
        await client.say(action="ping", ts=5)
        assert await client.next() == {"type": "pong", "ts": 5}


async def test_frames_change_the_subscriptions(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server), Client(server.port, "?topics=knowledge") as client:
        await client.until("subscription")
        await client.say(action="subscribe", topic="messages", key="i1")
        assert (await client.next())["data"]["topic"] == "messages/i1"
        await pulse.publish("messages", "ingestion_progress", {}, key="i2")
        mine = await pulse.publish("messages", "ingestion_progress", {}, key="i1")
        assert await client.events(1) == [mine.sequence]
        await client.say(action="unsubscribe", topic="messages", key="i1")
        assert (await client.next())["data"] == {"action": "unsubscribed", "topic": "messages/i1"}
        await pulse.publish("messages", "ingestion_progress", {}, key="i1")
        live = await pulse.publish("knowledge", "atom_created", {})
        assert await client.events(1) == [live.sequence]


async def test_bad_items_of_the_query_are_named_and_the_rest_is_served(wire: Wire) -> None:
    query = "?topics=knowledge,,No%20Topic,messages/&lastSeq=knowledge:abc,,messages"
    async with running(wire.is_direct) as (_, server), wire.client(server.port, query) as client:
        frames = await client.take(6)
    assert frames[0]["data"]["topics"] == ["knowledge"]
    errors = [(frame["data"]["code"], frame["data"]["topic"]) for frame in frames[1:5]]
    assert errors == [
        ("invalid_topic", "No Topic"),
        ("invalid_key", "messages/"),
        ("invalid_cursor", "knowledge:abc"),
        ("invalid_cursor", "messages"),
    ]
    assert frames[5]["data"]["action"] == "subscribed"


async def test_a_frame_in_fragments_is_one_frame(is_direct: bool) -> None:
    async with running(is_direct) as (_, server), Client(server.port, "?topics=knowledge") as client:
        await client.until("subscription")
        await client.socket.send(iter(['{"action":', '"ping",', '"ts":7}']))
        assert await client.next() == {"type": "pong", "ts": 7}


async def test_frames_sent_before_the_greeting_are_heeded_after_it(is_direct: bool) -> None:
    async with running(is_direct) as (_, server), Client(server.port, "?topics=knowledge") as client:
        for number in range(50):
            await client.say(action="ping", ts=number)
        frames = await client.take(52)
    assert [frame["ts"] for frame in frames if frame.get("type") == "pong"] == list(range(50))


async def test_a_silent_client_is_pinged_and_then_closed_with_4001(is_direct: bool) -> None:
    async with (
        running(is_direct, ping_interval=0.3, pong_timeout=0.9) as (pulse, server),
        Client(server.port, "?topics=knowledge", ping_interval=None) as client,
    ):
        assert (await client.until("ping"))["ts"] > 1_700_000_000_000
        assert (await client.closed())[0] == 4001
        assert pulse.stats().hub.evicted_stale == 1


async def test_a_client_that_answers_pings_stays(is_direct: bool) -> None:
    async with (
        running(is_direct, ping_interval=0.2, pong_timeout=0.6) as (pulse, server),
        Client(server.port, "?topics=knowledge", ping_interval=None) as client,
    ):
        for _ in range(6):
            await client.until("ping")
            await client.say(action="pong")
        assert pulse.stats().hub.evicted_stale == 0


async def test_a_client_that_leaves_is_forgotten(wire: Wire) -> None:
    async with running(wire.is_direct) as (pulse, server):
        async with wire.client(server.port) as client:
            await client.next()
            assert pulse.stats().hub.connections == 1
        await eventually(lambda: pulse.stats().hub.connections == 0)


async def test_a_client_cut_without_a_word_is_forgotten(is_direct: bool) -> None:
    async with running(is_direct) as (pulse, server), Client(server.port) as client:
        await client.next()
        client.socket.transport.abort()
        await eventually(lambda: pulse.stats().hub.connections == 0)


async def test_when_the_server_ends_clients_are_told_to_come_back(wire: Wire) -> None:
    async with contextlib.AsyncExitStack() as stack:
        _, server = await stack.enter_async_context(running(wire.is_direct))
        client = wire.client(server.port)
        await stack.enter_async_context(client)
        await client.next()
        server.should_exit = True
        code, reason = await client.closed()
    if wire.is_direct:
        assert code == 4002
        assert parse_retry(reason) is not None
    else:
        # uvicorn's own word, where it has one: we are not asked.
        assert code == (1006 if wire.is_stream else 1012)


async def test_only_our_own_subprotocol_is_echoed(is_direct: bool) -> None:
    async with running(is_direct) as (_, server):
        async with Client(server.port, subprotocols=["pulse.v1", "bearer.c2VjcmV0"]) as client:
            assert client.socket.subprotocol == "pulse.v1"
        async with Client(server.port) as client:
            assert client.socket.subprotocol is None


async def test_a_client_that_negotiated_compression_reads_our_frames(is_direct: bool) -> None:
    async with (
        running(is_direct) as (pulse, server),
        Client(server.port, "?topics=knowledge", compression="deflate") as client,
    ):
        await client.until("subscription")
        text = "the same words " * 200
        await pulse.publish("knowledge", "atom_created", {"text": text})
        assert (await client.next())["data"]["text"] == text
        await client.say(action="ping", ts=1)
        assert await client.next() == {"type": "pong", "ts": 1}
