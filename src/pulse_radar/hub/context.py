"""What the parts of one hub share."""

from typing import Final

from pulse_radar.hub.actions import Agenda, AwaitWritable, Read
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
        self.agenda = Agenda()
        self.deadlines: Deadlines[Wake] = Deadlines()
        self.counters = Counters()
        self.connections: dict[str, Connection] = {}
        # The time of this turn: monotonic seconds.
        self.now = 0.0
        # Read for anybody in this turn, sent or not.
        self.read_bytes = 0
        self._reading: dict[int, Subscription] = {}
        self._ticket = 0

    def begin_turn(self, now: float) -> None:
        """A fact comes, and it is now so late."""
        self.now = now
        self.read_bytes = 0

    @property
    def has_given_a_page(self) -> bool:
        """Whether this turn has handed out as much as one may: with a page for everybody it would take seconds."""
        return self.read_bytes >= self.limits.page_bytes

    def await_writable(self, connection: Connection) -> None:
        """Give it no page before most of what was written to it is sent."""
        connection.congested = True
        connection.read_bytes = 0
        self.agenda.put(AwaitWritable(connection.id))

    def read(self, subscription: Subscription) -> None:
        """Ask the broker for the next page of this subscription."""
        self._ticket += 1
        self._reading[self._ticket] = subscription
        self.connections[subscription.connection_id].ticket = self._ticket
        feed, cursor, limit = subscription.feed, subscription.cursor, subscription.page_events
        self.agenda.put(Read(self._ticket, feed, cursor, limit))

    def void(self, subscription: Subscription) -> bool:
        """Heed no page that is being read for this subscription: it would go on where it does not stand any more.

        Whether there was one: whatever else waits for its connection has to be woken in its place.
        """
        connection = self.connections[subscription.connection_id]
        if connection.ticket is not None and self._reading[connection.ticket] is subscription:
            del self._reading[connection.ticket]
            connection.ticket = None
            return True
        return False

    def is_awaited(self, ticket: int) -> bool:
        """Whether the client for which this was asked is still here, and still behind."""
        subscription = self._reading.get(ticket)
        if subscription is None or subscription.connection_id not in self.connections:
            return False
        return subscription.is_catching_up

    def answered(self, ticket: int) -> Subscription | None:
        """The subscription for which this was asked, None if its connection is gone."""
        subscription = self._reading.pop(ticket, None)
        connection = self.connections.get(subscription.connection_id) if subscription else None
        if connection is None:
            return None
        connection.ticket = None
        return subscription

    def __repr__(self) -> str:
        return f"<Context of {len(self.connections)} connections, {len(self._reading)} reads under way>"
