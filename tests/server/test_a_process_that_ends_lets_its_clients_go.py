"""Draining: who comes is refused, who is here leaves with 4002, and whatever stalls, it ends in bounded time."""

import asyncio
import os
import signal
import time

import pytest
from websockets.exceptions import InvalidStatus

from pulse_radar.protocol.close_codes import parse_retry
from pulse_radar.testing.nats_server import free_port
from tests.server.processes import ServerProcess, process
from tests.server.serving import (
    PATIENCE,
    Client,
    Server,
    StreamReader,
    app_with,
    asking,
    make_pulse,
    serving,
    stalled_client,
    stalled_reader,
)
from tests.waiting import eventually

SERVE = ("pulse_radar.cli", "serve", "tests.server.busy_app:app")
UVICORN = (
    *("uvicorn", "tests.server.busy_app:app"),
    *("--ws", "pulse_radar.server.uvicorn_protocol:PulseWebSocketProtocol"),
)


async def refusal(server: Server | ServerProcess) -> tuple[int, str | None]:
    """How a new WebSocket is refused before its upgrade."""
    with pytest.raises(InvalidStatus) as refused:
        async with Client(server.port):
            pass
    response = refused.value.response
    return response.status_code, response.headers.get("Retry-After")


@pytest.mark.parametrize("is_direct", [True, False], ids=["direct", "portable"])
async def test_a_draining_process_refuses_new_clients_and_is_not_ready(is_direct: bool) -> None:
    pulse = make_pulse()
    async with (
        serving(app_with(pulse), is_direct=is_direct) as server,
        asking(server.port) as http,
        Client(server.port) as client,
    ):
        await client.next()
        await pulse.drain()
        code, reason = await client.closed()
        assert code == 4002
        assert parse_retry(reason) is not None
        assert await refusal(server) == (503, "1")
        ready = await http.get("/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "draining")
        assert (await http.get("/health")).status_code == 200


async def test_draining_returns_when_everybody_is_gone() -> None:
    pulse = make_pulse(drain_seconds=60)
    async with serving(app_with(pulse)) as server, Client(server.port) as client:
        await client.next()
        async with asyncio.timeout(PATIENCE):
            await pulse.drain()
        assert pulse.stats().hub.connections == 0


async def test_draining_returns_when_its_time_is_up() -> None:
    pulse = make_pulse(drain_seconds=0.3)
    async with serving(app_with(pulse)) as server:
        peer = stalled_client(server.port, "?topics=knowledge")
        await eventually(lambda: pulse.stats().hub.subscriptions_live == 1)
        while pulse.stats().most_unsent_bytes < 200_000:
            await pulse.publish("knowledge", "big", "y" * 20_000)
        await pulse.drain()
        assert pulse.stats().hub.connections == 1
        peer.close()


async def test_sigterm_ends_serve_in_bounded_time_whatever_is_stalled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PULSE_DRAIN_SECONDS", "1")
    port = free_port()
    async with process(*SERVE, port=port) as server:
        await server.until_up()
        peers = [stalled_client(port, "?topics=knowledge"), stalled_reader(port, "?topics=knowledge")]
        async with (
            Client(port, "?topics=knowledge") as client,
            StreamReader(port, "?topics=knowledge") as reader,
        ):
            await client.until("subscription")
            await reader.until("subscription")
            await server.http.post("/publish-to-everyone/200")
            leaving = asyncio.gather(client.closed(), reader.closed())
            # Two of Python's own, three that a busy machine may take.
            assert await ended(server, signal.SIGTERM) < 1 + 2 + 3
            assert [code for code, _ in await leaving] == [4002, 4002]
        for peer in peers:
            peer.close()
    assert server.process.returncode == -signal.SIGTERM


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_the_draining_at_once(
    second: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_DRAIN_SECONDS", "600")
    port = free_port()
    async with process(*SERVE, port=port) as server:
        await server.until_up()
        peer = stalled_client(port, "?topics=knowledge")
        await until(server, "/health", "connections", 1)
        await server.http.post("/publish-to-everyone/200")
        os.kill(server.process.pid, signal.SIGTERM)
        await until(server, "/ready", "status", "draining")
        assert await refusal(server) == (503, "1")
        # Less than the five seconds after which the stalled one is cut off anyway.
        assert await ended(server, second) < 4
        peer.close()
    assert server.process.returncode == -signal.SIGTERM


async def test_a_users_own_uvicorn_with_our_protocol_class_lets_clients_go_as_well() -> None:
    port = free_port()
    async with process(*UVICORN, port=port) as server:
        await server.until_up()
        clients = [Client(port, "?topics=knowledge") for _ in range(20)]
        for client in clients:
            await client.__aenter__()
            await client.until("subscription")
        leaving = asyncio.gather(*(client.closed() for client in clients))
        await ended(server, signal.SIGTERM)
        assert {code for code, _ in await leaving} == {4002}
        assert all(parse_retry(reason) is not None for _, reason in await leaving)


async def ended(server: ServerProcess, number: signal.Signals) -> float:
    """Send it this signal; the seconds until it has ended."""
    began = time.monotonic()
    os.kill(server.process.pid, number)
    await asyncio.wait_for(server.process.wait(), PATIENCE)
    return time.monotonic() - began


async def until(server: ServerProcess, path: str, name: str, value: object) -> None:
    """Wait until this route answers so."""
    async with asyncio.timeout(PATIENCE):
        while (await server.http.get(path)).json()[name] != value:
            await asyncio.sleep(0.02)
