"""All figures of one process, asked for when somebody scrapes."""

from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Protocol

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import InfoMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from pulse_radar.brokers.publish_queue import PublishQueueStats
from pulse_radar.prometheus.families import Metric, gauge
from pulse_radar.prometheus.of_clients import of_clients
from pulse_radar.prometheus.of_events import of_delivery, of_publishing, of_topics
from pulse_radar.server.runner_stats import RunnerStats
from pulse_radar.settings import Settings

__all__ = ["PulseCollector", "scraper"]


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
        yield from of_clients(stats, settings)
        yield from of_topics(stats.hub)
        yield from of_delivery(stats)
        yield from of_publishing(self._pulse.publishing(), tuple(stats.hub.topics))

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
    yield gauge("pulse_failed", "1 once the live layer of this process stopped.", stats.failure is not None)
    yield gauge("pulse_draining", "1 while its clients are sent to others.", stats.is_draining)
    yield gauge(
        "pulse_broker_connected", "Whether there is a connection to the broker.", stats.is_broker_connected
    )
    yield gauge("pulse_unsent_bytes", "Bytes that wait in all connections.", stats.unsent_bytes)
    yield gauge("pulse_most_unsent_bytes", "Bytes that wait in the slowest one.", stats.most_unsent_bytes)
    yield gauge(
        "pulse_unsent_limit_bytes",
        "With more than this waiting a connection is evicted.",
        settings.unsent_limit_bytes,
    )
