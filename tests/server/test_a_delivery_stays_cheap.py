"""What a delivery costs, in calls of functions: they are the same on a busy machine.

A server that fans out is as quick as the loop around its system calls is short. Milliseconds cannot be asserted here,
but what is called for each client can be counted.
"""

import asyncio
import os
import socket
from typing import Any

from pulse_radar.hub.inputs import Arrived
from tests.calls import Calls
from tests.hub.bench import event
from tests.server.serving import app_with, make_pulse, raw_client, serving
from tests.waiting import eventually

CLIENTS = 40


async def calls_of(clients: int, events: int) -> Calls:
    """What it takes until so many events, which come together, are with so many clients."""
    pulse = make_pulse()
    async with serving(app_with(pulse)) as server:
        peers = [raw_client(server.port, "?topics=knowledge") for _ in range(clients)]
        await eventually(lambda: pulse.stats().hub.subscriptions_live == clients)
        runner = pulse._runner()
        # The first write finds out that nothing waits in the loop's buffer.
        await arrive(runner.tell, pulse.position("knowledge").sequence, 1)
        await asyncio.sleep(0.05)
        with Calls() as calls:
            await arrive(runner.tell, pulse.position("knowledge").sequence, events)
        check(peers, events + 1)
    return calls


async def fewest_calls(clients: int, events: int) -> tuple[int, int]:
    """Of ours and of others: a probe or a timer may come in between, but not each time."""
    counted = [await calls_of(clients, events) for _ in range(3)]
    return min(calls.python for calls in counted), min(calls.native for calls in counted)


async def arrive(tell: Any, last: int, count: int) -> None:
    tell(Arrived("knowledge", tuple(event("knowledge", last + 1 + number) for number in range(count))))
    await asyncio.sleep(0)


def check(peers: list[socket.socket], events: int) -> None:
    """All of it is written: nothing is left for later turns."""
    for peer in peers:
        with peer:
            peer.settimeout(5)
            data = b""
            while data.count(b'"_seq"') < events:
                more = peer.recv(65_536)
                assert more, "it was closed"
                data += more


async def test_one_more_client_costs_one_call_of_ours_and_one_of_the_system() -> None:
    (few, few_native), (many, many_native) = (
        await fewest_calls(CLIENTS, 1),
        await fewest_calls(2 * CLIENTS, 1),
    )
    # LeanWebSocket.write, os.write and len.
    assert many - few < 2 * CLIENTS
    assert many_native - few_native < 4 * CLIENTS


async def test_a_burst_costs_no_more_writes_than_an_event() -> None:
    (one, one_native), (ten, ten_native) = await fewest_calls(CLIENTS, 1), await fewest_calls(CLIENTS, 10)
    # Nothing for each client: only what each of nine more events costs once.
    assert ten_native - one_native < 9 * CLIENTS / 2
    assert ten - one < 9 * CLIENTS * 3 / 4


async def test_one_event_is_encoded_once_for_all(monkeypatch: Any) -> None:
    written: set[int] = set()
    write = os.write

    def note(fileno: int, data: bytes) -> int:
        written.add(id(data))
        return write(fileno, data)

    monkeypatch.setattr("pulse_radar.server.lean_websocket.os.write", note)
    await calls_of(CLIENTS, 1)
    # Two events: the one before, and the one that is counted.
    assert 1 <= len(written) <= 2
