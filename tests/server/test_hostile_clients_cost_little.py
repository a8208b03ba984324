"""What one client, who need not be anybody, may cost the process and its application: time, memory, questions."""

import asyncio
import contextlib
import threading
import time
import zlib

import httpx
import pytest
from fastapi import HTTPException

from tests.server.serving import (
    PATIENCE,
    Client,
    StreamReader,
    app_with,
    make_pulse,
    serving,
    stalled_client,
)
from tests.waiting import eventually

HANDSHAKE = (
    b"GET /ws?topics=knowledge HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

# A ping of 125 bytes, which is all that one may have, many times.
PINGS = (b"\x89\xfd\0\0\0\0" + b"p" * 125) * 500


async def test_a_cursor_that_is_too_long_is_refused_before_it_is_read() -> None:
    # A server that bounds no headers: under ours it would not come so far.
    async with serving(app_with(make_pulse()), is_direct=False) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            head = b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: "
            writer.write(head + b"a!," * 500_000 + b"\r\n\r\n")
            await writer.drain()
            spent = time.process_time()
            async with asyncio.timeout(PATIENCE):
                assert (await reader.read(100)).startswith(b"HTTP/1.1 400")
            # Reading it took more than three seconds of the processor.
            assert time.process_time() - spent < 1.5
        finally:
            writer.close()


async def test_nobody_is_asked_about_feeds_that_a_stream_cannot_have() -> None:
    asked: list[object] = []

    def authorize(*what: object) -> bool:
        asked.append(what)
        return True

    topics = ",".join(f"messages/{number}" for number in range(4_000))
    async with serving(app_with(make_pulse(authorize=authorize))) as server, httpx.AsyncClient() as http:
        answer = await http.get(f"http://127.0.0.1:{server.port}/events?topics={topics}", timeout=PATIENCE)
    assert answer.status_code == 400
    assert asked == []


async def test_the_pongs_of_who_reads_nothing_do_not_pile_up() -> None:
    pulse = make_pulse(max_frames_per_second=1e9)
    async with serving(app_with(pulse)) as server:
        client = stalled_client(server.port, "?topics=knowledge")
        await eventually(lambda: pulse.stats().hub.subscriptions_live == 1)
        sent = 0

        def flood() -> None:
            nonlocal sent
            with contextlib.suppress(OSError):
                # Far more than a socket's buffers hold.
                while sent < 16 * 1024**2:
                    client.sendall(PINGS)
                    sent += len(PINGS)

        flooding = threading.Thread(target=flood)
        flooding.start()
        most = 0
        while flooding.is_alive():
            await asyncio.sleep(0.01)
            most = max(most, pulse.stats().most_unsent_bytes)
        client.close()
    assert sent >= 16 * 1024**2
    assert most < 1024**2


async def test_a_message_whose_fragments_lie_around_the_greeting_is_heeded() -> None:
    text = b'{"action":"ping","ts":7}'
    async with serving(app_with(make_pulse())) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(HANDSHAKE)
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"\x01\x8a\0\0\0\0" + text[:10])
                await reader.readuntil(b'"subscribed"')
                writer.write(bytes([0x80, 0x80 | len(text) - 10]) + b"\0\0\0\0" + text[10:])
                await reader.readuntil(b'{"type":"pong","ts":7}')
        finally:
            writer.close()


@pytest.mark.parametrize("hook", ["authenticate", "authorize"])
async def test_an_event_source_is_not_sent_away_for_good_by_a_service_that_is_away(hook: str) -> None:
    """After an HTTP 503 a browser's EventSource never comes back."""

    def away(*_asked: object) -> object:
        raise HTTPException(503, "the session store is away")

    async with (
        serving(app_with(make_pulse(**{hook: away}))) as server,
        StreamReader(server.port, "?topics=knowledge") as reader,
    ):
        assert (await reader.closed())[0] == 1013


async def test_nothing_is_ever_unpacked() -> None:
    """A megabyte of zeros is a kilobyte of permessage-deflate, and a thousand of those are a gigabyte."""
    packed = zlib.compress(bytes(1024**2))
    async with serving(app_with(make_pulse()), ws_per_message_deflate=True) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            async with asyncio.timeout(PATIENCE):
                writer.write(HANDSHAKE[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n")
                head = await reader.readuntil(b"\r\n\r\n")
                assert b"permessage-deflate" not in head
                writer.write(b"\xc1\xfe" + len(packed).to_bytes(2) + bytes(4) + packed)
                assert (1002).to_bytes(2) in await reader.read()
        finally:
            writer.close()


async def test_a_long_query_of_nonsense_leaves_nothing_behind() -> None:
    pulse = make_pulse()
    query = "?topics=" + ",".join(["knowledge", *["!"] * 3_500])
    async with serving(app_with(pulse)) as server, Client(server.port, query) as client:
        await client.until("subscription")
        [connection] = pulse._runner().hub._context.connections.values()
        assert connection.refused == ()
