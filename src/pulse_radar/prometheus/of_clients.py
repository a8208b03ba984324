"""Figures of those who are connected, and of those who were sent away, or never let in."""

from collections.abc import Iterator
from typing import Final

from pulse_radar.hub.counters import HubStats
from pulse_radar.prometheus.families import Metric, counter, each, gauge, gauges, histogram
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import ErrorCode
from pulse_radar.server.runner_stats import RunnerStats
from pulse_radar.settings import Settings

__all__ = ["of_clients"]

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


def of_clients(stats: RunnerStats, settings: Settings) -> Iterator[Metric]:
    hub = stats.hub
    yield gauge("pulse_connections", "Clients that are connected.", hub.connections)
    yield gauge("pulse_connections_limit", "How many may be in this process.", settings.max_connections)
    yield _subscriptions(hub)
    yield from _ended(hub)
    yield from _never_begun(stats)
    yield from _waiting(stats)
    yield histogram(
        "pulse_heartbeat_seconds",
        "From a ping to its answer; of an event stream until its socket took it.",
        (),
        {(): hub.heartbeats},
    )


def _subscriptions(hub: HubStats) -> Metric:
    return gauges(
        "pulse_subscriptions",
        "Subscriptions: live, or catching up.",
        ("topic", "state"),
        {
            (topic, state): number
            for topic, of_topic in hub.topics.items()
            for state, number in (("live", of_topic.live), ("catching_up", of_topic.catching_up))
        },
    )


def _ended(hub: HubStats) -> Iterator[Metric]:
    none = {code.name.lower(): 0 for code in _DISMISSALS}
    yield counter(
        "pulse_evictions",
        "Connections that this process ended, by the name of the close code.",
        ("reason",),
        each(none | hub.dismissed),
    )
    yield counter(
        "pulse_refusals",
        "Error frames: what clients asked for and were not given, by its code.",
        ("reason",),
        each({code.value: hub.refused.get(code, 0) for code in ErrorCode}),
    )


def _never_begun(stats: RunnerStats) -> Iterator[Metric]:
    yield counter(
        "pulse_connections_refused",
        "Connections for which there was no place, by whose bound it was.",
        ("reason",),
        each(stats.refused),
    )
    yield counter(
        "pulse_sockets_given_up",
        "Sockets of the server that it let go of, by why.",
        ("reason",),
        each(stats.given_up),
    )


def _waiting(stats: RunnerStats) -> Iterator[Metric]:
    yield gauge("pulse_asking", "Turns to be served that clients wait for.", stats.asking)
    yield counter(
        "pulse_hooks_too_slow",
        "Answers of the app's hooks that did not come in time, by the hook.",
        ("hook",),
        each(stats.hooks_too_slow),
    )
