"""A log topic in this process: every event counts; what the window has not is read from the broker."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Final

from pulse_radar.hub.channel import Channel
from pulse_radar.hub.context import RETRY_SECONDS, Context
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.frames import GapReason, Subscribe
from pulse_radar.stream.entry import Entry, Extent, Gap, Page
from pulse_radar.stream.log_window import LogWindow, Reading
from pulse_radar.stream.merge import opening
from pulse_radar.stream.reading import Ahead, Beyond, Replay, UpToDate, fitting

__all__ = ["LogChannel"]

# Nobody knows how large old events are before the first of them came; from there it doubles while they fit.
_FIRST_PAGE_EVENTS: Final = 100


class LogChannel(Channel):
    """A subscription catches up from the window if that reaches back far enough, else by pages of the broker."""

    is_state = False
    _window: LogWindow

    def __init__(self, topic: str, context: Context, *, start: int, head: int) -> None:
        super().__init__(topic, context)
        limits = context.limits
        self._head = head
        self._window = LogWindow(
            start=start, limit_events=limits.window_events, limit_bytes=limits.window_bytes
        )

    @property
    def is_current(self) -> bool:
        return self._window.last >= self._head

    def promised(self, subscription: Subscription) -> int | None:
        # Behind "the last n" is a number that may be none of this stream: nobody is to come back with it.
        return subscription.cursor if subscription.asked_at is None else None

    def arrive(self, entries: Iterable[Entry]) -> None:
        stood = self.last
        fresh = self._window.extend(tuple(entries))
        if not fresh:
            return
        self._serve(fresh)
        resets = [entry for entry in fresh if isinstance(entry, Gap) and entry.first is None]
        if resets:
            # Where it was when we began, the new stream may not come for a long time.
            self._head = min(self._head, self.last)
            for subscription in self._overtaken(stood, fresh):
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
        # Of large events fewer are asked for, so that what is read is not much more than what is sent.
        fitted = subscription.page_events if is_whole else len(entries)
        subscription.page_events = min(2 * fitted, self._context.limits.page_events)
        self._deliver(subscription, entries, page.end if is_whole else entries[-1].last)
        self._await_written(subscription)

    def rest(self, subscription: Subscription) -> None:
        """Try again a little later."""
        subscription.is_resting = True
        self._context.deadlines.set(self._context.now + RETRY_SECONDS, subscription)

    def _begin(self, connection_id: str, request: Subscribe) -> Subscription:
        subscription = Subscription(connection_id, request.feed, self._start(request))
        subscription.page_events = min(_FIRST_PAGE_EVENTS, self._context.limits.page_events)
        if request.last is not None:
            subscription.asked_at = self.last
        return subscription

    def _start(self, request: Subscribe) -> int:
        if request.last is not None:
            return self._before_the_newest(request.last, request.feed.key)
        return self.last if request.after is None else request.after

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
                self._context.read(subscription)
            case Ahead():
                self._waiting.add(subscription)

    def _deliver(self, subscription: Subscription, entries: Sequence[Entry], end: int) -> None:
        if subscription.asked_at is not None and entries:
            entries = (*_missed_since(subscription.asked_at, entries[0]), *entries[1:])
        # What expires from now on is missed.
        subscription.asked_at = None
        super()._deliver(subscription, entries, end)

    def _overtaken(self, stood: int, fresh: Sequence[Entry]) -> tuple[Subscription, ...]:
        """Whose cursor is void by a reset in `fresh`, which came when this process stood there.

        Who is ahead of it may be in the new numbers already, unless they went back: then nobody can know.
        """
        positions = [stood, *(entry.last for entry in fresh)]
        # Where it stood is back enough: what came behind it is given out anew.
        went_back = any(later <= earlier for earlier, later in pairwise(positions))
        return tuple(s for s in self._behind if went_back or s.cursor <= stood)

    def _begin_anew(self, subscription: Subscription, reset: Gap) -> None:
        """Tell it now: later its cursor may be a number that the new stream has given out, too."""
        was_read = self._context.void(subscription)
        subscription.asked_at = None
        self._deliver(subscription, (reset,), reset.last)
        connection = self._connection(subscription)
        if was_read and not connection.congested:
            self._context.await_writable(connection)
        self.advance(subscription)

    def _learn(self, extent: Extent) -> None:
        """A log has its numbers for that."""

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

    def __repr__(self) -> str:
        return (
            f"<LogChannel {self.topic}, {len(self.live)} live, {len(self._waiting)} ahead, {self._window!r}>"
        )


def _missed_since(asked_at: int, entry: Entry) -> tuple[Entry, ...]:
    """What of a hole at the beginning of "the last n" is a loss: up to where they were asked for there are fewer."""
    if not isinstance(entry, Gap) or entry.reason is GapReason.UNREADABLE:
        return (entry,)
    if entry.last <= asked_at:
        return ()
    return (Gap(entry.first and max(entry.first, asked_at + 1), entry.last, entry.reason),)
