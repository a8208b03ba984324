"""Real server processes: Ctrl-C with everything open and stalled, reload, several workers, the second one refused."""

import asyncio
import contextlib
import os
import socket
import time
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from pulse_radar.testing.nats_server import NatsServer, free_port
from tests.server.processes import process
from tests.server.serving import Client, StreamReader, stalled_client, stalled_reader
from tests.waiting import START_SECONDS


@pytest.mark.parametrize("options", [(), ("--reload",)], ids=["plain", "reload"])
async def test_ctrl_c_ends_serve_in_under_two_seconds_whatever_is_open_and_stalled(
    options: tuple[str, ...],
) -> None:
    # A machine that does other work takes its time, for the start as well, which is a second on one that does not.
    starting, ending = await start_and_end_by_ctrl_c(options)
    assert ending < max(2.0, 2 * starting)


async def start_and_end_by_ctrl_c(options: tuple[str, ...]) -> tuple[float, float]:
    """Start a server, leave everything open and some of it stalled; the seconds of its start and of its end."""
    port = free_port()
    serve = ("pulse_radar.cli", "serve", "tests.server.busy_app:app", *options)
    stalled: list[socket.socket] = []
    began_at = time.monotonic()
    async with process(*serve, port=port) as server:
        await server.until_up()
        starting = time.monotonic() - began_at
        stalled += [stalled_client(port, "?topics=knowledge"), stalled_reader(port, "?topics=knowledge")]
        stalled.append(stalled_stream(port))
        async with (
            Client(port, "?topics=knowledge") as client,
            StreamReader(port, "?topics=knowledge") as reader,
            connect(f"ws://127.0.0.1:{port}/own", proxy=None) as own,
            server.http.stream("GET", "/stream"),
        ):
            await client.until("subscription")
            await reader.until("subscription")
            await own.send("echo")
            assert await own.recv() == "echo"
            # Enough to fill the stalled one's buffers, and not enough to evict it.
            await server.http.post("/publish-to-everyone/200")
            reading = asyncio.gather(client.closed(), reader.closed())
            ending = await server.interrupt()
            assert [*await reading] == [(1012, "retry=500")] * 2
    for peer in stalled:
        peer.close()
    assert server.process.returncode == 0
    return starting, ending


def stalled_stream(port: int) -> socket.socket:
    """An event stream that nobody reads."""
    stalled = socket.create_connection(("127.0.0.1", port))
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.sendall(b"GET /stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return stalled


async def test_two_workers_on_one_port_serve_the_same_events(tmp_path: Path) -> None:
    port = free_port()
    arguments = ("uvicorn", "tests.server.busy_app:app", "--workers", "2", "--log-level", "warning")
    async with NatsServer(tmp_path) as nats, process(*arguments, port=port, broker=nats.url) as server:
        await server.until_up()
        async with contextlib.AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(Client(port, "?topics=knowledge")) for _ in range(8)]
            for client in clients:
                await client.until("subscription")
            await server.http.post("/publish-to-everyone/20")
            seen = [await client.events(20) for client in clients]
    assert all(sequences == seen[0] for sequences in seen)
    assert seen[0] == list(range(seen[0][0], seen[0][0] + 20))


def names_of_locks(directory: Path) -> list[str]:
    return [path.name for path in directory.glob("pulse-radar-*")]


async def test_memory_refuses_the_second_worker_and_says_what_to_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    arguments = ("uvicorn", "tests.server.busy_app:app", "--workers", "2")
    async with process(*arguments, port=free_port()) as server:
        assert server.process.stderr is not None
        async with asyncio.timeout(START_SECONDS):
            async for line in server.process.stderr:
                if b"errors.BrokerRefused: " in line:
                    break
    assert b"memory:// serves one process" in line
    assert b"embedded://" in line
    # One file for all servers there will ever be, and not one for each.
    assert names_of_locks(tmp_path) == [f"pulse-radar-memory-{os.getuid()}.lock"]
