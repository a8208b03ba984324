"""NATS JetStream as a broker."""

from pulse_radar.brokers.nats.broker import NatsBroker

__all__ = ["NatsBroker"]
