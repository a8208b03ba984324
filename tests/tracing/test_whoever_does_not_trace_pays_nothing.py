"""Without a provider, and without the API at all."""

import subprocess
import sys
import time

from pulse_radar.server.arrivals import Arrivals
from pulse_radar.stream.entry import StoredEvent
from tests.calls import Calls

EVENTS = 100
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_an_event_that_nobody_traces_costs_a_few_calls_however_many_read_it() -> None:
    arrivals = Arrivals("knowledge", head=0)
    now = time.time_ns()
    events = [
        StoredEvent(number, None, b"{}", timestamp_ms=now // 1_000_000, traceparent=TRACEPARENT)
        for number in range(1, EVENTS + 1)
    ]
    with Calls() as calls:
        arrivals.handed_on(events, now)
    # Measured, in a histogram of ours and in one that is none.
    assert calls.python <= 6 * EVENTS
    assert sum(arrivals.stats().counts) == EVENTS


def test_it_works_without_the_api() -> None:
    code = """
import asyncio, sys
sys.modules["opentelemetry"] = None
from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.publishing import draft_event
from pulse_radar.server.arrivals import Arrivals
from pulse_radar.settings import Settings

async def main():
    broker = MemoryBroker()
    await broker.declare([LogTopic("knowledge")])
    queue = PublishQueue.from_settings(broker, Settings.load())
    sequence = await queue.publish(draft_event("knowledge", "created", {}, key=None, event_id=None))
    page = await broker.read("knowledge", after=sequence - 1, limit=1)
    arrivals = Arrivals("knowledge", head=0)
    arrivals.handed_on(page.entries, 0)
    assert page.entries[0].traceparent is None and sum(arrivals.stats().counts) == 1

asyncio.run(main())
"""
    # In a process of its own, for modules are imported once. (S603: it is ours.)
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_an_event_that_claims_to_be_from_any_time_is_measured_all_the_same() -> None:
    arrivals = Arrivals("knowledge", head=1)
    times = (10**400, -(10**400), 0, None)
    arrivals.handed_on([StoredEvent(2, None, b"{}", timestamp_ms=ms) for ms in times], time.time_ns())
    arrivals.handed_on([StoredEvent(1, None, b"{}", timestamp_ms=0)], time.time_ns())
    assert sum(arrivals.stats().counts) == 3
    assert arrivals.stats().total == 2 * 24 * 3600
