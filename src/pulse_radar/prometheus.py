"""The figures of a process as Prometheus reads them: counted by whoever does the work, read when somebody scrapes.

Each process speaks for itself; sums over processes are Prometheus's.

    settings: PULSE_METRICS_TOKEN=…         GET /metrics for whoever shows it, or may `admin` all topics
    REGISTRY.register(PulseCollector(pulse))  or the same figures at an endpoint that the app has already
"""

import re
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from typing import Final, Protocol, TypeAlias

from pulse_radar.brokers.publish_queue import PublishQueueStats
from pulse_radar.errors import InvalidSetting
from pulse_radar.histogram import HistogramStats
from pulse_radar.hub.counters import HubStats
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import ErrorCode, GapReason
from pulse_radar.server.runner import RunnerStats
from pulse_radar.settings import Settings

try:
    from prometheus_client import CollectorRegistry, ProcessCollector
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        InfoMetricFamily,
        Metric,
    )
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.registry import Collector
except ModuleNotFoundError as error:
    raise InvalidSetting(
        f'metrics for Prometheus need their extra ({error}): pip install "pulse-radar[prometheus]"'
    ) from error

__all__ = ["PulseCollector", "scraper"]

# What is there from the first scrape on, at 0: of a number that appears with its first loss no rate can be told.
_DISMISSALS: Final = (
    CloseCode.SLOW_CONSUMER,
    CloseCode.HEARTBEAT_TIMEOUT,
    CloseCode.EXPIRED,
    CloseCode.TRY_AGAIN_LATER,
    CloseCode.DRAINING,
    CloseCode.EVICTED,
    CloseCode.MALFORMED,
    CloseCode.FRAME_TOO_LARGE,
    CloseCode.TOO_MANY_FRAMES,
    CloseCode.INTERNAL_ERROR,
)
_REASONS: Final = (GapReason.EXPIRED, GapReason.RESET, GapReason.UNREADABLE)
_FAILURES: Final = ("OutboxFull", "OutcomeUnknown", "BrokerUnavailable")

_Labels: TypeAlias = tuple[str, ...]


class Measured(Protocol):
    """A `Pulse`, as far as it is measured."""

    @property
    def settings(self) -> Settings: ...

    @property
    def is_running(self) -> bool: ...

    def stats(self) -> RunnerStats: ...

    def publishing(self) -> PublishQueueStats: ...


class PulseCollector(Collector):
    """What `prometheus-client` asks at each scrape. While the Pulse does not run it has nothing to say.

    Cost: O(topics, connections) a scrape, in the thread of the event loop: use `make_asgi_app()`, and not
    `start_http_server()`, which looks from another thread.
    """

    def __init__(self, pulse: Measured) -> None:
        self._pulse = pulse

    def collect(self) -> Iterator[Metric]:
        if not self._pulse.is_running:
            return
        settings, stats = self._pulse.settings, self._pulse.stats()
        yield InfoMetricFamily(
            "pulse",
            "The version, and the kind of broker.",
            {"version": version("pulse-radar"), "broker": settings.broker.partition(":")[0]},
        )
        yield from _process(stats, settings)
        yield from _connections(stats, settings)
        yield from _topics(stats.hub)
        yield from _delivery(stats)
        yield from _publishing(self._pulse.publishing(), tuple(stats.hub.topics))

    def __repr__(self) -> str:
        return f"<PulseCollector of {self._pulse!r}>"


def scraper(pulse: Measured) -> Callable[[str], tuple[bytes, str]]:
    """What answers a scrape, to whatever is accepted: the figures of the layer and of its process, and their type."""
    registry = CollectorRegistry()
    registry.register(PulseCollector(pulse))
    ProcessCollector(registry=registry)

    def scrape(accept: str) -> tuple[bytes, str]:
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type

    return scrape


def _process(stats: RunnerStats, settings: Settings) -> Iterator[Metric]:
    yield _gauge("pulse_failed", "1 once the live layer of this process stopped.", stats.failure is not None)
    yield _gauge("pulse_draining", "1 while its clients are sent to others.", stats.is_draining)
    yield _gauge(
        "pulse_broker_connected", "Whether there is a connection to the broker.", stats.is_broker_connected
    )
    yield _gauge("pulse_unsent_bytes", "Bytes that wait in all connections.", stats.unsent_bytes)
    yield _gauge("pulse_most_unsent_bytes", "Bytes that wait in the slowest one.", stats.most_unsent_bytes)
    yield _gauge(
        "pulse_unsent_limit_bytes",
        "With more than this waiting a connection is evicted.",
        settings.unsent_limit_bytes,
    )


