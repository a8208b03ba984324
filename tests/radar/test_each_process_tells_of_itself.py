"""Metrics: a sample a second for as long as a process is there, and none of it when it has ended."""

import asyncio
from pathlib import Path

from pulse_radar.histogram import Histogram
from pulse_radar.hub.counters import HubStats, TopicStats
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.pulse import Pulse
from pulse_radar.radar.metrics import report_metrics
from pulse_radar.radar.metrics.sampler import LayerRates, source_of_this_process
from pulse_radar.radar.topics import declare_topics
from pulse_radar.server.runner_stats import RunnerStats
from pulse_radar.stream.entry import StoredEvent
from pulse_radar.testing import connect
from tests.radar.api import application, data_of


def stats(delivered: int) -> RunnerStats:
    measures = Histogram([1.0]).stats()
    topics = {
        "knowledge": TopicStats(7, live=3, delivered=delivered - 10, replayed=7, gaps={"expired": 2}),
        "messages": TopicStats(7, live=1, catching_up=1, delivered=10),
    }
    hub = HubStats(
        connections=3, dismissed={"slow_consumer": 1}, refused={}, heartbeats=measures, topics=topics
    )
    return RunnerStats(
        hub=hub,
        unsent_bytes=900,
        most_unsent_bytes=500,
        delivery_seconds=0.002,
        delivery_age_seconds=1.5,
        deliveries=measures,
        lag={},
        lag_seconds={},
        is_broker_connected=True,
        is_draining=False,
        failure=None,
        refused={},
        given_up={},
        asking=0,
        hooks_too_slow={},
    )


def test_rates_are_between_two_looks() -> None:
    rates = LayerRates()
    assert rates.look(stats(1_000), 10.0).deliveries_per_second == 0
    figures = rates.look(stats(1_500), 12.0)
    assert figures.deliveries_per_second == 250
    assert (figures.subscriptions, figures.catching_up, figures.gaps) == (5, 1, {"expired": 2})
    assert (figures.replayed, figures.evicted_slow, figures.evicted_stale) == (7, 1, 0)
    assert (figures.unsent_bytes, figures.most_unsent_bytes) == (900, 500)


async def test_an_api_process_tells_of_its_host_itself_and_its_layer(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, _), connect(app, ["metrics"]) as client:
        samples: list[EventFrame] = [await client.next("metrics_sampled") for _ in range(2)]
    assert [sample.key for sample in samples] == [source_of_this_process()] * 2
    told = data_of(samples[1])
    assert told["role"] == "api"
    assert told["layer"]["connections"] == 1
    assert told["layer"]["deliveries_per_second"] > 0
    assert told["process"]["memory_bytes"] > 10_000_000
    assert told["host"]["memory_total_bytes"] > told["process"]["memory_bytes"]


async def test_a_process_that_ends_takes_its_figures_back_and_leaves_nothing_running(tmp_path: Path) -> None:
    pulse = Pulse("memory://")
    declare_topics(pulse)
    async with pulse:
        before = asyncio.all_tasks()
        async with report_metrics(pulse, "worker", tmp_path), asyncio.timeout(20):
            while not await told_of(pulse):
                await asyncio.sleep(0.05)
        assert [event.is_deletion for event in await told_of(pulse)] == [True]
        assert asyncio.all_tasks() == before


async def told_of(pulse: Pulse) -> list[StoredEvent]:
    page = await pulse.broker.read("metrics", after=0, limit=10)
    return [entry for entry in page.entries if isinstance(entry, StoredEvent)]
