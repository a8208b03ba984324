"""The clients of a hub: greeted, heeded, watched over and dismissed."""

from typing import assert_never

from pulse_radar.hub import heartbeat
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context
from pulse_radar.hub.farewells import Farewells
from pulse_radar.hub.heartbeat import Verdict
from pulse_radar.hub.inputs import Opened, Renewed
from pulse_radar.hub.limits import PENDING_FRAMES
from pulse_radar.hub.states import ConnectionTurn
from pulse_radar.hub.subscribing import Subscribing
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.frames import (
    AuthAccepted,
    Authenticate,
    ClientFrame,
    Connected,
    ErrorFrame,
    Ping,
    Pong,
    Subscribe,
    UnknownFrame,
    Unsubscribe,
    Unsubscribed,
)

__all__ = ["Clients"]


class Clients:
    """Every connection of a hub, from its first frame to its last."""

    def __init__(self, context: Context, subscribing: Subscribing, farewells: Farewells) -> None:
        self._context = context
        self._subscribing = subscribing
        self._farewells = farewells
        # Since when no event can come, None while they can.
        self._broker_lost_at: float | None = None

    # A connection's life.

    def opened(self, told: Opened, *, may_greet: bool) -> None:
        """A client came. It is greeted as soon as its topics are current, and anybody may be."""
        now, limits, deadlines = self._context.now, self._context.limits, self._context.deadlines
        connection = Connection(told, now)
        self._context.connections[connection.id] = connection
        if self._farewells.is_draining:
            # It was let in just before, or cannot be refused.
            self._farewells.turn_back(connection)
            return
        heartbeat.begin(connection, self._context)
        if self._broker_lost_at is not None:
            deadlines.set(self._broker_lost_at + limits.broker_grace_seconds, connection)
        if may_greet and self._can_serve(connection):
            self._greet(connection)
        else:
            deadlines.set(now + limits.connecting_seconds, connection)

    def greet_all(self) -> None:
        """A topic became current, or events come again: greet whoever waited for nothing else."""
        for connection in tuple(self._context.connections.values()):
            if connection.is_connecting and self._can_serve(connection):
                self._greet(connection)

    def closed(self, connection_id: str) -> None:
        connection = self._context.connections.pop(connection_id, None)
        if connection is not None:
            connection.turn(ConnectionTurn.GONE)
            self._subscribing.end_all(connection)

    def overflowed(self, connection_id: str) -> None:
        """Too much is unsent: it may come back and resume where it was."""
        connection = self._living(connection_id)
        if connection is not None:
            self._farewells.dismiss(connection, CloseCode.SLOW_CONSUMER)

    def evicted(self, connection_id: str) -> None:
        """Somebody wants it gone: it may come back and resume, too."""
        connection = self._living(connection_id)
        if connection is not None:
            self._farewells.dismiss(connection, CloseCode.EVICTED)

    def congested(self, connection_id: str) -> None:
        """It takes less than is written to it: what can be left out is left out until it has room again."""
        connection = self._living(connection_id)
        if connection is None:
            return
        if not connection.congested:
            self._context.await_writable(connection)
        self._subscribing.ease(connection)

    def misbehaved(self, connection_id: str, code: CloseCode, reason: str) -> None:
        connection = self._living(connection_id)
        if connection is not None:
            self._farewells.dismiss(connection, code, reason)

    def writable(self, connection_id: str) -> None:
        """There is room for the next page."""
        connection = self._living(connection_id)
        if connection is not None:
            connection.congested = False
            self.go_on(connection_id)

    def go_on(self, connection_id: str) -> None:
        """Carry on what this connection catches up on while there is room: whose last page is oldest comes first."""
        connection = self._living(connection_id)
        if connection is not None:
            for subscription in tuple(connection.subscriptions.values()):
                self._subscribing.advance(subscription)

    # What a client says.

    def received(self, connection_id: str, frame: ClientFrame | UnknownFrame) -> None:
        connection = self._living(connection_id)
        if connection is not None:
            if isinstance(frame, Pong):
                heartbeat.answered(connection, self._context)
            self._take(connection, frame)

    def renewed(self, told: Renewed) -> None:
        """It may stay for longer, or not so long, with what it may still read."""
        connection = self._living(told.connection_id)
        if connection is not None:
            connection.deadline = told.deadline
            heartbeat.watch_expiry(connection, self._context)
            self._take(connection, told)

    def _take(self, connection: Connection, frame: ClientFrame | UnknownFrame | Renewed) -> None:
        connection.heard_at = self._context.now
        if connection.is_open:
            self._heed(connection, frame)
        elif len(connection.early) < PENDING_FRAMES:
            connection.early.append(frame)
        else:
            self._farewells.dismiss(connection, CloseCode.TOO_MANY_FRAMES)

    def refused(self, connection_id: str, error: ErrorFrame) -> None:
        """It asked for something that was refused before it came here."""
        connection = self._living(connection_id)
        if connection is None:
            return
        connection.heard_at = self._context.now
        if connection.is_open:
            self._say(connection, error)
        elif len(connection.refused) < PENDING_FRAMES:
            connection.refused = (*connection.refused, error)
        else:
            self._farewells.dismiss(connection, CloseCode.TOO_MANY_FRAMES)

    # What time and the broker say.

    def broker_lost(self) -> None:
        """No event can come until the broker is back; after a while clients are sent to look elsewhere."""
        if self._broker_lost_at is None:
            self._broker_lost_at = self._context.now
            due = self._context.now + self._context.limits.broker_grace_seconds
            for connection in self._context.connections.values():
                self._context.deadlines.set(due, connection)

    def broker_back(self) -> None:
        self._broker_lost_at = None

    def check(self, connection: Connection, wall_ms: int) -> None:
        """Is it time to leave, or is this connection unserved for too long, stale, or due for a ping?"""
        if connection.is_ending:
            return
        if self._context.now >= connection.leaves_at:
            self._farewells.send_elsewhere(connection)
            return
        if self._is_forsaken or self._has_waited(connection):
            self._farewells.try_again_later(connection)
            return
        match heartbeat.judge(connection, self._context):
            case Verdict.STALE:
                self._farewells.dismiss(connection, CloseCode.HEARTBEAT_TIMEOUT)
            case Verdict.EXPIRED:
                self._farewells.dismiss(connection, CloseCode.EXPIRED)
            case Verdict.PING_DUE:
                self._ping(connection, wall_ms)
            case Verdict.FINE:
                pass

    # How.

    def _greet(self, connection: Connection) -> None:
        connection.turn(ConnectionTurn.GREETED)
        refused = list(connection.refused)
        accepted: list[Subscription] = []
        for feed in connection.asked:
            outcome = self._subscribing.subscribe(connection, connection.cursor.request(feed))
            if isinstance(outcome, ErrorFrame):
                refused.append(outcome)
            else:
                accepted.append(outcome)
        self._say(connection, self._connected(connection, accepted))
        if connection.expires_at is not None:
            self._say(connection, self._accepted(connection, connection.expires_at))
        for error in refused:
            self._say(connection, error)
        for subscription in accepted:
            self._subscribing.advance(subscription)
        connection.forget_query()
        early, connection.early = connection.early, []
        for frame in early:
            self._heed(connection, frame)

    def _connected(self, connection: Connection, accepted: list[Subscription]) -> Connected:
        return Connected(
            connection_id=connection.id,
            topics=tuple(subscription.feed for subscription in accepted),
            last_seq=self._subscribing.promised(accepted),
            ping_interval=self._context.limits.ping_interval_seconds,
            pong_timeout=self._context.limits.pong_timeout_seconds,
            state_topics=self._subscribing.state_topics,
        )

    def _heed(self, connection: Connection, frame: ClientFrame | UnknownFrame | Renewed) -> None:
        match frame:
            case Subscribe():
                outcome = self._subscribing.subscribe(connection, frame)
                if isinstance(outcome, ErrorFrame):
                    self._say(connection, outcome)
                else:
                    self._subscribing.advance(outcome)
            case Unsubscribe(feed):
                self._subscribing.end(connection, feed)
                self._say(connection, Unsubscribed(feed))
            case Renewed():
                self._renew(connection, frame)
            case Ping(timestamp_ms):
                self._say(connection, Pong(timestamp_ms))
            case Pong() | Authenticate() | UnknownFrame():
                # A sign of life, which was noted; what nobody knows is ignored.
                pass
            case _:
                assert_never(frame)

    def _accepted(self, connection: Connection, expires_at: float | None) -> AuthAccepted:
        if expires_at is None:
            return AuthAccepted(None)
        return AuthAccepted(int(expires_at), max(0, int(connection.deadline - self._context.now)))

    def _renew(self, connection: Connection, told: Renewed) -> None:
        self._say(connection, self._accepted(connection, told.expires_at))
        for feed in told.lost:
            if feed in connection.subscriptions:
                self._subscribing.end(connection, feed)
                self._say(connection, Unsubscribed(feed))

    def _ping(self, connection: Connection, wall_ms: int) -> None:
        if connection.is_open:
            self._say(connection, Ping(wall_ms, self._subscribing.quiet_cursors(connection)))
        heartbeat.pinged(connection, self._context)

    def _living(self, connection_id: str) -> Connection | None:
        """The connection, unless it is gone or told to go."""
        connection = self._context.connections.get(connection_id)
        return None if connection is None or connection.is_ending else connection

    def _can_serve(self, connection: Connection) -> bool:
        """Whether events come, and what it asks for is current: the trouble of another topic is not its own."""
        return not self._is_forsaken and self._subscribing.are_current(connection.asked)

    def _has_waited(self, connection: Connection) -> bool:
        """Whether it came long ago and could not be greeted yet."""
        patience_ends = connection.opened_at + self._context.limits.connecting_seconds
        return connection.is_connecting and self._context.now >= patience_ends

    @property
    def _is_forsaken(self) -> bool:
        """Whether no event has come through for longer than clients should be kept waiting."""
        lost_at, grace = self._broker_lost_at, self._context.limits.broker_grace_seconds
        return lost_at is not None and self._context.now >= lost_at + grace

    def _say(
        self,
        connection: Connection,
        frame: Connected | ErrorFrame | Unsubscribed | Ping | Pong | AuthAccepted,
    ) -> None:
        if isinstance(frame, ErrorFrame):
            self._context.counters.refused[frame.code] += 1
        self._context.agenda.say(connection.id, encode_server(frame))
