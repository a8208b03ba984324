"""What a process tells of itself, gathered from its parts."""

import msgspec

from pulse_radar.brokers.base import Broker
from pulse_radar.histogram import HistogramStats
from pulse_radar.hub.counters import HubStats
from pulse_radar.hub.hub import Hub
from pulse_radar.server.delivery_probe import DeliveryProbe
from pulse_radar.server.hooks import TOO_SLOW
from pulse_radar.server.intake import Intake
from pulse_radar.server.places import ConnectionBound
from pulse_radar.server.request_pace import GIVEN_UP, GivenUp
from pulse_radar.server.sessions import Sessions

__all__ = ["RunnerStats", "gathered"]


class RunnerStats(msgspec.Struct, frozen=True):
    """A snapshot. Units: `unsent_bytes` of all clients together, `most_unsent_bytes` of the one that has most waiting;
    `refused` connections for which there was no place, by the bound; `given_up` sockets of this process's server that
    were let go of, by why; `asking` turns that are waited for; `hooks_too_slow` how often the app's hooks did
    not answer in time;
    `delivery_seconds` what the last event of our own took through the broker, `deliveries` what all of them took, and
    `delivery_age_seconds` since one came. `lag`: how many events of each topic the broker is known to have that this
    process has not handed on yet; `lag_seconds`: how long those of each topic were on their way from publish to here.
    """

    hub: HubStats
    unsent_bytes: int
    most_unsent_bytes: int
    delivery_seconds: float | None
    delivery_age_seconds: float | None
    deliveries: HistogramStats
    lag: dict[str, int]
    lag_seconds: dict[str, HistogramStats]
    is_broker_connected: bool
    is_draining: bool
    failure: str | None
    refused: dict[str, int]
    given_up: dict[str, int]
    asking: int
    hooks_too_slow: dict[str, int]


def gathered(
    hub: Hub,
    broker: Broker,
    sessions: Sessions,
    intake: Intake,
    probe: DeliveryProbe,
    *,
    asking: int,
    failure: BaseException | None,
) -> RunnerStats:
    """Cost: a look at every connection."""
    unsent = sessions.unsent_bytes()
    return RunnerStats(
        hub=hub.stats(),
        unsent_bytes=sum(unsent),
        most_unsent_bytes=max(unsent, default=0),
        delivery_seconds=probe.round_trip_seconds,
        delivery_age_seconds=probe.age_seconds,
        deliveries=probe.round_trips.stats(),
        lag={topic: _lag(hub.position(topic), broker.known_last(topic)) for topic in hub.topics},
        lag_seconds=intake.lag_seconds(),
        is_broker_connected=broker.is_connected,
        is_draining=hub.is_draining,
        failure=None if failure is None else repr(failure),
        refused={bound.value: sessions.places.refused[bound] for bound in ConnectionBound},
        given_up={why.value: GIVEN_UP[why] for why in GivenUp},
        asking=asking,
        hooks_too_slow=dict(TOO_SLOW),
    )


def _lag(here: int | None, there: int | None) -> int:
    return 0 if here is None or there is None else max(0, there - here)
