"""One topic as the hub sees it: its window, who is live on it, and how the others catch up."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from pulse_radar.hub.actions import AwaitWritable, Measure, Send
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import RETRY_SECONDS, Context
from pulse_radar.hub.registry import Registry
from pulse_radar.hub.states import SubscriptionTurn
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.frames import GapFrame, GapReason, Subscribed
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry, Extent, Gap, Page, StoredEvent
from pulse_radar.stream.log_window import LogWindow, Reading
from pulse_radar.stream.merge import coalesce, opening
from pulse_radar.stream.reading import Ahead, Beyond, Replay, UpToDate, fitting

__all__ = ["Channel"]

# So many answers must agree that a cursor is ahead of the broker itself: a deposed leader
# of a cluster may answer once with old numbers.
_DISPROOFS_NEEDED: Final = 3


class Channel:
    """A topic in this process.

    A subscription catches up in steps: from the window if that reaches back far enough, else a page from the
    broker; when the window has nothing more for it, it is live. All within one turn, so that no event falls
    between the last step and the first live one.
    """

    def __init__(self, topic: str, context: Context, *, start: int, head: int) -> None:
        limits = context.limits
        self.topic = topic
        # Subscriptions here whose cursor is ahead of the window, in the order of coming.
        self.waiting: dict[Subscription, None] = {}
        self.live = Registry()
        self._context = context
        self._head = head
        self._window = LogWindow(
            start=start, limit_events=limits.window_events, limit_bytes=limits.window_bytes
        )
        # Those who waited when the broker was last asked how far it reaches; None: it is not being asked.
        self._suspects: tuple[Subscription, ...] | None = None
        # When it last answered, and until when it is left in peace.
        self._measured_at = -math.inf
        self._measure_planned_for = -math.inf

    @property
    def last(self) -> int:
        """The newest position that live subscribers have been served to."""
        return self._window.last

    @property
    def is_current(self) -> bool:
        """Whether the tail has reached what was there when it began."""
        return self._window.last >= self._head

    def start_of(self, feed: Feed, last: int) -> int:
        """The position after which the `last` newest events of the feed follow, or what of them is kept."""
        position = self._window.newest(last, feed.key)
        if position is not None:
            return position
        # The broker counts a topic's events by their numbers, but not those of one key.
        return self._window.floor if feed.key else max(0, self._window.last - last)

    def arrive(self, entries: Iterable[Entry]) -> None:
        """Serve what the tail brought to everyone live, then whoever waited for it."""
        fresh = self._window.extend(tuple(entries))
        if fresh:
            self._serve_whole(fresh)
            self._serve_keys(fresh)
            for subscription in [s for s in self.waiting if not isinstance(self._read(s), Ahead)]:
                self.advance(subscription)

    def advance(self, subscription: Subscription) -> None:
        """Carry a subscription that catches up as far as it goes without waiting."""
        self.waiting.pop(subscription, None)
        while self._may_go_on(subscription):
            self._step(subscription)

    def page(self, subscription: Subscription, page: Page) -> None:
        """Hand on a page of history, and go on when it is written."""
        if page.end <= subscription.cursor or page.extent.last < subscription.cursor:
            # The server that answered is behind this process, which has seen newer events.
            self.rest(subscription)
            return
        entries = page.entries[: fitting(page.entries, self._context.limits.page_bytes)]
        is_whole = len(entries) == len(page.entries)
        self._deliver(subscription, entries, page.end if is_whole else entries[-1].last)
        self._await_writable(subscription)

    def rest(self, subscription: Subscription) -> None:
        """Try again a little later."""
        subscription.is_resting = True
        self._context.deadlines.set(self._context.now + RETRY_SECONDS, subscription)

    def wake(self, subscription: Subscription) -> None:
        """It is later."""
        subscription.is_resting = False
        self.advance(subscription)

    def measured(self, extent: Extent | None) -> None:
        """Judge those who were ahead when the broker was asked how far it reaches."""
        suspects, self._suspects = self._suspects or (), None
        self._measured_at = self._context.now
        if extent is not None:
            for subscription in suspects:
                if subscription in self.waiting:
                    self._judge(subscription, extent)
        self.measure()

    def measure(self) -> None:
        """Ask the broker how far it reaches, if somebody here is ahead, and not too soon after the last time.

        However many come, a topic is measured once in the pause: only answers that lie apart agree.
        """
        if not self.waiting or self._suspects is not None:
            return
        due = self._measured_at + RETRY_SECONDS
        if self._context.now >= due:
            self._suspects = tuple(self.waiting)
            self._context.outbox.put(Measure(self.topic))
        elif self._measure_planned_for < due:
            self._measure_planned_for = due
            self._context.deadlines.set(due, self.topic)

    def leave(self, subscription: Subscription) -> None:
        """Serve this subscription no longer."""
        self.waiting.pop(subscription, None)
        if subscription.is_live:
            self.live.discard(subscription.connection_id, subscription.feed.key)

    def _may_go_on(self, subscription: Subscription) -> bool:
        return (
            subscription.is_catching_up
            and not subscription.is_resting
            and subscription not in self.waiting
            and self._connection(subscription).has_room
        )

    def _step(self, subscription: Subscription) -> None:
        match self._read(subscription):
            case UpToDate():
                self._go_live(subscription)
            case Replay(entries):
                self._deliver(subscription, entries, entries[-1].last)
                if subscription.cursor < self._window.last or self._has_sent_a_page(subscription):
                    self._await_writable(subscription)
            case Gap() as gap:
                self._deliver(subscription, (gap,), gap.last)
            case Beyond():
                self._context.read(subscription, self._events_in_a_page())
            case Ahead():
                self.waiting[subscription] = None
                self.measure()

    def _read(self, subscription: Subscription) -> Reading:
        limits = self._context.limits
        return self._window.read(
            subscription.cursor, limit_events=limits.page_events, limit_bytes=limits.page_bytes
        )

    def _has_sent_a_page(self, subscription: Subscription) -> bool:
        return self._connection(subscription).replayed_bytes >= self._context.limits.page_bytes

    def _events_in_a_page(self) -> int:
        """How many events a page from the broker may have, if they are as large as those in the window."""
        limits, held = self._context.limits, self._window.stats()
        if held.size == 0:
            return limits.page_events
        return max(1, min(limits.page_events, limits.page_bytes * held.events // held.size))

    def _go_live(self, subscription: Subscription) -> None:
        subscription.turn(SubscriptionTurn.CAUGHT_UP)
        self.live.add(subscription.connection_id, subscription.feed.key)
        frame = Subscribed(subscription.feed, subscription.cursor, subscription.replayed)
        self._context.outbox.say(subscription.connection_id, encode_server(frame))

    def _judge(self, subscription: Subscription, extent: Extent) -> None:
        missed = opening(subscription.cursor, extent)
        if missed is None:
            subscription.disproofs = 0
            return
        subscription.disproofs += 1
        if subscription.disproofs >= _DISPROOFS_NEEDED:
            self._deliver(subscription, (missed,), missed.last)
            self.advance(subscription)

    def _deliver(self, subscription: Subscription, entries: Sequence[Entry], end: int) -> None:
        counters, outbox = self._context.counters, self._context.outbox
        connection = self._connection(subscription)
        if subscription.lenient and entries and _is_missed(entries[0]):
            # The last n were asked for, and there are fewer. What expires from now on is missed.
            entries = entries[1:]
        subscription.lenient = False
        for entry in coalesce(entries):
            if isinstance(entry, Gap):
                outbox.say(connection.id, self._gap_text(subscription.feed, entry, 1))
            elif subscription.feed.key in (None, entry.key):
                outbox.say(connection.id, entry.text)
                connection.replayed_bytes += len(entry.text)
                subscription.replayed += 1
                counters.replayed += 1
        subscription.cursor = end

    def _await_writable(self, subscription: Subscription) -> None:
        connection = self._connection(subscription)
        connection.congested = True
        connection.replayed_bytes = 0
        self._context.outbox.put(AwaitWritable(connection.id))

    def _connection(self, subscription: Subscription) -> Connection:
        return self._context.connections[subscription.connection_id]

    def _serve_whole(self, fresh: tuple[Entry, ...]) -> None:
        group = self.live.whole
        if group:
            self._send(group, Feed(self.topic), fresh)

    def _serve_keys(self, fresh: tuple[Entry, ...]) -> None:
        if not self.live.keys:
            return
        told = {entry.key for entry in fresh if isinstance(entry, StoredEvent)}
        has_gap = any(isinstance(entry, Gap) for entry in fresh)
        for key in self.live.keys:
            if has_gap or key in told:
                mine = tuple(e for e in fresh if isinstance(e, Gap) or e.key == key)
                self._send(self.live.of_key(key), Feed(self.topic, key), mine)

    def _send(self, group: tuple[str, ...], feed: Feed, entries: tuple[Entry, ...]) -> None:
        texts = tuple(
            entry.text if isinstance(entry, StoredEvent) else self._gap_text(feed, entry, len(group))
            for entry in coalesce(entries)
        )
        told = sum(isinstance(entry, StoredEvent) for entry in entries)
        self._context.counters.delivered += len(group) * told
        self._context.outbox.put(Send(group, texts))

    def _gap_text(self, feed: Feed, gap: Gap, readers: int) -> bytes:
        self._context.counters.gaps[gap.reason] += readers
        return encode_server(GapFrame(feed, gap.first, gap.last, gap.reason))

    def __repr__(self) -> str:
        return f"<Channel {self.topic}, {len(self.live)} live, {len(self.waiting)} ahead, {self._window!r}>"


def _is_missed(entry: Entry) -> bool:
    return isinstance(entry, Gap) and entry.reason is not GapReason.UNREADABLE
