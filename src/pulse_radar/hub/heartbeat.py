"""When a connection is pinged, and when it has been silent for too long. Source: ADR-007, heartbeat system."""

from enum import Enum

from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context

__all__ = ["Verdict", "begin", "judge", "pinged"]


class Verdict(Enum):
    """What a look at a connection says."""

    FINE = "fine"
    PING_DUE = "ping due"
    STALE = "stale"


def begin(connection: Connection, context: Context) -> None:
    """Plan the first ping of a connection that just came."""
    # Spread over half an interval by the golden ratio: those who came together are not pinged together.
    share = (len(context.connections) * 0.618) % 0.5
    connection.ping_due = context.now + context.limits.ping_interval_seconds * (1 - share)
    context.deadlines.set(connection.ping_due, connection)


def judge(connection: Connection, context: Context) -> Verdict:
    """Is this connection stale, or due for a ping?"""
    # Reckoned as the deadline was: a difference may round to just below the timeout, and wait for the next ping.
    if context.now >= connection.heard_at + context.limits.pong_timeout_seconds:
        return Verdict.STALE
    return Verdict.PING_DUE if context.now >= connection.ping_due else Verdict.FINE


def pinged(connection: Connection, context: Context) -> None:
    """Plan the next ping, and the look after which a silent connection is stale."""
    connection.ping_due = context.now + context.limits.ping_interval_seconds
    context.deadlines.set(connection.ping_due, connection)
    context.deadlines.set(connection.heard_at + context.limits.pong_timeout_seconds, connection)