def _connections(stats: RunnerStats, settings: Settings) -> Iterator[Metric]:
    hub = stats.hub
    yield _gauge("pulse_connections", "Clients that are connected.", hub.connections)
    yield _gauge("pulse_connections_limit", "How many may be in this process.", settings.max_connections)
    yield _gauges(
        "pulse_subscriptions",
        "Subscriptions: live, or catching up.",
        ("topic", "state"),
        {
            (topic, state): number
            for topic, each in hub.topics.items()
            for state, number in (("live", each.live), ("catching_up", each.catching_up))
        },
    )
    none = {code.name.lower(): 0 for code in _DISMISSALS}
    yield _counter(
        "pulse_evictions",
        "Connections that this process ended, by the name of the close code.",
        ("reason",),
        {(reason,): number for reason, number in (none | hub.dismissed).items()},
    )
    yield _counter(
        "pulse_refusals",
        "Error frames: what clients asked for and were not given, by its code.",
        ("reason",),
        {(code.value,): hub.refused.get(code, 0) for code in ErrorCode},
    )
    yield _counter(
        "pulse_connections_refused",
        "Connections for which there was no place, by whose bound it was.",
        ("reason",),
        {(bound,): number for bound, number in stats.refused.items()},
    )
    yield _counter(
        "pulse_sockets_given_up",
        "Sockets of the server that it let go of, by why.",
        ("reason",),
        {(why,): number for why, number in stats.given_up.items()},
    )
    yield _gauge("pulse_asking", "Turns to be served that clients wait for.", stats.asking)
    yield _counter(
        "pulse_hooks_too_slow",
        "Answers of the app's hooks that did not come in time, by the hook.",
        ("hook",),
        {(hook,): number for hook, number in stats.hooks_too_slow.items()},
    )
    yield _histogram(
        "pulse_heartbeat_seconds",
        "From a ping to its answer; of an event stream until its socket took it.",
        (),
        {(): hub.heartbeats},
    )


def _topics(hub: HubStats) -> Iterator[Metric]:
    topics = hub.topics.items()
    each_topic: tuple[tuple[str, str, dict[_Labels, int]], ...] = (
        (
            "pulse_deliveries",
            "Events handed to live connections.",
            {(topic,): each.delivered for topic, each in topics},
        ),
        (
            "pulse_replays",
            "Events handed to connections that catch up.",
            {(topic,): each.replayed for topic, each in topics},
        ),
        (
            "pulse_event_bytes",
            "Bytes of both, without what WebSocket and TLS add.",
            {(topic,): each.event_bytes for topic, each in topics},
        ),
        (
            "pulse_snapshots",
            "Whole states begun to send.",
            {(topic,): each.snapshots for topic, each in topics},
        ),
        (
            "pulse_conflations",
            "Subscriptions that were too slow for every change of a state.",
            {(topic,): each.conflated for topic, each in topics},
        ),
    )
    for name, said, numbers in each_topic:
        yield _counter(name, said, ("topic",), numbers)
    yield _gauges(
        "pulse_topic_behind",
        "1 while the topic is not whole here: its clients wait.",
        ("topic",),
        {(topic,): topic in hub.behind for topic in dict.fromkeys((*hub.topics, *hub.behind))},
    )
    yield _counter(
        "pulse_gaps",
        "Gaps that connections were told of.",
        ("topic", "reason"),
        {(topic, reason): each.gaps.get(reason, 0) for topic, each in topics for reason in _REASONS},
    )


def _delivery(stats: RunnerStats) -> Iterator[Metric]:
    yield _gauges(
        "pulse_tail_lag_events",
        "Events that the broker is known to have, and this process has not handed on.",
        ("topic",),
        {(topic,): lag for topic, lag in stats.lag.items()},
    )
    yield _histogram(
        "pulse_delivery_lag_seconds",
        "From publish until events were handed to the connections, by the clocks of both machines.",
        ("topic",),
        {(topic,): lags for topic, lags in stats.lag_seconds.items()},
    )
    yield _histogram(
        "pulse_delivery_seconds",
        "What an event of our own took from publish to the end of the tail: one every two seconds.",
        (),
        {(): stats.deliveries},
    )
    if stats.delivery_age_seconds is not None:
        yield _gauge("pulse_delivery_age_seconds", "Since the last of them came.", stats.delivery_age_seconds)


def _publishing(queue: PublishQueueStats, topics: _Labels) -> Iterator[Metric]:
    yield _gauge("pulse_publish_waiting", "Publishes that are under way.", queue.waiting)
    yield _gauge("pulse_publish_limit", "How many may be: one more raises OutboxFull.", queue.limit)
    yield _counter(
        "pulse_publish_retries", "Attempts to publish that had to be repeated.", (), {(): queue.retries}
    )
    yield _histogram(
        "pulse_publish_seconds",
        "From publish until the event was stored.",
        ("topic",),
        {(topic,): each.seconds for topic, each in queue.topics.items()},
    )
    failed = {(topic, name): 0 for topic in topics for name in _FAILURES}
    for topic, each in queue.topics.items():
        failed |= {(topic, name): number for name, number in each.failed.items()}
    yield _counter(
        "pulse_publish_failures",
        "Publishes that raised, by what.",
        ("topic", "reason"),
        {(topic, _snake(name)): number for (topic, name), number in failed.items()},
    )


# How prometheus-client is told.


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(name, said, value=float(value))


def _gauges(name: str, said: str, labels: _Labels, numbers: Mapping[_Labels, float]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=labels)
    for values, number in numbers.items():
        family.add_metric(values, number)
    return family


def _counter(name: str, said: str, labels: _Labels, numbers: Mapping[_Labels, int]) -> Metric:
    """On the wire its name ends with `_total`."""
    family = CounterMetricFamily(name, said, labels=labels)
    for values, number in numbers.items():
        family.add_metric(values, number)
    return family


def _histogram(name: str, said: str, labels: _Labels, measures: Mapping[_Labels, HistogramStats]) -> Metric:
    family = HistogramMetricFamily(name, said, labels=labels)
    for values, stats in measures.items():
        family.add_metric(values, _cumulative(stats), stats.total)
    return family


def _cumulative(stats: HistogramStats) -> list[tuple[str, float]]:
    """Each bucket with what is in those below it, as Prometheus counts."""
    buckets, below = list[tuple[str, float]](), 0
    for bound, count in zip((*map(str, stats.bounds), "+Inf"), stats.counts, strict=True):
        below += count
        buckets.append((bound, below))
    return buckets


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
