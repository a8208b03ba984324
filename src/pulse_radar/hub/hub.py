"""The pure machine in the middle: told what happened and what time it is, it answers what to do."""

from collections.abc import Iterable
from typing import Final, assert_never

from pulse_radar.hub.actions import Action, Close
from pulse_radar.hub.channel import Channel
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context
from pulse_radar.hub.counters import HubStats
from pulse_radar.hub.inputs import (
    Arrived,
    BrokerBack,
    BrokerLost,
    Closed,
    Input,
    Measured,
    Misbehaved,
    Opened,
    Overflowed,
    PageRead,
    ReadFailed,
    Received,
    Refused,
    Ticked,
    TopicOpened,
    Writable,
)
from pulse_radar.hub.limits import Limits
from pulse_radar.hub.states import ConnectionTurn, SubscriptionTurn
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.close_codes import CloseCode, retry_reason
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.frames import (
    Authenticate,
    ClientFrame,
    Connected,
    ErrorCode,
    ErrorFrame,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    UnknownFrame,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry

__all__ = ["Hub"]

# Frames that a client may send before it is greeted; nobody needs more than a few.
_EARLY_FRAMES: Final = 256

# Clients sent away together come back spread over this time.
_RETRY_SPREAD_MS: Final = 4_000


class Hub:
    """Who gets what. Never waits, never looks at a clock.

    Order: what a turn answers is to be performed in order, and before the next turn's.
    """

    def __init__(self, topics: Iterable[str], limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
        self._topics = tuple(topics)
        self._context = Context(limits)
        # A topic appears here when its tail has begun.
        self._channels: dict[str, Channel] = {}
        # Since when no event can come, None while they can.
        self._broker_lost_at: float | None = None

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that can be subscribed to, in the order of declaration."""
        return self._topics

    @property
    def is_current(self) -> bool:
        """Whether every topic's window has caught up with what was there at the start."""
        return all(topic in self._channels and self._channels[topic].is_current for topic in self._topics)

    @property
    def deadline(self) -> float | None:
        """When a `Ticked` is next wanted: monotonic seconds, None for never."""
        return self._context.deadlines.earliest

    def position(self, topic: str) -> int | None:
        """The newest position that live subscribers here have been served to, None before the tail began."""
        channel = self._channels.get(topic)
        return None if channel is None else channel.last

    def handle(self, told: Input, now: float) -> list[Action]:
        """Take one fact; answer what follows from it. `now`: monotonic seconds, never going back."""
        self._context.now = now
        self._dispatch(told)
        return self._context.outbox.take()

    def stats(self) -> HubStats:
        """A snapshot. Cost: O(connections)."""
        counters = self._context.counters
        subscriptions = [s for c in self._context.connections.values() for s in c.subscriptions.values()]
        live = sum(subscription.is_live for subscription in subscriptions)
        return HubStats(
            connections=len(self._context.connections),
            subscriptions_live=live,
            subscriptions_catching_up=len(subscriptions) - live,
            delivered=counters.delivered,
            replayed=counters.replayed,
            gaps={reason.value: number for reason, number in counters.gaps.items()},
            evicted_slow=counters.evicted_slow,
            evicted_stale=counters.evicted_stale,
            topics={topic: channel.last for topic, channel in self._channels.items()},
        )

    def __repr__(self) -> str:
        counters = self._context.counters
        return (
            f"<Hub {len(self._context.connections)} connections, {len(self._channels)} topics, "
            f"{counters.evicted_slow} slow>"
        )

    def _dispatch(self, told: Input) -> None:
        match told:
            case Arrived(topic, entries):
                self._arrived(topic, entries)
            case Received(connection_id, frame):
                self._received(connection_id, frame)
            case Writable(connection_id):
                self._writable(connection_id)
            case Ticked(wall_ms):
                self._ticked(wall_ms)
            case Opened():
                self._opened(told)
            case Closed(connection_id):
                self._closed(connection_id)
            case Refused(connection_id, error):
                self._refused(connection_id, error)
            case Misbehaved(connection_id, code, reason):
                self._misbehaved(connection_id, code, reason)
            case Overflowed(connection_id):
                self._overflowed(connection_id)
            case PageRead() | ReadFailed():
                self._page_read(told)
            case Measured(topic, extent):
                self._channels[topic].measured(extent)
            case TopicOpened(topic, start, head):
                self._channels[topic] = Channel(topic, self._context, start=start, head=head)
                self._greet_all()
            case BrokerLost() | BrokerBack():
                self._broker_changed(told)
            case _:
                assert_never(told)

    # What the broker says.

    def _arrived(self, topic: str, entries: Iterable[Entry]) -> None:
        channel = self._channels[topic]
        was_current = channel.is_current
        channel.arrive(entries)
        if not was_current and channel.is_current:
            self._greet_all()

    def _page_read(self, told: PageRead | ReadFailed) -> None:
        subscription = self._context.answered(told.ticket)
        if subscription is None or not subscription.is_catching_up:
            return
        channel = self._channels[subscription.feed.topic]
        if isinstance(told, PageRead):
            channel.page(subscription, told.page)
        else:
            channel.retry(subscription)

    def _broker_changed(self, told: BrokerLost | BrokerBack) -> None:
        lost = isinstance(told, BrokerLost)
        if lost and self._broker_lost_at is None:
            self._broker_lost_at = self._context.now
            grace = self._context.limits.broker_grace_seconds
            for connection in self._context.connections.values():
                self._context.deadlines.set(self._context.now + grace, connection)
        elif not lost:
            self._broker_lost_at = None

    # A connection's life.

    def _opened(self, told: Opened) -> None:
        now, limits = self._context.now, self._context.limits
        connection = Connection(told.connection_id, told.feeds, told.cursor, told.refused, now)
        self._context.connections[connection.id] = connection
        # Spread over half an interval, so that those who came together are not pinged together.
        share = (len(self._context.connections) * 0.618) % 0.5
        connection.ping_due = now + limits.ping_interval_seconds * (1 - share)
        self._context.deadlines.set(connection.ping_due, connection)
        if self._broker_lost_at is not None:
            self._context.deadlines.set(self._broker_lost_at + limits.broker_grace_seconds, connection)
        if self.is_current and not self._is_forsaken:
            self._greet(connection)
        else:
            self._context.deadlines.set(now + limits.connecting_seconds, connection)

    def _greet_all(self) -> None:
        if self.is_current and not self._is_forsaken:
            for connection in tuple(self._context.connections.values()):
                if not connection.is_open and not connection.is_ending:
                    self._greet(connection)

    def _greet(self, connection: Connection) -> None:
        connection.turn(ConnectionTurn.GREETED)
        refused = list(connection.refused)
        accepted: list[Subscription] = []
        for feed in connection.asked:
            request = Subscribe(feed, connection.cursor.of(feed))
            outcome = self._subscribe(connection, request)
            if isinstance(outcome, ErrorFrame):
                refused.append(outcome)
            else:
                accepted.append(outcome)
        self._say(connection, self._connected(connection, accepted))
        for error in refused:
            self._say(connection, error)
        for subscription in accepted:
            self._advance(subscription)
        early, connection.early = connection.early, []
        for frame in early:
            self._heed(connection, frame)

    def _connected(self, connection: Connection, accepted: list[Subscription]) -> Connected:
        return Connected(
            connection_id=connection.id,
            topics=tuple(subscription.feed for subscription in accepted),
            last_seq={subscription.feed: subscription.cursor for subscription in accepted},
            ping_interval=self._context.limits.ping_interval_seconds,
            pong_timeout=self._context.limits.pong_timeout_seconds,
        )

    def _closed(self, connection_id: str) -> None:
        connection = self._context.connections.pop(connection_id, None)
        if connection is not None:
            connection.turn(ConnectionTurn.GONE)
            self._end_all(connection)

    def _dismiss(self, connection: Connection, code: CloseCode, reason: str = "") -> None:
        if not connection.is_ending:
            connection.turn(ConnectionTurn.DISMISSED)
            self._end_all(connection)
            self._context.outbox.put(Close(connection.id, code, reason))

    def _end_all(self, connection: Connection) -> None:
        for feed in tuple(connection.subscriptions):
            self._end(connection, feed)

    def _end(self, connection: Connection, feed: Feed) -> None:
        subscription = connection.subscriptions.pop(feed)
        self._channels[feed.topic].leave(subscription)
        subscription.turn(SubscriptionTurn.ENDED)

    def _misbehaved(self, connection_id: str, code: CloseCode, reason: str) -> None:
        connection = self._context.connections.get(connection_id)
        if connection is not None:
            self._dismiss(connection, code, reason)

    def _overflowed(self, connection_id: str) -> None:
        connection = self._context.connections.get(connection_id)
        if connection is not None and not connection.is_ending:
            self._context.counters.evicted_slow += 1
            self._dismiss(connection, CloseCode.SLOW_CONSUMER)

    def _writable(self, connection_id: str) -> None:
        connection = self._context.connections.get(connection_id)
        if connection is not None and connection.is_open:
            connection.congested = False
            for subscription in tuple(connection.subscriptions.values()):
                self._advance(subscription)

    # What a client says.

    def _received(self, connection_id: str, frame: ClientFrame | UnknownFrame) -> None:
        connection = self._context.connections.get(connection_id)
        if connection is None or connection.is_ending:
            return
        connection.heard_at = self._context.now
        if connection.is_open:
            self._heed(connection, frame)
        elif len(connection.early) < _EARLY_FRAMES:
            connection.early.append(frame)
        else:
            self._dismiss(connection, CloseCode.TOO_MANY_FRAMES)

    def _refused(self, connection_id: str, error: ErrorFrame) -> None:
        connection = self._context.connections.get(connection_id)
        if connection is not None and not connection.is_ending:
            connection.heard_at = self._context.now
            if connection.is_open:
                self._say(connection, error)
            else:
                connection.refused = (*connection.refused, error)[-_EARLY_FRAMES:]

    def _heed(self, connection: Connection, frame: ClientFrame | UnknownFrame) -> None:
        match frame:
            case Subscribe():
                outcome = self._subscribe(connection, frame)
                if isinstance(outcome, ErrorFrame):
                    self._say(connection, outcome)
                else:
                    self._advance(outcome)
            case Unsubscribe(feed):
                if feed in connection.subscriptions:
                    self._end(connection, feed)
                self._say(connection, Unsubscribed(feed))
            case Ping(timestamp_ms):
                self._say(connection, Pong(timestamp_ms))
            case Pong() | Authenticate() | UnknownFrame():
                # A sign of life, which was noted; what nobody knows is ignored.
                pass
            case _:
                assert_never(frame)

    def _subscribe(self, connection: Connection, request: Subscribe) -> Subscription | ErrorFrame:
        refused = self._refusal(connection, request.feed)
        if refused is not None:
            return refused
        current = connection.subscriptions.get(request.feed)
        if current is not None:
            if request.after is None and request.last is None:
                self._confirm(current)
                return current
            self._end(connection, request.feed)
        subscription = self._begin(connection.id, request)
        connection.subscriptions[request.feed] = subscription
        return subscription

    def _begin(self, connection_id: str, request: Subscribe) -> Subscription:
        channel = self._channels[request.feed.topic]
        if request.last is not None:
            start = channel.start_of(request.feed, request.last)
            return Subscription(connection_id, request.feed, start, lenient=True)
        start = channel.last if request.after is None else request.after
        return Subscription(connection_id, request.feed, start)

    def _confirm(self, subscription: Subscription) -> None:
        if subscription.is_live:
            position = self._channels[subscription.feed.topic].last
            frame = Subscribed(subscription.feed, position, 0)
            self._context.outbox.say(subscription.connection_id, encode_server(frame))

    def _refusal(self, connection: Connection, feed: Feed) -> ErrorFrame | None:
        if feed.topic not in self._channels:
            known = ", ".join(self._topics) or "none"
            message = f"unknown topic '{feed.topic}': the topics here are {known}"
            return ErrorFrame(ErrorCode.UNKNOWN_TOPIC, message, str(feed))
        if feed in connection.subscriptions:
            return None
        covering = connection.covering(feed)
        if covering is not None:
            message = (
                f"'{feed}' is already covered by '{covering}' on this connection: unsubscribe that first"
            )
            return ErrorFrame(ErrorCode.ALREADY_COVERED, message, str(feed))
        limit = self._context.limits.subscriptions
        if len(connection.subscriptions) >= limit:
            message = f"a connection has at most {limit} subscriptions: follow whole topics, or open another"
            return ErrorFrame(ErrorCode.TOO_MANY_SUBSCRIPTIONS, message, str(feed))
        return None

    def _advance(self, subscription: Subscription) -> None:
        if subscription.is_catching_up:
            self._channels[subscription.feed.topic].advance(subscription)

    def _say(
        self, connection: Connection, frame: Connected | ErrorFrame | Unsubscribed | Ping | Pong
    ) -> None:
        self._context.outbox.say(connection.id, encode_server(frame))

    # What time says.

    @property
    def _is_forsaken(self) -> bool:
        """Whether no event has come through for longer than clients should be kept waiting."""
        lost_at = self._broker_lost_at
        return (
            lost_at is not None and self._context.now - lost_at >= self._context.limits.broker_grace_seconds
        )

    def _ticked(self, wall_ms: int) -> None:
        for woken in self._context.deadlines.pop_due(self._context.now):
            match woken:
                case Connection():
                    self._check(woken, wall_ms)
                case Subscription():
                    self._advance(woken)
                case str():
                    self._channels[woken].measure()
                case _:
                    assert_never(woken)

    def _check(self, connection: Connection, wall_ms: int) -> None:
        """Is this connection stale, unserved for too long, or due for a ping?"""
        now, limits = self._context.now, self._context.limits
        if connection.is_ending:
            return
        waited = now - connection.opened_at >= limits.connecting_seconds
        if self._is_forsaken or (not connection.is_open and waited):
            self._dismiss(connection, CloseCode.TRY_AGAIN_LATER, self._retry_later())
        elif now - connection.heard_at >= limits.pong_timeout_seconds:
            self._context.counters.evicted_stale += 1
            self._dismiss(connection, CloseCode.HEARTBEAT_TIMEOUT)
        elif now >= connection.ping_due:
            self._ping(connection, wall_ms)

    def _ping(self, connection: Connection, wall_ms: int) -> None:
        now, limits = self._context.now, self._context.limits
        if connection.is_open:
            quiet = {
                feed: self._channels[feed.topic].last
                for feed, subscription in connection.subscriptions.items()
                if feed.key is not None and subscription.is_live
            }
            self._say(connection, Ping(wall_ms, quiet))
        connection.ping_due = now + limits.ping_interval_seconds
        self._context.deadlines.set(connection.ping_due, connection)
        self._context.deadlines.set(connection.heard_at + limits.pong_timeout_seconds, connection)

    def _retry_later(self) -> str:
        # The golden ratio spreads any number of clients evenly, without chance.
        spread = int(len(self._context.connections) * 0.618 * _RETRY_SPREAD_MS) % _RETRY_SPREAD_MS
        return retry_reason(1_000 + spread)
