"""How prometheus-client is told: a family of numbers for each name, one number for each of its labels' values."""

from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from pulse_radar.histogram import HistogramStats

__all__ = ["Labels", "Metric", "counter", "each", "gauge", "gauges", "histogram"]

# Names of labels, or their values in the same order.
Labels: TypeAlias = tuple[str, ...]

_T = TypeVar("_T")


def each(numbers: Mapping[str, _T]) -> dict[Labels, _T]:
    """Numbers of which one label tells what each is of."""
    return {(value,): number for value, number in numbers.items()}


def gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(name, said, value=float(value))


def gauges(name: str, said: str, labels: Labels, numbers: Mapping[Labels, float]) -> Metric:
    family = GaugeMetricFamily(name, said, labels=labels)
    for values, number in numbers.items():
        family.add_metric(values, number)
    return family


def counter(name: str, said: str, labels: Labels, numbers: Mapping[Labels, int]) -> Metric:
    """On the wire its name ends with `_total`."""
    family = CounterMetricFamily(name, said, labels=labels)
    for values, number in numbers.items():
        family.add_metric(values, number)
    return family


def histogram(name: str, said: str, labels: Labels, measures: Mapping[Labels, HistogramStats]) -> Metric:
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
