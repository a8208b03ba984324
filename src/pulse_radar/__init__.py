"""Live updates for FastAPI: publish an event anywhere, see it once and in order in every browser."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from pulse_radar.errors import (
    BrokerError,
    BrokerRefused,
    BrokerUnavailable,
    EventTooLarge,
    InvalidCursor,
    InvalidEvent,
    InvalidKey,
    InvalidSetting,
    InvalidTopic,
    NotPermitted,
    NotRunning,
    OutboxFull,
    OutcomeUnknown,
    ProtocolError,
    PulseError,
    Refused,
    SequenceConflict,
    TopicFull,
    TopicMissing,
    UnknownTopic,
    Unreachable,
    UsageError,
)

if TYPE_CHECKING:
    from pulse_radar.auth.bearer import bearer_token
    from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec
    from pulse_radar.client.events import Events, connect
    from pulse_radar.client.steps import Received
    from pulse_radar.client.wire import Token
    from pulse_radar.events import Event
    from pulse_radar.hub.counters import ClientStats
    from pulse_radar.protocol.frames import EventFrame, GapFrame, GapReason, SnapshotFrame, Subscribed
    from pulse_radar.protocol.grammar import key_of
    from pulse_radar.publisher import Publisher
    from pulse_radar.publishing import Position
    from pulse_radar.pulse import Pulse
    from pulse_radar.server.runner_stats import RunnerStats
    from pulse_radar.settings import Settings
    from pulse_radar.sync_publisher import SyncPublisher

__all__ = [
    "BrokerError",
    "BrokerRefused",
    "BrokerUnavailable",
    "ClientStats",
    "Event",
    "EventFrame",
    "EventTooLarge",
    "Events",
    "GapFrame",
    "GapReason",
    "InvalidCursor",
    "InvalidEvent",
    "InvalidKey",
    "InvalidSetting",
    "InvalidTopic",
    "LogTopic",
    "NotPermitted",
    "NotRunning",
    "OutboxFull",
    "OutcomeUnknown",
    "Position",
    "ProtocolError",
    "Publisher",
    "Pulse",
    "PulseError",
    "Received",
    "Refused",
    "RunnerStats",
    "SequenceConflict",
    "Settings",
    "SnapshotFrame",
    "StateTopic",
    "Subscribed",
    "SyncPublisher",
    "Token",
    "TopicFull",
    "TopicMissing",
    "TopicSpec",
    "UnknownTopic",
    "Unreachable",
    "UsageError",
    "bearer_token",
    "connect",
    "key_of",
]

__version__ = "0.1.0"

# Imported when they are first asked for: a worker, a test of the pure storeys and `pulse-radar --help` need no FastAPI.
_HOMES: Final = {
    "ClientStats": "hub.counters",
    "Event": "events",
    "Events": "client.events",
    **dict.fromkeys(
        ("EventFrame", "GapFrame", "GapReason", "SnapshotFrame", "Subscribed"), "protocol.frames"
    ),
    **dict.fromkeys(("LogTopic", "StateTopic", "TopicSpec"), "brokers.topic_spec"),
    "Position": "publishing",
    "Publisher": "publisher",
    "Pulse": "pulse",
    "Received": "client.steps",
    "RunnerStats": "server.runner_stats",
    "Settings": "settings",
    "bearer_token": "auth.bearer",
    "SyncPublisher": "sync_publisher",
    "Token": "client.wire",
    "connect": "client.events",
    "key_of": "protocol.grammar",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
