"""Clients come and go, politely and not: every gauge is back at zero, and memory where it was.

A hundred on each wire here, ten thousand in `make slow`.
"""

import asyncio
import gc
import socket
import struct
import tracemalloc
from collections.abc import Iterator
from typing import Final

import pytest
from httptools import HttpRequestParser

from pulse_radar import Pulse
from pulse_radar.server import draining
from pulse_radar.server.opening_handshake import OpeningHandshake
from pulse_radar.server.uvicorn_http import PulseHttpProtocol
from pulse_radar.server.uvicorn_protocol import PulseWebSocketProtocol
from tests.server.serving import PATIENCE, app_with, handshake, make_pulse, serving
from tests.waiting import eventually

WIRES: Final = ["websocket-direct", "websocket-portable", "stream-direct", "stream-portable"]
AT_ONCE: Final = 50

# What the first ones leave behind for all (caches, tables that grew) is no leak.
WARM_UP: Final = 100

# The process lives on meanwhile: the probe's events are kept, about 1 kB a second. A connection that were kept is
# several thousand bytes.
MOST_BYTES: Final = 64 * 1024
MOST_BYTES_A_CLIENT: Final = 64

QUERY: Final = "?topics=knowledge,messages/i1"


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.timeout(3_600)
@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("clients", [100, pytest.param(10_000, marks=pytest.mark.slow)])
async def test_after_all_have_gone_nothing_of_them_is_left(wire: str, clients: int) -> None:
    pulse = make_pulse(ping_interval=1, pong_timeout=3)
    async with serving(app_with(pulse), is_direct=wire.endswith("-direct")) as server:
        request = handshake(server.port, QUERY, path="/ws" if wire.startswith("websocket") else "/events")
        await churn(server.port, request, WARM_UP)
        before = await at_rest(pulse)
        await churn(server.port, request, clients)
        after = await at_rest(pulse)
    assert draining._running == set()
    assert after - before < MOST_BYTES + MOST_BYTES_A_CLIENT * clients


async def test_a_connection_takes_nothing_of_its_handshake_along() -> None:
    """Not even until the garbage collector comes: that would cost each connection three times what it is itself."""
    async with serving(app_with(make_pulse())) as server:
        gc.collect()
        before = of_handshakes()
        gc.disable()
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        try:
            writer.write(handshake(server.port, QUERY))
            async with asyncio.timeout(PATIENCE):
                await reader.readuntil(b'"subscribed"')
            await eventually(lambda: of_handshakes() <= before)
        finally:
            gc.enable()
            writer.close()


async def test_one_who_leaves_while_it_is_looked_up_takes_its_handshake_along() -> None:
    has_come, may_go_on = asyncio.Event(), asyncio.Event()

    async def authenticate(_: object) -> bool:
        has_come.set()
        await may_go_on.wait()
        return True

    async with serving(app_with(make_pulse(authenticate=authenticate))) as server:
        gc.collect()
        before = of_handshakes()
        gc.disable()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(handshake(server.port, QUERY))
            await has_come.wait()
            writer.close()
            await eventually(lambda: not server.server_state.connections)
            may_go_on.set()
            await eventually(lambda: of_handshakes() <= before)
        finally:
            gc.enable()


def of_handshakes() -> int:
    """How many objects there are that nobody needs once a connection is one."""
    kinds = PulseHttpProtocol, PulseWebSocketProtocol, OpeningHandshake, HttpRequestParser
    return sum(isinstance(each, kinds) for each in gc.get_objects())


async def churn(port: int, request: bytes, count: int) -> None:
    """So many clients, each until it is live on both of its feeds."""
    numbers = iter(range(count))

    async def visit_in_turn() -> None:
        for number in numbers:
            await visit(port, request, is_polite=number % 2 == 0)

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(visit_in_turn())


async def visit(port: int, request: bytes, *, is_polite: bool) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        for _ in range(2):
            await reader.readuntil(b'"subscribed"')
    if not is_polite:
        # Closing is a reset now.
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.close()


async def at_rest(pulse: Pulse) -> int:
    """The bytes in use once nobody is here and nothing is planned for anybody."""
    runner = pulse._runner()
    context = runner.hub._context
    await eventually(lambda: runner.connections == 0 and len(context.deadlines) == 0)
    stats = pulse.stats().hub
    assert (stats.connections, stats.subscriptions_live, stats.subscriptions_catching_up) == (0, 0, 0)
    assert context._reading == {}
    for channel in runner.hub._channels.values():
        assert len(channel.live) == 0
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
