"""Figures of events: published here, on their way from the broker, handed to connections, and lost."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from pulse_radar.brokers.publish_queue import PublishQueueStats
from pulse_radar.hub.counters import HubStats, TopicStats
from pulse_radar.prometheus.families import Labels, Metric, counter, each, gauge, gauges, histogram
from pulse_radar.protocol.frames import GapReason
from pulse_radar.server.runner_stats import RunnerStats

__all__ = ["of_delivery", "of_publishing", "of_topics"]

# As in `of_clients`: what is there from the first scrape on.
_REASONS: Final = (GapReason.EXPIRED, GapReason.RESET, GapReason.UNREADABLE)
_FAILURES: Final = ("OutboxFull", "OutcomeUnknown", "BrokerUnavailable")

# Counted of each topic.
_OF_EACH_TOPIC: Final[tuple[tuple[str, str, Callable[[TopicStats], int]], ...]] = (
    ("pulse_deliveries", "Events handed to live connections.", lambda topic: topic.delivered),
    ("pulse_replays", "Events handed to connections that catch up.", lambda topic: topic.replayed),
    (
        "pulse_event_bytes",
        "Bytes of both, without what WebSocket and TLS add.",
        lambda topic: topic.event_bytes,
    ),
    ("pulse_snapshots", "Whole states begun to send.", lambda topic: topic.snapshots),
    (
        "pulse_conflations",
        "Subscriptions that were too slow for every change of a state.",
        lambda topic: topic.conflated,
    ),
)


def of_topics(hub: HubStats) -> Iterator[Metric]:
    for name, said, number_of in _OF_EACH_TOPIC:
        numbers = {topic: number_of(of_topic) for topic, of_topic in hub.topics.items()}
        yield counter(name, said, ("topic",), each(numbers))
    yield gauges(
        "pulse_topic_behind",
        "1 while the topic is not whole here: its clients wait.",
        ("topic",),
        {(topic,): topic in hub.behind for topic in dict.fromkeys((*hub.topics, *hub.behind))},
    )
    yield counter(
        "pulse_gaps",
        "Gaps that connections were told of.",
        ("topic", "reason"),
        {
            (topic, reason): of_topic.gaps.get(reason, 0)
            for topic, of_topic in hub.topics.items()
            for reason in _REASONS
        },
    )


def of_delivery(stats: RunnerStats) -> Iterator[Metric]:
    yield gauges(
        "pulse_tail_lag_events",
        "Events that the broker is known to have, and this process has not handed on.",
        ("topic",),
        each(stats.lag),
    )
    yield histogram(
        "pulse_delivery_lag_seconds",
        "From publish until events were handed to the connections, by the clocks of both machines.",
        ("topic",),
        each(stats.lag_seconds),
    )
    yield histogram(
        "pulse_delivery_seconds",
        "What an event of our own took from publish to the end of the tail: one every two seconds.",
        (),
        {(): stats.deliveries},
    )
    if stats.delivery_age_seconds is not None:
        yield gauge("pulse_delivery_age_seconds", "Since the last of them came.", stats.delivery_age_seconds)


def of_publishing(queue: PublishQueueStats, topics: Labels) -> Iterator[Metric]:
    """`topics`: those that are declared, each of which has its failures from the first scrape on."""
    yield gauge("pulse_publish_waiting", "Publishes that are under way.", queue.waiting)
    yield gauge("pulse_publish_limit", "How many may be: one more raises OutboxFull.", queue.limit)
    yield counter(
        "pulse_publish_retries", "Attempts to publish that had to be repeated.", (), {(): queue.retries}
    )
    yield histogram(
        "pulse_publish_seconds",
        "From publish until the event was stored.",
        ("topic",),
        each({topic: of_topic.seconds for topic, of_topic in queue.topics.items()}),
    )
    yield _failures(queue, topics)


def _failures(queue: PublishQueueStats, topics: Labels) -> Metric:
    failed = {(topic, name): 0 for topic in topics for name in _FAILURES}
    for topic, of_topic in queue.topics.items():
        failed |= {(topic, name): number for name, number in of_topic.failed.items()}
    return counter(
        "pulse_publish_failures",
        "Publishes that raised, by what.",
        ("topic", "reason"),
        {(topic, _snake(name)): number for (topic, name), number in failed.items()},
    )


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
