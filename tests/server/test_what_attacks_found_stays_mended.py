"""Defects that an attack found, each as the smallest thing that brought it out."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import nats
import pytest
from fastapi import HTTPException
from starlette.requests import HTTPConnection

from pulse_radar import Publisher, Pulse, PulseError, SyncPublisher
from pulse_radar.testing.nats_server import NatsServer
from tests.server.serving import Client, app_with, make_pulse, serving
from tests.waiting import eventually

HANDSHAKE = (
    b"GET /ws?topics=knowledge HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def store_what_looks_like_a_refusal(server: NatsServer) -> None:
    client = await nats.connect(server.url)
    await client.publish("websocket.knowledge", b"", headers={"Status": "503"})
    await client.flush()
    await client.close()


async def test_a_stored_message_that_looks_like_a_refusal_stops_no_tail(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server:
        pulse = make_pulse(broker=server.url)
        async with serving(app_with(pulse)) as api, Client(api.port, "?topics=knowledge") as client:
            await client.until("subscription")
            await store_what_looks_like_a_refusal(server)
            assert (await client.next())["data"]["reason"] == "unreadable"
            await server.restart()
            position = await pulse.publish("knowledge", "after", {})
            assert await client.events(1) == [position.sequence]


async def test_a_process_starts_on_a_topic_that_holds_such_a_message(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server:
        pulse = make_pulse(broker=server.url)
        async with pulse:
            await store_what_looks_like_a_refusal(server)
        async with pulse:
            assert (await pulse.publish("knowledge", "after", {})).sequence > 0


async def test_a_missing_topic_holds_up_no_other(tmp_path: Path) -> None:
    async with (
        NatsServer(tmp_path) as server,
        make_pulse(broker=server.url),
        Publisher(server.url) as publisher,
    ):
        mistyped = asyncio.create_task(publisher.publish("knowlegde", "typo"))
        await asyncio.sleep(0.3)
        await publisher.publish("knowledge", "meanwhile")
        assert not mistyped.done()
        await asyncio.gather(mistyped, return_exceptions=True)


async def test_closing_a_sync_publisher_is_an_error_of_ours_for_whoever_publishes(tmp_path: Path) -> None:
    async with NatsServer(tmp_path) as server, make_pulse(broker=server.url):
        publisher = SyncPublisher(server.url)
        await asyncio.to_thread(publisher.publish, "knowledge", "before")
        await server.kill()
        publishing = asyncio.create_task(asyncio.to_thread(publisher.publish, "knowledge", "lost"))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(publisher.close)
        (outcome,) = await asyncio.gather(publishing, return_exceptions=True)
        assert isinstance(outcome, PulseError)


@pytest.mark.parametrize("end", ["malformed", "half-closed"])
async def test_a_stalled_client_that_ends_badly_is_cut_off(end: str) -> None:
    pulse = make_pulse(ping_interval=0.5, pong_timeout=1)
    async with serving(app_with(pulse)) as server:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", server.port))
            client.sendall(HANDSHAKE)
            await eventually(lambda: pulse.stats().hub.subscriptions_live == 1)
            while pulse.stats().most_unsent_bytes < 200_000:
                await pulse.publish("knowledge", "big", "y" * 20_000)
            if end == "malformed":
                client.sendall(b"\x83\x80\0\0\0\0")
            else:
                client.shutdown(socket.SHUT_WR)
            await eventually(lambda: pulse.stats().hub.connections == 0)


@pytest.mark.parametrize(
    "more",
    [
        b"X-Long: " + b"y" * 9_000 + b"\r\n",
        b"".join(b"X-%d: y\r\n" % number for number in range(200)),
        b"Content-Length: 5\r\n",
    ],
    ids=["a long header", "many headers", "a body"],
)
async def test_a_handshake_that_cannot_be_is_answered(more: bytes) -> None:
    async with serving(app_with(make_pulse())) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE[:-2] + more + b"\r\n" + (b"hello" if b"Length" in more else b""))
        async with asyncio.timeout(10):
            assert (await reader.read(300)).startswith(b"HTTP/1.1 400")
        writer.close()


async def test_a_frame_is_refused_as_soon_as_more_of_it_came_than_is_allowed() -> None:
    pulse = make_pulse()
    async with serving(app_with(pulse)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        # A text frame that says it has 15 MiB, and little more than the first 64 KiB of it.
        writer.write(b"\x81\xff" + (15 * 1024**2).to_bytes(8) + b"\0\0\0\0" + b"{" * 70_000)
        async with asyncio.timeout(10):
            assert (4413).to_bytes(2) in await reader.read()
        writer.close()


async def test_fragments_are_refused_as_soon_as_they_are_too_long_together() -> None:
    pulse = make_pulse()
    async with serving(app_with(pulse)) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"\x01\x81\0\0\0\0{" + (b"\x00\xe4\0\0\0\0" + b"ab" * 50) * 1_000)
        async with asyncio.timeout(10):
            # The close frame: 4413, before the message ever ends.
            assert (4413).to_bytes(2) in await reader.read()
        writer.close()


async def test_a_service_that_is_away_does_not_send_clients_away_for_good() -> None:
    def authenticate(_connection: HTTPConnection) -> object:
        raise HTTPException(503, "the session store is away")

    async with (
        serving(app_with(make_pulse(authenticate=authenticate))) as server,
        Client(server.port) as client,
    ):
        assert (await client.closed())[0] == 1013


@pytest.mark.parametrize(
    ("error", "code"), [(HTTPException(503), 1013), (HTTPException(403), 4403), (KeyError("a bug"), 1011)]
)
async def test_what_authorize_raises_at_the_greeting_reaches_the_client(error: Exception, code: int) -> None:
    def authorize(*_asked: object) -> bool:
        raise error

    async with serving(app_with(make_pulse(authorize=authorize))) as server, Client(server.port) as client:
        assert (await client.closed())[0] == code


async def test_a_pulse_entered_twice_at_once_refuses_one() -> None:
    pulse: Pulse = make_pulse()
    entering: list[Any] = [pulse.__aenter__(), pulse.__aenter__()]
    outcomes = await asyncio.gather(*entering, return_exceptions=True)
    await pulse.__aexit__(None, None, None)
    assert sum(isinstance(outcome, PulseError) for outcome in outcomes) == 1


async def test_a_client_that_leaves_in_mid_body_leaves_no_traceback(
    capsys: pytest.CaptureFixture[str],
) -> None:
    token = "0123456789abcdef0123"
    async with serving(app_with(make_pulse(publish_token=token))) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        request = f"POST /publish HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        writer.write(f"{request}Content-Length: 99\r\n\r\n{{".encode())
        await asyncio.sleep(0.2)
        writer.close()
        await asyncio.sleep(0.3)
    assert "Traceback" not in capsys.readouterr().err
