"""A log topic in this process: every event counts; what the window has not is read from the broker."""

from collections.abc import Iterable, Sequence

from pulse_radar.hub.channel import Channel
from pulse_radar.hub.context import RETRY_SECONDS, Context
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.frames import GapReason, Subscribe
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry, Extent, Gap, Page
from pulse_radar.stream.log_window import LogWindow, Reading
from pulse_radar.stream.merge import opening
from pulse_radar.stream.reading import Ahead, Beyond, Replay, UpToDate, fitting

__all__ = ["LogChannel"]


class LogChannel(Channel):
    """A subscription catches up from the window if that reaches back far enough, else by pages of the broker."""

    def __init__(self, topic: str, context: Context, *, start: int, head: int) -> None:
        super().__init__(topic, context)
        limits = context.limits
        self._head = head
        self._window = LogWindow(
            start=start, limit_events=limits.window_events, limit_bytes=limits.window_bytes
        )

    @property
    def last(self) -> int:
        return self._window.last

    @property
    def is_current(self) -> bool:
        return self._window.last >= self._head

    def start_of(self, request: Subscribe) -> int:
        if request.last is not None:
            return self._before_the_newest(request.last, request.feed.key)
        return self.last if request.after is None else request.after

    def promised(self, subscription: Subscription) -> int | None:
        return subscription.cursor

    def is_counted(self, feed: Feed) -> bool:
        return feed.key is None

    def arrive(self, entries: Iterable[Entry]) -> None:
        arrived = tuple(entries)
        resets = [entry for entry in arrived if isinstance(entry, Gap) and entry.first is None]
        overtaken = self._replays_here() if resets else ()
        fresh = self._window.extend(arrived)
        if resets:
            # Where it was when we began, the new stream may not come for a long time.
            self._head = min(self._head, self.last)
        if fresh:
            self._serve(fresh)
            for subscription in overtaken:
                self._begin_anew(subscription, resets[-1])
            self._go_on_waiting()

    def ease(self, subscription: Subscription) -> None:
        """Nothing of a log may be left out: whoever is too slow is evicted, and resumes."""

    def page(self, subscription: Subscription, page: Page) -> None:
        """Hand on a page of history, and go on when it is written."""
        if page.end <= subscription.cursor or page.extent.last < subscription.cursor:
            # The server that answered is behind this process, which has seen newer events.
            self.rest(subscription)
            return
        entries = page.entries[: fitting(page.entries, self._context.limits.page_bytes)]
        is_whole = len(entries) == len(page.entries)
        self._deliver(subscription, entries, page.end if is_whole else entries[-1].last)
        self._await_writable(self._connection(subscription))

    def rest(self, subscription: Subscription) -> None:
        """Try again a little later."""
        subscription.is_resting = True
        self._context.deadlines.set(self._context.now + RETRY_SECONDS, subscription)

    def _step(self, subscription: Subscription) -> None:
        match self._read(subscription):
            case UpToDate():
                self._go_live(subscription)
            case Replay(entries, end):
                self._deliver(subscription, entries, end)
                self._pause_after_a_page(subscription)
            case Gap() as gap:
                self._deliver(subscription, (gap,), gap.last)
            case Beyond():
                self._context.read(subscription, self._events_in_a_page())
            case Ahead():
                self._waiting.add(subscription)

    def _deliver(self, subscription: Subscription, entries: Sequence[Entry], end: int) -> None:
        if subscription.lenient and entries and self._was_asked_in_vain(entries[0]):
            # The last n were asked for, and there are fewer. What expires from now on is missed.
            entries = entries[1:]
        subscription.lenient = False
        super()._deliver(subscription, entries, end)

    def _was_asked_in_vain(self, entry: Entry) -> bool:
        """Whether "the last n" reach back to before what is kept here; a stream that is new to us is a loss."""
        return isinstance(entry, Gap) and entry.reason is not GapReason.UNREADABLE and entry.last <= self.last

    def _replays_here(self) -> tuple[Subscription, ...]:
        """Those under way in the numbers that this process knows; who is ahead of it may be in new ones already."""
        return tuple(s for s in self._members if s.is_catching_up and not self._is_ahead(s))

    def _begin_anew(self, subscription: Subscription, reset: Gap) -> None:
        """Tell it now: later its cursor may be a number that the new stream has given out, too."""
        was_read = self._context.void(subscription)
        subscription.lenient = False
        self._deliver(subscription, (reset,), reset.last)
        connection = self._connection(subscription)
        if was_read and not connection.congested:
            self._await_writable(connection)
        self.advance(subscription)

    def _learn(self, extent: Extent) -> None:
        """A log has its numbers for that."""

    def _is_ahead(self, subscription: Subscription) -> bool:
        return not self._window.reaches(subscription.cursor)

    def _disproved(self, subscription: Subscription, extent: Extent) -> None:
        missed = opening(subscription.cursor, extent)
        assert missed is not None, "a cursor beyond the end is of another stream"
        self._deliver(subscription, (missed,), missed.last)

    def _read(self, subscription: Subscription) -> Reading:
        limits = self._context.limits
        return self._window.read(
            subscription.cursor, limit_events=limits.page_events, limit_bytes=limits.page_bytes
        )

    def _before_the_newest(self, count: int, key: str | None) -> int:
        """The position after which the newest events follow, or what of them is kept."""
        position = self._window.newest(count, key)
        if position is not None:
            return position
        # The broker counts a topic's events by their numbers, but not those of one key.
        return self._window.floor if key else max(0, self._window.last - count)

    def _events_in_a_page(self) -> int:
        """How many events a page from the broker may have, if they are as large as those in the window."""
        limits, held = self._context.limits, self._window.stats()
        if held.size == 0:
            return limits.page_events
        return max(1, min(limits.page_events, limits.page_bytes * held.events // held.size))

    def __repr__(self) -> str:
        return (
            f"<LogChannel {self.topic}, {len(self.live)} live, {len(self._waiting)} ahead, {self._window!r}>"
        )
