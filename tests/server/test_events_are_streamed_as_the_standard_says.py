"""GET /events: what differs from a WebSocket. The rest is in the suite of all transports."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import nats
import pytest
from fastapi import HTTPException

from pulse_radar import Pulse
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.frames import Ping
from pulse_radar.server.batch import Batch
from pulse_radar.server.sse_transport import SseTransport
from pulse_radar.testing.nats_server import NatsServer
from tests.server.serving import (
    PATIENCE,
    Server,
    StreamReader,
    app_with,
    asking,
    make_pulse,
    serving,
    stalled_reader,
)
from tests.waiting import eventually


@contextlib.asynccontextmanager
async def running(*, is_direct: bool = True, **given: Any) -> AsyncIterator[tuple[Pulse, Server]]:
    pulse = make_pulse(**given)
    async with serving(app_with(pulse), is_direct=is_direct) as server:
        yield pulse, server


async def status(server: Server, query: str = "", **headers: str) -> tuple[int, str]:
    """How a request that gets no stream is answered."""
    async with asking(server.port) as http:
        answer = await http.get(f"/events{query}", headers=headers)
    return answer.status_code, answer.text


async def test_a_stream_is_declared_as_one_that_nobody_stores_or_collects() -> None:
    async with running() as (_, server), StreamReader(server.port) as reader:
        headers = reader.response.headers
        assert headers["content-type"] == "text/event-stream"
        assert headers["cache-control"] == "no-store"
        assert headers["x-accel-buffering"] == "no"
        assert "content-length" not in headers


async def test_the_first_block_says_where_the_reader_stands_and_when_to_come_back() -> None:
    async with running() as (pulse, server), StreamReader(server.port) as reader:
        name, frame = await reader.block()
        assert (name, frame["type"]) == ("connection", "connection")
        assert reader.last_event_id == f"{pulse.position('knowledge')},{pulse.position('messages')}"
        assert reader.retry_ms == 1_000


async def test_an_event_has_no_name_and_a_control_frame_its_type() -> None:
    async with running() as (pulse, server), StreamReader(server.port, "?topics=knowledge") as reader:
        await pulse.publish("knowledge", "atom_created", {})
        names = [(await reader.block())[0] for _ in range(3)]
    assert names == ["connection", "subscription", "message"]


async def test_a_reader_resumes_by_the_last_id_whichever_feed_it_came_with() -> None:
    async with running() as (pulse, server):
        async with StreamReader(server.port, "?topics=knowledge,messages/i1") as reader:
            await reader.until("subscription")
            await reader.until("subscription")
            await pulse.publish("messages", "ingestion_progress", {}, key="i1")
            first = await pulse.publish("knowledge", "atom_created", {})
            while not reader.last_event_id.startswith(f"knowledge:{first.sequence}"):
                await reader.next()
        missed = [
            (await pulse.publish("knowledge", "atom_created", {})).sequence,
            (await pulse.publish("messages", "ingestion_progress", {}, key="i1")).sequence,
        ]
        await pulse.publish("messages", "ingestion_progress", {}, key="i2")
        # As a browser does: the same address, the last id beside it.
        query = "?topics=knowledge,messages/i1&lastSeq=knowledge:0"
        async with StreamReader(server.port, query, last_event_id=reader.last_event_id) as again:
            assert await again.events(2) == missed


async def test_a_reader_of_the_newest_events_comes_back_as_it_came_until_the_first_of_them() -> None:
    async with running() as (pulse, server):
        query = "?topics=knowledge&last=knowledge:2"
        for n in range(3):
            await pulse.publish("knowledge", "atom_created", {"n": n})
        async with StreamReader(server.port, query) as reader:
            await reader.block()
            assert reader.last_event_id == ""
            seen = await reader.events(1)
        async with StreamReader(server.port, query, last_event_id=reader.last_event_id) as again:
            assert await again.events(1) == [seen[0] + 1]


async def test_data_of_a_foreign_publisher_over_several_lines_is_one_line(tmp_path: Path) -> None:
    async with (
        NatsServer(tmp_path) as broker,
        running(broker=broker.url) as (_, server),
        StreamReader(server.port, "?topics=knowledge") as reader,
    ):
        await reader.until("subscription")
        client = await nats.connect(broker.url)
        await client.publish("websocket.knowledge", b'{\r\n "event": "noted",\n "data": {\r\n  "a":\n1}\n}')
        await client.flush()
        await client.close()
        assert (await reader.next())["data"] == {"a": 1}


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "portable"])
async def test_a_reader_that_cannot_pong_stays_while_its_socket_takes_bytes(is_direct: bool) -> None:
    async with (
        running(is_direct=is_direct, ping_interval=0.2, pong_timeout=0.6) as (pulse, server),
        StreamReader(server.port, "?topics=knowledge") as reader,
    ):
        for _ in range(8):
            await reader.until("ping")
        assert pulse.stats().hub.evicted_stale == 0


async def test_a_reader_that_takes_no_bytes_is_found_by_the_heartbeat_and_cut_off() -> None:
    async with running(ping_interval=0.5, pong_timeout=1.5) as (pulse, server):
        stalled = stalled_reader(server.port, "?topics=knowledge")
        await eventually(lambda: pulse.stats().hub.subscriptions_live == 1)
        while pulse.stats().most_unsent_bytes < 200_000:
            await pulse.publish("knowledge", "big", "y" * 20_000)
        await eventually(lambda: pulse.stats().hub.evicted_stale == 1)
        await eventually(lambda: pulse.stats().hub.connections == 0)
        # What was unsent is dropped, and no longer held for somebody who may never read it.
        assert await asyncio.to_thread(read_all, stalled) < pulse.stats().hub.delivered * 20_000 - 100_000


def read_all(stalled: socket.socket) -> int:
    """How many bytes come until the end."""
    stalled.settimeout(PATIENCE)
    count = 0
    with stalled, contextlib.suppress(ConnectionResetError):
        while got := stalled.recv(65_536):
            count += len(got)
    return count


async def test_whoever_may_not_be_here_gets_a_status_before_the_stream_begins() -> None:
    def authenticate(connection: Any) -> object:
        match connection.query_params.get("me"):
            case "banned":
                raise HTTPException(403, "you are banned")
            case name:
                return name

    async with running(authenticate=authenticate) as (pulse, server):
        assert (await status(server))[0] == 401
        assert await status(server, "?me=banned") == (403, '{"detail":"you are banned"}')
        assert pulse.stats().hub.connections == 0
        async with StreamReader(server.port, "?me=ann") as reader:
            assert (await reader.next())["type"] == "connection"


async def test_a_reader_sees_what_it_may_read_and_is_told_what_it_may_not() -> None:
    def authorize(_principal: object, _action: str, topic: str, _key: str | None) -> bool:
        return topic == "knowledge"

    async with running(authorize=authorize) as (_, server):
        async with StreamReader(server.port) as reader:
            assert (await reader.next())["data"]["topics"] == ["knowledge"]
        async with StreamReader(server.port, "?topics=messages") as reader:
            name, error = (await reader.block(), await reader.block())[1]
            assert (name, error["data"]["code"]) == ("error", "forbidden")


async def test_a_foreign_host_or_origin_is_refused() -> None:
    async with running() as (_, server):
        code, says = await status(server, Origin="http://evil.example")
        assert (code, "PULSE_ALLOWED_ORIGINS" in says) == (403, True)
        code, says = await status(server, Host="evil.example")
        assert (code, "PULSE_ALLOWED_HOSTS" in says) == (403, True)


async def test_a_page_of_an_allowed_origin_may_read_the_stream() -> None:
    origin = "https://app.example.com"
    async with running(allowed_origins=origin) as (_, server):
        async with StreamReader(server.port, Origin=origin) as reader:
            headers = reader.response.headers
            assert headers["access-control-allow-origin"] == origin
            assert headers["access-control-allow-credentials"] == "true"
            assert headers["vary"] == "Origin"
        async with StreamReader(server.port) as reader:
            assert "access-control-allow-origin" not in reader.response.headers


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("?topics=" + ",".join(f"messages/{'k' * 120}{n}" for n in range(30)), {}),
        ("", {"Last-Event-ID": "messages:1," * 400}),
        ("?last=" + "messages:1," * 400, {}),
    ],
    ids=["too many feeds for a cursor", "too long a cursor", "too many numbers"],
)
async def test_a_cursor_that_no_header_would_carry_is_refused(query: str, headers: dict[str, str]) -> None:
    async with running() as (_, server):
        code, says = await status(server, query, **headers)
        assert code == 400
        assert "4096 bytes" in says


async def test_all_topics_are_refused_at_once_where_they_are_too_many_to_come_back_to() -> None:
    """Not when it comes back with the cursor that it was given: at a 400 an EventSource stops for good."""
    pulse = make_pulse()
    for number in range(120):
        pulse.topic(f"notifications_of_shop_{number}")
    async with serving(app_with(pulse)) as server:
        code, says = await status(server)
        assert (code, "4096 bytes" in says) == (400, True)
        async with StreamReader(server.port, "?topics=notifications_of_shop_7") as reader:
            assert (await reader.block())[0] == "connection"


async def test_a_draining_process_tells_a_reader_when_to_come_back_and_ends() -> None:
    async with running() as (pulse, server):
        async with StreamReader(server.port) as reader:
            await reader.next()
            await pulse.drain()
            assert (await reader.closed())[0] == 4002
            assert reader.retry_ms is not None
            assert reader.retry_ms < 250
            with pytest.raises(EOFError):
                await reader.next()
        # 200: at a 503 an EventSource would stop for good.
        async with StreamReader(server.port) as late:
            assert late.response.status_code == 200
            assert (await late.closed())[0] == 4002
            assert late.last_event_id == ""
            assert late.retry_ms is not None
            assert late.retry_ms >= 1_000


async def test_a_connection_that_carried_a_stream_carries_the_next_request() -> None:
    async with running() as (pulse, server):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        request = "GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        writer.write(request.format("/events").encode())
        async with asyncio.timeout(PATIENCE):
            await reader.readuntil(b"connected")
            await pulse.drain()
            await reader.readuntil(b"\r\n0\r\n\r\n")
            writer.write(request.format("/health").encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_curl_follows_and_resumes_with_no_code_at_all() -> None:
    async with running() as (pulse, server):
        places = [await pulse.publish("knowledge", "atom_created", {"n": n}) for n in range(5)]
        curl = await asyncio.create_subprocess_exec(
            *("curl", "--silent", "--no-buffer", "--header", f"Last-Event-ID: {places[1]}"),
            f"http://127.0.0.1:{server.port}/events?topics=knowledge",
            stdout=asyncio.subprocess.PIPE,
        )
        assert curl.stdout is not None
        ids: list[str] = []
        async with asyncio.timeout(PATIENCE):
            while len(ids) < 4:
                line = (await curl.stdout.readline()).decode()
                if line.startswith("id: "):
                    ids.append(line.removeprefix("id: ").strip())
        curl.terminate()
        await curl.communicate()
    assert ids == [str(place) for place in places[1:]]


class Heartbeat:
    """Counts signs of life."""

    def __init__(self) -> None:
        self.signs_of_life = 0

    def alive(self) -> None:
        self.signs_of_life += 1

    def writable(self) -> None:
        pass

    def closed(self) -> None:
        pass


async def test_a_reader_that_takes_what_comes_is_alive_though_more_always_waits_for_it() -> None:
    """Of a busy topic the queue is never empty."""
    heartbeat, taken = Heartbeat(), 0
    ping = Batch((encode_server(Ping(1)),))

    async def send(_message: object) -> None:
        nonlocal taken
        taken += 1
        if taken < 10:
            transport.write(ping)
        else:
            transport.close(1000)

    transport = SseTransport(asyncio.Event().wait, send, None)  # type: ignore[arg-type]  # nothing is read
    transport.listen(heartbeat)  # type: ignore[arg-type]  # all that a queue calls
    transport.write(ping)
    transport.write(ping)
    await transport.carry()
    assert heartbeat.signs_of_life == 9, "one for each ping that was written meanwhile"
