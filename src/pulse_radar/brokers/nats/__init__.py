"""NATS JetStream as a broker."""

from pulse_radar.brokers.nats.broker import NatsBroker
from pulse_radar.brokers.nats.credentials import Credentials

__all__ = ["Credentials", "NatsBroker"]
