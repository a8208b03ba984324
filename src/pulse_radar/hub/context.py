"""What the parts of one hub share."""

from typing import Final

from pulse_radar.hub.actions import Outbox, Read
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.counters import Counters
from pulse_radar.hub.deadlines import Deadlines
from pulse_radar.hub.limits import Limits
from pulse_radar.hub.subscription import Subscription

__all__ = ["RETRY_SECONDS", "Context", "Wake"]

# A broker that was not there, or knew less than we: asked again after so many seconds.
RETRY_SECONDS: Final = 0.5

# Whom a deadline wakes: a connection for its heartbeat, a subscription or a topic (by name) for its next try.
Wake = Connection | Subscription | str


class Context:
    """The actions of this turn, what is due, who is here, and which reads are under way."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.outbox = Outbox()
        self.deadlines: Deadlines[Wake] = Deadlines()
        self.counters = Counters()
        self.connections: dict[str, Connection] = {}
        # The time of this turn: monotonic seconds.
        self.now = 0.0
        self._reading: dict[int, Subscription] = {}
        self._ticket = 0

    def read(self, subscription: Subscription) -> None:
        """Ask the broker for the next page of this subscription."""
        self._ticket += 1
        self._reading[self._ticket] = subscription
        subscription.ticket = self._ticket
        action = Read(self._ticket, subscription.feed, subscription.cursor, self.limits.page_events)
        self.outbox.put(action)

    def answered(self, ticket: int) -> Subscription | None:
        """The subscription that still waits for this answer; None for an answer to an earlier attempt."""
        subscription = self._reading.pop(ticket, None)
        if subscription is None or subscription.ticket != ticket:
            return None
        subscription.ticket = None
        return subscription
