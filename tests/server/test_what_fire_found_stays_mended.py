"""Defects that the harness of faults found, each as the smallest thing that brings it out."""

import asyncio
import contextlib
import signal
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.stream.entry import Page
from pulse_radar.testing.nats_server import free_port
from tests.server.processes import process
from tests.server.serving import Client, app_with, make_pulse, serving
from tests.server.test_what_attacks_found_stays_mended import HANDSHAKE
from tests.waiting import eventually

# Questions that a process asks its broker at once.
AT_ONCE = 32


async def test_a_handshake_under_way_when_the_process_ends_is_refused_for_a_while(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It was answered with 500, which looks like a defect, and the endpoint's own refusal failed."""
    asked, answered = asyncio.Event(), asyncio.Event()

    async def authenticate(_connection: HTTPConnection) -> str:
        asked.set()
        await answered.wait()
        return "somebody"

    async with serving(app_with(make_pulse(authenticate=authenticate))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE)
        await asked.wait()
        server.should_exit = True
        answer = await reader.read()
        answered.set()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: " in answer.lower()
    assert "Exception" not in capsys.readouterr().err


async def test_a_refused_client_is_no_error_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(app_with(make_pulse())) as server:
        with pytest.raises(Exception, match="403"):
            async with Client(server.port, origin="https://elsewhere.example"):
                pass
    assert capsys.readouterr().err == ""


async def test_no_history_is_read_for_clients_that_went_while_they_stood_in_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A process that was slow for longer than its clients waited read for the gone, and was slow for the next ones."""
    read = MemoryBroker.read
    is_slow = asyncio.Event()
    asked = 0

    async def read_slowly(broker: MemoryBroker, topic: str, **where: Any) -> Page:
        nonlocal asked
        asked += 1
        await is_slow.wait()
        return await read(broker, topic, **where)

    monkeypatch.setattr(MemoryBroker, "read", read_slowly)
    pulse = make_pulse(window_events=1)
    query = "?topics=knowledge&lastSeq=knowledge:0"
    async with serving(app_with(pulse)) as server:
        for number in range(5):
            await pulse.publish("knowledge", "happened", number)
        async with contextlib.AsyncExitStack() as clients:
            for _ in range(3 * AT_ONCE):
                client = await clients.enter_async_context(Client(server.port, query))
                await client.until("connection")
            await eventually(lambda: asked == AT_ONCE)
        await eventually(lambda: pulse.stats().hub.connections == 0)
        is_slow.set()
        async with Client(server.port, query) as client:
            assert len(await client.events(5)) == 5
    assert asked <= AT_ONCE + 2


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "Ctrl-C"])
async def test_a_signal_ends_a_process_that_still_waits_for_its_broker(sign: signal.Signals) -> None:
    """It was heeded when the start had succeeded or failed, 20 s later: docker kills after ten."""
    async with await asyncio.start_server(greet_and_do_nothing, "127.0.0.1", 0) as broker:
        url = f"nats://127.0.0.1:{broker.sockets[0].getsockname()[1]}"
        serve = ("pulse_radar.cli", "serve", "tests.server.busy_app:app")
        async with process(*serve, port=free_port(), broker=url) as server:
            assert server.process.stderr is not None
            async with asyncio.timeout(60):
                async for line in server.process.stderr:
                    if b"topics not declared yet" in line:
                        break
            server.process.send_signal(sign)
            _, said = await asyncio.wait_for(server.process.communicate(), 10)
    assert b"Traceback" not in said
    assert server.process.returncode == (0 if sign is signal.SIGINT else -signal.SIGTERM)


async def greet_and_do_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A nats-server that leads no stream, and hears of nobody who does."""
    writer.write(b'INFO {"server_id":"S","version":"2.12.0","headers":true,"max_payload":1048576}\r\n')
    with contextlib.suppress(OSError):
        async for line in reader:
            if line == b"PING\r\n":
                writer.write(b"PONG\r\n")
    writer.close()
