"""What stands in a log, or in front of somebody who debugs: each object says how it is."""

import asyncio
from typing import Any

from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.brokers.nats.line import Line
from pulse_radar.brokers.nats.requests import Requests
from pulse_radar.server.alarm import Alarm
from pulse_radar.server.cutoff import Cutoff
from pulse_radar.server.delivery_probe import DeliveryProbe
from pulse_radar.stream.entry import StoredEvent
from tests.server.wires import Process, Wire


def nothing() -> None:
    """Nobody is told."""


async def test_a_session_says_how_much_waits_and_whether_it_is_slow() -> None:
    session = Process().add("c1", Wire(unsent_bytes=7))
    assert repr(session) == "<Session c1, 7 bytes unsent>"
    session.is_slow = True
    assert repr(session) == "<Session c1, 7 bytes unsent, slow>"


async def test_what_has_a_timer_says_for_when_it_is_set() -> None:
    alarm, cutoff = Alarm(nothing), Cutoff()
    assert (repr(alarm), repr(cutoff)) == ("<Alarm not set>", "<Cutoff not due>")
    alarm.set(1e12)
    cutoff.after(60.0, asyncio.Transport())
    assert repr(alarm) == "<Alarm at 1000000000000.0>"
    assert repr(cutoff).startswith("<Cutoff at ")
    alarm.cancel()
    cutoff.over()
    assert (repr(alarm), repr(cutoff)) == ("<Alarm not set>", "<Cutoff over>")


async def test_a_probe_says_since_when_nothing_came() -> None:
    broker: Any = MemoryBroker()
    assert repr(DeliveryProbe(broker, on_lost=nothing, on_back=nothing)) == "<DeliveryProbe none came>"


async def test_a_line_and_requests_say_what_is_under_way() -> None:
    line, requests = Line(4, room_events=9), Requests("_INBOX")
    line.add([StoredEvent(5, None, b"{}")])
    line.stash(StoredEvent(7, None, b"{}"))
    assert repr(line) == "<Line up to 5, 1 ready, 1 ahead>"
    requests.open("subject", lambda _: True, patience_seconds=1.0)
    assert repr(requests) == "<Requests 1 under way>"
