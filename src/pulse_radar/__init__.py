"""Live updates for FastAPI: publish an event anywhere, see it once and in order in every browser."""

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
    OutboxFull,
    OutcomeUnknown,
    ProtocolError,
    PulseError,
    SequenceConflict,
    TopicMissing,
    UnknownTopic,
    UsageError,
)
from pulse_radar.events import Event
from pulse_radar.publisher import Publisher
from pulse_radar.publishing import Position
from pulse_radar.pulse import Pulse
from pulse_radar.settings import Settings
from pulse_radar.sync_publisher import SyncPublisher

__all__ = [
    "BrokerError",
    "BrokerRefused",
    "BrokerUnavailable",
    "Event",
    "EventTooLarge",
    "InvalidCursor",
    "InvalidEvent",
    "InvalidKey",
    "InvalidSetting",
    "InvalidTopic",
    "NotPermitted",
    "OutboxFull",
    "OutcomeUnknown",
    "Position",
    "ProtocolError",
    "Publisher",
    "Pulse",
    "PulseError",
    "SequenceConflict",
    "Settings",
    "SyncPublisher",
    "TopicMissing",
    "UnknownTopic",
    "UsageError",
]

__version__ = "0.1.0"
