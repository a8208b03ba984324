"""The seven topics of the decision record, each with how long it is kept."""

from typing import Final

from pulse_radar.brokers.topic_spec import LogTopic
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

# An ingestion says ten things a second: this is three hours of one, or a day of many short ones.
_PROGRESS_EVENTS: Final = 100_000

TOPICS: Final = (
    LogTopic("agents", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("tasks", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("providers", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("knowledge", retain=100_000, max_age_seconds=_WEEK),
    LogTopic("messages", retain=_PROGRESS_EVENTS, max_age_seconds=_DAY),
    LogTopic("monitoring", retain=_PROGRESS_EVENTS, max_age_seconds=_DAY),
    LogTopic("metrics", retain=10_000, max_age_seconds=seconds_of("1m")),
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
