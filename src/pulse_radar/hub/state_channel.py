"""A state topic in this process: the newest event of each key counts, and all of them are in memory."""

from collections.abc import Iterable

from pulse_radar.hub.channel import Channel
from pulse_radar.hub.context import Context
from pulse_radar.hub.states import SubscriptionTurn
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.frames import SnapshotFrame, Subscribe
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry, Extent
from pulse_radar.stream.reading import Ahead, Forgotten, Replay, UpToDate
from pulse_radar.stream.state_window import StateReading, StateWindow

__all__ = ["StateChannel"]


class StateChannel(Channel):
    """A subscription goes through the newest events in sequence order, from its cursor or from the beginning.

    A slow one stops being live and goes through them again from where it was, at its own pace: what was
    superseded meanwhile it never sees.
    """

    def __init__(self, topic: str, context: Context, *, start: int, extent: Extent) -> None:
        super().__init__(topic, context)
        self._window = StateWindow(
            start=start, extent=extent, limit_deletions=context.limits.deletions_remembered
        )

    @property
    def last(self) -> int:
        return self._window.last

    @property
    def is_current(self) -> bool:
        return self._window.is_whole

    def start_of(self, request: Subscribe) -> int:
        # "The last n" of a state is the state.
        return request.after or 0

    def promised(self, subscription: Subscription) -> int | None:
        # Without reading: the page is read when it is sent.
        cursor, window = subscription.cursor, self._window
        is_void = window.reaches(cursor) and window.has_forgotten(cursor, subscription.since)
        return None if is_void else cursor or None

    def is_counted(self, feed: Feed) -> bool:
        return False

    def arrive(self, entries: Iterable[Entry]) -> None:
        fresh = self._window.extend(tuple(entries))
        if any(entry.first is None for entry in fresh):
            self._begin_anew()
        # What is no event is no state either: it is told as it comes, and never again.
        told = tuple(entry for entry in fresh if entry.first is not None)
        if told:
            self._serve(told)
        self._go_on_waiting()

    def ease(self, subscription: Subscription) -> None:
        if subscription.is_live:
            self.counters.conflated += 1
            self._set_back(subscription, self.last)

    def _step(self, subscription: Subscription) -> None:
        match self._read(subscription):
            case UpToDate():
                self._go_live(subscription)
            case Replay(entries, end):
                self._deliver(subscription, entries, end)
                self._pause_after_a_page(subscription)
            case Forgotten():
                self._begin_snapshot(subscription)
            case Ahead():
                self._waiting.add(subscription)

    def _learn(self, extent: Extent) -> None:
        self._window.settle(extent)
        self._go_on_waiting()

    def _is_ahead(self, subscription: Subscription) -> bool:
        return not self._window.reaches(subscription.cursor)

    def _disproved(self, subscription: Subscription, extent: Extent) -> None:
        subscription.cursor = subscription.since = 0

    def _read(self, subscription: Subscription) -> StateReading:
        limits = self._context.limits
        return self._window.read(
            subscription.cursor,
            since=subscription.since,
            key=subscription.feed.key,
            limit_events=limits.page_events,
            limit_bytes=limits.page_bytes,
        )

    def _begin_snapshot(self, subscription: Subscription) -> None:
        """Only the whole state will do; deletions so far are of keys that it will not be given."""
        self.counters.snapshots += 1
        self._context.agenda.say(subscription.connection_id, encode_server(SnapshotFrame(subscription.feed)))
        subscription.cursor, subscription.since = 0, self._window.last
        subscription.replayed = 0
        subscription.owes_word = True

    def _begin_anew(self) -> None:
        """What was known is void, to whoever catches up as well: nobody is served until the state is whole again."""
        self._waiting.ask_anew()
        for subscription in self._members:
            subscription.cursor = subscription.since = 0
            if subscription.is_live:
                self._set_back(subscription, 0)

    def _set_back(self, subscription: Subscription, cursor: int) -> None:
        self.live.discard(subscription.connection_id, subscription.feed.key)
        subscription.turn(SubscriptionTurn.SET_BACK)
        subscription.cursor = cursor
        self.advance(subscription)

    def __repr__(self) -> str:
        return f"<StateChannel {self.topic}, {len(self.live)} live, {len(self._waiting)} ahead, {self._window!r}>"
