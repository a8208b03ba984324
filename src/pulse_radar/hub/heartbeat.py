"""When a connection is pinged, and when it has been silent or here for too long. Source: ADR-007, heartbeat system."""

from enum import Enum

from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context

__all__ = ["Verdict", "answered", "begin", "judge", "pinged", "watch_expiry"]


class Verdict(Enum):
    """What a look at a connection says."""

    FINE = "fine"
    PING_DUE = "ping due"
    STALE = "stale"
    EXPIRED = "expired"


def begin(connection: Connection, context: Context) -> None:
    """Plan the first ping of a connection that just came."""
    # Spread over half an interval by the golden ratio: those who came together are not pinged together.
    share = (len(context.connections) * 0.618) % 0.5
    connection.ping_due = context.now + context.limits.ping_interval_seconds * (1 - share)
    context.deadlines.set(connection.ping_due, connection)
    watch_expiry(connection, context)


def watch_expiry(connection: Connection, context: Context) -> None:
    """Look when its credentials run out, where that is before the next ping: after that one they are watched anew."""
    if connection.deadline < connection.ping_due:
        context.deadlines.set(connection.deadline, connection)


def judge(connection: Connection, context: Context) -> Verdict:
    """Is this connection stale, without credentials that still hold, or due for a ping?"""
    if context.now >= connection.deadline:
        return Verdict.EXPIRED
    # Reckoned as the deadline was: a difference may round to just below the timeout, and wait for the next ping.
    if context.now >= connection.heard_at + context.limits.pong_timeout_seconds:
        return Verdict.STALE
    return Verdict.PING_DUE if context.now >= connection.ping_due else Verdict.FINE


def pinged(connection: Connection, context: Context) -> None:
    """Plan the next ping, and the look after which a silent connection is stale."""
    connection.ping_due = context.now + context.limits.ping_interval_seconds
    context.deadlines.set(connection.ping_due, connection)
    context.deadlines.set(connection.heard_at + context.limits.pong_timeout_seconds, connection)
    watch_expiry(connection, context)


def answered(connection: Connection, context: Context) -> None:
    """It pongs: how long that took counts, if nothing else was heard of it since it was pinged."""
    pinged_at = connection.ping_due - context.limits.ping_interval_seconds
    # Before the first ping that lies behind its coming, which was a sign of life.
    if connection.heard_at < pinged_at:
        context.counters.heartbeats.observe(context.now - pinged_at)
