"""One topic as the hub sees it: who is live on it, and how the others catch up; what both kinds share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol

from pulse_radar.hub.actions import Send
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context
from pulse_radar.hub.counters import TopicCounters, TopicStats
from pulse_radar.hub.registry import Registry
from pulse_radar.hub.states import SubscriptionTurn
from pulse_radar.hub.subscription import Subscription
from pulse_radar.hub.waiting import Waiting
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.frames import GapFrame, Subscribe, Subscribed
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry, Extent, Gap, StoredEvent
from pulse_radar.stream.merge import coalesce

__all__ = ["Channel"]


class Window(Protocol):
    """What both kinds of windows say."""

    @property
    def last(self) -> int:
        """The newest position in it."""

    def reaches(self, cursor: int) -> bool:
        """Whether a reader that stands here can be served."""


class Channel(ABC):
    """A topic in this process.

    A subscription catches up in steps, and when there is nothing more for it, it is live. All within one turn,
    so that no event falls between the last step and the first live one.
    """

    # Whether only the newest event of each key counts.
    is_state: ClassVar[bool]

    # What is in memory of it.
    _window: Window

    def __init__(self, topic: str, context: Context) -> None:
        self.topic = topic
        self.live = Registry()
        self.counters = TopicCounters()
        self._context = context
        # Live and catching up together, in the order of coming; and those who catch up.
        self._members: dict[Subscription, None] = {}
        self._behind: dict[Subscription, None] = {}
        self._waiting = Waiting(topic, context)

    # What a kind of topic says for itself.

    @property
    @abstractmethod
    def is_current(self) -> bool:
        """Whether the tail has reached what was there when it began."""

    @abstractmethod
    def arrive(self, entries: Iterable[Entry]) -> None:
        """Serve what the tail brought to everyone live, then whoever waited for it."""

    @abstractmethod
    def ease(self, subscription: Subscription) -> None:
        """Its connection is slow: serve it with less, if this kind of topic can."""

    @abstractmethod
    def _begin(self, connection_id: str, request: Subscribe) -> Subscription:
        """A subscription that stands where it is asked for to begin."""

    @abstractmethod
    def _step(self, subscription: Subscription) -> None:
        """One step of catching up."""

    @abstractmethod
    def _disproved(self, subscription: Subscription, extent: Extent) -> None:
        """Its cursor is of another stream than this: begin anew."""

    @abstractmethod
    def _learn(self, extent: Extent) -> None:
        """The broker says that the topic reaches so far."""

    # What they share.

    @property
    def last(self) -> int:
        """The newest position that live subscribers have been served to."""
        return self._window.last

    def promised(self, subscription: Subscription) -> int | None:
        """The position to greet a new subscription with, None where a later frame is the first to say one."""
        return subscription.cursor

    def is_counted(self, feed: Feed) -> bool:
        """Whether a client can check the order by itself, since each sequence is one more than the last."""
        return feed.key is None and not self.is_state

    def advance(self, subscription: Subscription) -> None:
        """Carry a subscription that catches up as far as it goes without waiting, and within this turn."""
        self._waiting.discard(subscription)
        while self._may_go_on(subscription):
            if self._context.has_given_a_page and not self._has_all(subscription):
                self._context.await_writable(self._connection(subscription))
            else:
                self._step(subscription)

    def wake(self, subscription: Subscription) -> None:
        """What it rested for is over."""
        subscription.is_resting = False
        self.advance(subscription)

    def measure(self) -> None:
        """The pause after the last question to the broker is over."""
        self._waiting.ask()

    def measured(self, extent: Extent | None) -> None:
        """The broker has said how far it reaches; None: it could not."""
        sound, disproved = self._waiting.answered(extent)
        if sound is not None:
            self._learn(sound)
            for subscription in disproved:
                self._disproved(subscription, sound)
                self.advance(subscription)
        self._waiting.ask()

    def join(self, connection_id: str, request: Subscribe) -> Subscription:
        """The subscription that is asked for; it is not advanced yet."""
        subscription = self._begin(connection_id, request)
        self._members[subscription] = self._behind[subscription] = None
        return subscription

    def leave(self, subscription: Subscription) -> None:
        """Serve this subscription no longer."""
        del self._members[subscription]
        self._behind.pop(subscription, None)
        self._waiting.discard(subscription)
        if subscription.is_live:
            self.live.discard(subscription.connection_id, subscription.feed.key)

    def stats(self) -> TopicStats:
        """A snapshot. Cost: O(keys that are followed)."""
        counters = self.counters
        return TopicStats(
            last=self.last,
            live=len(self.live),
            catching_up=len(self._behind),
            delivered=counters.delivered,
            replayed=counters.replayed,
            event_bytes=counters.event_bytes,
            gaps={reason.value: number for reason, number in counters.gaps.items()},
            snapshots=counters.snapshots,
            conflated=counters.conflated,
        )

    def _may_go_on(self, subscription: Subscription) -> bool:
        connection = self._connection(subscription)
        return (
            subscription.is_catching_up
            and not subscription.is_resting
            and subscription not in self._waiting
            and (connection.has_room or (self._has_all(subscription) and not connection.congested))
        )

    def _has_all(self, subscription: Subscription) -> bool:
        """Whether nothing is to be sent to it: so it need not wait until a page for another feed is read."""
        return subscription.cursor == self.last and self._window.reaches(self.last)

    def _go_on_waiting(self) -> None:
        """Whoever waited for this process, and need not any more, goes on."""
        for subscription in self._waiting.members:
            if self._window.reaches(subscription.cursor):
                self.advance(subscription)

    def _go_live(self, subscription: Subscription) -> None:
        subscription.turn(SubscriptionTurn.CAUGHT_UP)
        del self._behind[subscription]
        self.live.add(subscription.connection_id, subscription.feed.key)
        if subscription.owes_word:
            subscription.owes_word = False
            frame = Subscribed(subscription.feed, subscription.cursor, subscription.replayed)
            self._context.agenda.say(subscription.connection_id, encode_server(frame))
        subscription.replayed = 0

    def _deliver(self, subscription: Subscription, entries: Sequence[Entry], end: int) -> None:
        counters, agenda = self.counters, self._context.agenda
        connection = self._connection(subscription)
        for entry in coalesce(entries):
            if isinstance(entry, Gap):
                agenda.say(connection.id, self._gap_text(subscription.feed, entry, 1))
                continue
            connection.read_bytes += len(entry.text)
            self._context.read_bytes += len(entry.text)
            if subscription.feed.key in (None, entry.key):
                agenda.say(connection.id, entry.text)
                subscription.replayed += 1
                counters.replayed += 1
                counters.event_bytes += len(entry.text)
        subscription.cursor = end

    def _pause_after_a_page(self, subscription: Subscription) -> None:
        """Wait until it is written, unless this was the end of it all and little."""
        connection = self._connection(subscription)
        if subscription.cursor < self.last or connection.read_bytes >= self._context.limits.page_bytes:
            self._await_written(subscription)

    def _await_written(self, subscription: Subscription) -> None:
        """Its page is on the wire: when that is written, whatever else its connection catches up on goes on."""
        connection = self._connection(subscription)
        connection.had_a_page(subscription)
        self._context.await_writable(connection)

    def _connection(self, subscription: Subscription) -> Connection:
        return self._context.connections[subscription.connection_id]

    def _serve(self, fresh: tuple[Entry, ...]) -> None:
        """Send what is new to everyone who is live."""
        group = self.live.whole
        if group:
            self._send(group, Feed(self.topic), fresh)
        if self.live.keys:
            self._serve_keys(fresh)

    def _serve_keys(self, fresh: tuple[Entry, ...]) -> None:
        has_gap = any(isinstance(entry, Gap) for entry in fresh)
        told = {entry.key: None for entry in fresh if isinstance(entry, StoredEvent) and entry.key}
        for key in self.live.keys if has_gap else told:
            group = self.live.of_key(key)
            if group:
                mine = tuple(e for e in fresh if isinstance(e, Gap) or e.key == key)
                self._send(group, Feed(self.topic, key), mine)

    def _send(self, group: tuple[str, ...], feed: Feed, entries: tuple[Entry, ...]) -> None:
        texts = tuple(
            entry.text if isinstance(entry, StoredEvent) else self._gap_text(feed, entry, len(group))
            for entry in coalesce(entries)
        )
        told = [len(entry.text) for entry in entries if isinstance(entry, StoredEvent)]
        self.counters.delivered += len(group) * len(told)
        self.counters.event_bytes += len(group) * sum(told)
        self._context.agenda.put(Send(group, texts))

    def _gap_text(self, feed: Feed, gap: Gap, readers: int) -> bytes:
        self.counters.gaps[gap.reason] += readers
        return encode_server(GapFrame(feed, gap.first, gap.last, gap.reason))
