"""A state topic in this process: the newest event of each key counts, and all of them are in memory."""

from collections.abc import Iterable, Iterator

from pulse_radar.hub.channel import Channel
from pulse_radar.hub.context import Context
from pulse_radar.hub.states import SubscriptionTurn
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.frames import SnapshotFrame, Subscribe
from pulse_radar.stream.entry import Entry, Extent
from pulse_radar.stream.reading import Ahead, Replay, UpToDate
from pulse_radar.stream.state_window import Standing, StateReading, StateWindow

__all__ = ["StateChannel"]


class StateChannel(Channel):
    """A subscription goes through the newest events in sequence order, from its cursor or from the beginning.

    A slow one stops being live and goes through them again from where it was, at its own pace: what was
    superseded meanwhile it never sees.
    """

    is_state = True
    _window: StateWindow

    def __init__(self, topic: str, context: Context, *, start: int, extent: Extent) -> None:
        super().__init__(topic, context)
        self._window = StateWindow(
            start=start,
            extent=extent,
            limit_deletions=context.limits.deletions_remembered,
            standing=self._standing,
        )

    @property
    def is_current(self) -> bool:
        return self._window.is_whole

    def promised(self, subscription: Subscription) -> int | None:
        return None if self._needs_snapshot(subscription) else subscription.cursor

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
            self._set_back(subscription)
            self.advance(subscription)

    def _begin(self, connection_id: str, request: Subscribe) -> Subscription:
        # "The last n" of a state is the state.
        return Subscription(connection_id, request.feed, request.after or 0)

    def _step(self, subscription: Subscription) -> None:
        if self._needs_snapshot(subscription):
            self._begin_snapshot(subscription)
        match self._read(subscription):
            case UpToDate():
                self._go_live(subscription)
            case Replay(entries, end):
                self._deliver(subscription, entries, end)
                self._pause_after_a_page(subscription)
            case Ahead():
                self._waiting.add(subscription)

    def _learn(self, extent: Extent) -> None:
        self._window.settle(extent)
        self._go_on_waiting()

    def _disproved(self, subscription: Subscription, extent: Extent) -> None:
        _void(subscription)

    def _read(self, subscription: Subscription) -> StateReading:
        limits = self._context.limits
        return self._window.read(
            subscription.cursor,
            since=subscription.since,
            key=subscription.feed.key,
            limit_events=limits.page_events,
            limit_bytes=limits.page_bytes,
        )

    def _needs_snapshot(self, subscription: Subscription) -> bool:
        """Whether it may know keys that are gone, and that nothing it could be sent would take from it."""
        cursor, window = subscription.cursor, self._window
        is_void = subscription.since is None and (cursor == 0 or window.has_forgotten(cursor))
        return is_void and window.reaches(cursor)

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
            if subscription.is_live:
                self._set_back(subscription)
            _void(subscription)
            self.advance(subscription)

    def _set_back(self, subscription: Subscription) -> None:
        """It was live until now, so it knows what was given out here and nothing else."""
        self.live.discard(subscription.connection_id, subscription.feed.key)
        self._behind[subscription] = None
        subscription.turn(SubscriptionTurn.SET_BACK)
        subscription.cursor = subscription.since = self.last

    def _standing(self) -> Iterator[Standing]:
        """Where those under way stand that know nothing from elsewhere; others are sent a snapshot if they must be."""
        for one in self._behind:
            if one.since is not None:
                yield Standing(one.cursor, one.since, one.feed.key)

    def __repr__(self) -> str:
        return f"<StateChannel {self.topic}, {len(self.live)} live, {len(self._waiting)} ahead, {self._window!r}>"


def _void(subscription: Subscription) -> None:
    """What it knows is of another stream."""
    subscription.cursor, subscription.since = 0, None
