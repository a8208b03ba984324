"""The pure machine in the middle: told what happened and what time it is, it answers what to do."""

from collections.abc import Iterable
from typing import assert_never

from pulse_radar.hub.actions import Action
from pulse_radar.hub.channel import Channel
from pulse_radar.hub.clients import Clients
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context
from pulse_radar.hub.counters import ClientStats, HubStats
from pulse_radar.hub.farewells import Farewells
from pulse_radar.hub.inputs import (
    Arrived,
    BrokerBack,
    BrokerLost,
    ClientInput,
    Closed,
    Congested,
    Draining,
    Evicted,
    Input,
    LogOpened,
    Measured,
    Misbehaved,
    Opened,
    Overflowed,
    PageRead,
    ReadFailed,
    Received,
    Refused,
    Renewed,
    StateOpened,
    Ticked,
    TopicInput,
    Writable,
)
from pulse_radar.hub.limits import Limits
from pulse_radar.hub.log_channel import LogChannel
from pulse_radar.hub.state_channel import StateChannel
from pulse_radar.hub.subscribing import Subscribing
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.grammar import Feed

__all__ = ["Hub"]


class Hub:
    """Who gets what. Never waits, never looks at a clock.

    Order: what a turn answers is to be performed in order, and before the next turn's.
    """

    def __init__(self, topics: Iterable[str], limits: Limits = Limits()) -> None:  # noqa: B008 (frozen)
        self._topics = tuple(topics)
        self._context = Context(limits)
        # A topic appears here when its tail has begun.
        self._channels: dict[str, Channel] = {}
        # All topics were current once: before that a client would meet some that are not here yet.
        self._has_begun = not self._topics
        subscribing = Subscribing(self._context, self._channels)
        self._farewells = Farewells(self._context, subscribing)
        self._clients = Clients(self._context, subscribing, self._farewells)

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that can be subscribed to, in the order of declaration."""
        return self._topics

    @property
    def is_current(self) -> bool:
        """Whether every topic's window has caught up with what was there at the start."""
        return not self.behind

    @property
    def behind(self) -> tuple[str, ...]:
        """The topics that are not current: just after the start, and a state that began anew until it is whole."""
        channels = self._channels
        return tuple(t for t in self._topics if t not in channels or not channels[t].is_current)

    @property
    def is_draining(self) -> bool:
        """Whether clients are being sent to another process, because this one is about to end."""
        return self._farewells.is_draining

    @property
    def deadline(self) -> float | None:
        """When a `Ticked` is next wanted: monotonic seconds, None for never."""
        return self._context.deadlines.earliest

    def awaits(self, ticket: int) -> bool:
        """Whether anybody still waits for the page that was asked for with this ticket."""
        return self._context.is_awaited(ticket)

    def position(self, topic: str) -> int | None:
        """The newest position that live subscribers here have been served to, None before the tail began."""
        channel = self._channels.get(topic)
        return None if channel is None else channel.last

    def followed_by(self, connection_id: str) -> tuple[Feed, ...]:
        """What this client follows, or will once it is greeted."""
        connection = self._context.connections.get(connection_id)
        return () if connection is None else connection.followed

    def handle(self, told: Input, now: float) -> list[Action]:
        """Take one fact; answer what follows from it. `now`: monotonic seconds, never going back."""
        self._context.begin_turn(now)
        self._dispatch(told)
        return self._context.agenda.take()

    def stats(self) -> HubStats:
        """A snapshot. Cost: O(topics and keys that are followed)."""
        counters = self._context.counters
        return HubStats(
            connections=len(self._context.connections),
            dismissed={code.name.lower(): number for code, number in counters.dismissed.items()},
            refused=dict(counters.refused),
            heartbeats=counters.heartbeats.stats(),
            topics={topic: channel.stats() for topic, channel in self._channels.items()},
            behind=self.behind,
        )

    def clients(self) -> list[ClientStats]:
        """A snapshot of each connection, the oldest first. Cost: O(subscriptions)."""
        return [self._client(connection) for connection in self._context.connections.values()]

    def _client(self, connection: Connection) -> ClientStats:
        subscriptions = connection.subscriptions.values()
        behind = sum(
            max(0, self._channels[one.feed.topic].last - one.cursor)
            for one in subscriptions
            if one.is_catching_up and one.feed.topic in self._channels
        )
        feeds = tuple(str(one.feed) for one in subscriptions)
        return ClientStats(connection.id, connection.who, feeds, behind, connection.opened_at)

    def __repr__(self) -> str:
        connections = len(self._context.connections)
        slow = self._context.counters.dismissed[CloseCode.SLOW_CONSUMER]
        return f"<Hub {connections} connections, {len(self._channels)} topics, {slow} slow>"

    def _dispatch(self, told: Input) -> None:
        match told:
            case Arrived() | LogOpened() | StateOpened() | PageRead() | ReadFailed() | Measured():
                self._dispatch_topic(told)
            case Ticked(wall_ms):
                self._ticked(wall_ms)
            case BrokerLost():
                self._clients.broker_lost()
            case BrokerBack():
                self._broker_back()
            case Draining(within_seconds):
                self._farewells.drain(within_seconds)
            case _:
                self._dispatch_client(told)

    def _dispatch_topic(self, told: TopicInput) -> None:
        match told:
            case Arrived() | Measured():
                self._tell_channel(told)
            case PageRead() | ReadFailed():
                self._page_read(told)
            case LogOpened(topic, start, head):
                self._opened(LogChannel(topic, self._context, start=start, head=head))
            case StateOpened(topic, start, extent):
                self._opened(StateChannel(topic, self._context, start=start, extent=extent))
            case _:
                assert_never(told)

    def _dispatch_client(self, told: ClientInput) -> None:
        match told:
            case Received(connection_id, frame):
                self._clients.received(connection_id, frame)
            case Writable(connection_id):
                self._clients.writable(connection_id)
            case Opened():
                self._clients.opened(told, may_greet=self._has_begun)
            case Closed(connection_id):
                self._clients.closed(connection_id)
            case Refused(connection_id, error):
                self._clients.refused(connection_id, error)
            case Renewed():
                self._clients.renewed(told)
            case Misbehaved(connection_id, code, reason):
                self._clients.misbehaved(connection_id, code, reason)
            case Evicted(connection_id):
                self._clients.evicted(connection_id)
            case Congested(connection_id):
                self._clients.congested(connection_id)
            case Overflowed(connection_id):
                self._clients.overflowed(connection_id)
            case _:
                assert_never(told)

    def _opened(self, channel: Channel) -> None:
        self._channels[channel.topic] = channel
        self._greet_all()

    def _tell_channel(self, told: Arrived | Measured) -> None:
        channel = self._channels[told.topic]
        was_current = channel.is_current
        if isinstance(told, Arrived):
            channel.arrive(told.entries)
        else:
            channel.measured(told.extent)
        if not was_current and channel.is_current:
            self._greet_all()

    def _broker_back(self) -> None:
        self._clients.broker_back()
        self._greet_all()

    def _greet_all(self) -> None:
        self._has_begun = self._has_begun or self.is_current
        if self._has_begun:
            self._clients.greet_all()

    def _page_read(self, told: PageRead | ReadFailed) -> None:
        subscription = self._context.answered(told.ticket)
        if subscription is None:
            return
        if subscription.is_catching_up:
            channel = self._channels[subscription.feed.topic]
            assert isinstance(channel, LogChannel), "a state is not read in pages from the broker"
            if isinstance(told, PageRead):
                channel.page(subscription, told.page)
            else:
                channel.rest(subscription)
        self._clients.go_on(subscription.connection_id)

    def _ticked(self, wall_ms: int) -> None:
        for woken in self._context.deadlines.pop_due(self._context.now):
            match woken:
                case Connection():
                    self._clients.check(woken, wall_ms)
                case Subscription():
                    if woken.is_catching_up:
                        self._channels[woken.feed.topic].wake(woken)
                case str():
                    self._channels[woken].measure()
                case _:
                    assert_never(woken)
