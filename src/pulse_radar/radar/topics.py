"""The seven topics of the decision record, and one of our own: which are logs or states, and how long each is kept."""

from typing import Final

from pulse_radar.brokers.topic_spec import LogTopic, StateTopic
from pulse_radar.durations import seconds_of
from pulse_radar.events import Event
from pulse_radar.jobs.events import JOB_EVENTS, monitoring_topic
from pulse_radar.pulse import Pulse
from pulse_radar.radar.connections.events import ConnectionsSeen
from pulse_radar.radar.events import AtomCreated, AtomUpdated, IngestionProgress, TopicCreated, TopicUpdated
from pulse_radar.radar.kept_events import (
    AgentCreated,
    AgentDeleted,
    AgentUpdated,
    ProviderCreated,
    ProviderDeleted,
    ProviderUpdated,
    TaskCreated,
    TaskDeleted,
    TaskUpdated,
)
from pulse_radar.radar.metrics.events import MetricsSampled

__all__ = ["TOPICS", "declare_topics"]

_WEEK: Final = seconds_of("7d")
_DAY: Final = seconds_of("24h")

TOPICS: Final = (
    LogTopic("agents", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("tasks", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("providers", retain=10_000, max_age_seconds=_WEEK),
    LogTopic("knowledge", retain=100_000, max_age_seconds=_WEEK),
    StateTopic("messages", ttl_seconds=_DAY),
    monitoring_topic(),
    StateTopic("metrics", ttl_seconds=seconds_of("1m")),
    # A process that died is gone from the list before anybody looks for its clients.
    StateTopic("connections", ttl_seconds=10),
)


_EVENTS: Final[dict[str, tuple[type[Event], ...]]] = {
    "agents": (AgentCreated, AgentUpdated, AgentDeleted),
    "tasks": (TaskCreated, TaskUpdated, TaskDeleted),
    "providers": (ProviderCreated, ProviderUpdated, ProviderDeleted),
    "knowledge": (AtomCreated, AtomUpdated, TopicCreated, TopicUpdated),
    "messages": (IngestionProgress,),
    "monitoring": JOB_EVENTS,
    "metrics": (MetricsSampled,),
    "connections": (ConnectionsSeen,),
}


def declare_topics(pulse: Pulse) -> None:
    """Declare them all, with their events, on a Pulse that does not run yet."""
    for spec in TOPICS:
        pulse.declare(spec, _EVENTS.get(spec.name, ()))
