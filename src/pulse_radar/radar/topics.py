"""The seven topics of the decision record: which are logs and which are states, and how long each is kept."""

from typing import Final

from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.durations import seconds_of
from pulse_radar.events import Event
from pulse_radar.pulse import Pulse
from pulse_radar.radar.events import (
    AtomCreated,
    IngestionProgress,
    JobCompleted,
    JobFailed,
    JobQueued,
    JobRetrying,
    JobStarted,
)

__all__ = ["TOPICS", "declare_topics"]

_WEEK: Final = seconds_of("7d")
_DAY: Final = seconds_of("24h")

# Jobs of a day. About 500 bytes each, in every API process.
_JOBS: Final = 50_000

TOPICS: Final = (
    LogTopic("agents", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("tasks", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("providers", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("knowledge", retain=100_000, max_age_seconds=_WEEK),
    StateTopic("messages", ttl_seconds=_DAY),
    StateTopic("monitoring", ttl_seconds=_DAY, max_keys=_JOBS),
    StateTopic("metrics", ttl_seconds=seconds_of("1m")),
)


_EVENTS: Final[dict[str, tuple[type[Event], ...]]] = {
    "knowledge": (AtomCreated,),
    "messages": (IngestionProgress,),
    "monitoring": (JobQueued, JobStarted, JobCompleted, JobRetrying, JobFailed),
}


def declare_topics(pulse: Pulse) -> None:
    """Declare them all, with their events, on a Pulse that does not run yet."""
    for spec in TOPICS:
        pulse.declare(spec, _EVENTS.get(spec.name, ()))
