"""Where a client stands in each feed: pure, told frames, answering steps and frames."""

from collections.abc import Iterable, Mapping
from typing import assert_never

import msgspec

from pulse_radar.client.asking import QUERY_LENGTH, Asking, uncovered
from pulse_radar.client.beginning import Beginning
from pulse_radar.client.place import Place
from pulse_radar.client.steps import Heeded, Received, Step
from pulse_radar.errors import PulseError, Refused, UnknownTopic
from pulse_radar.protocol.cursor import Cursor, format_cursor
from pulse_radar.protocol.frames import (
    AuthAccepted,
    ClientFrame,
    Connected,
    ErrorCode,
    ErrorFrame,
    EventFrame,
    GapFrame,
    GapReason,
    Ping,
    Pong,
    ServerFrame,
    SnapshotFrame,
    Subscribe,
    Subscribed,
    UnknownFrame,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed

__all__ = ["Following", "FollowingStats"]


class FollowingStats(msgspec.Struct, frozen=True):
    """A snapshot. `repeats` were ignored; `holes` were healed by asking once more, or became gaps."""

    events: int
    gaps: int
    repeats: int
    holes: int


class Following:
    """The feeds, and where each was left; survives any number of connections.

    A server begins live where it is given no position. To begin elsewhere, or where a position did not fit into
    the URL, a feed is left and entered again there; what comes in between is ignored.
    """

    def __init__(
        self,
        feeds: Iterable[Feed],
        beginning: Beginning | None = None,
        positions: Mapping[Feed, int] | None = None,
        *,
        query_length: int = QUERY_LENGTH,
    ) -> None:
        """`feeds`: none means all topics. `positions`: where to go on, of the feeds that have one.

        `query_length`: how long a query may be; what does not fit is asked for by frames.
        """
        self._named = uncovered(feeds)
        self._asking = Asking(self._named, query_length)
        self._beginning = beginning or Beginning()
        cursor = Cursor(positions or {})
        # Of all topics those with a position are known before the server has named them.
        known = self._named or [feed for feed in cursor.positions if feed.key is None]
        self._places = {feed: Place(cursor.of(feed)) for feed in known}
        # What this connection follows, as far as the server has said it.
        self._accepted: frozenset[Feed] = frozenset()
        # Topics of which only the latest event of a key counts: their numbers have natural holes.
        self._states: set[str] = set()
        self._events = self._gaps = self._repeats = self._holes = 0

    @property
    def positions(self) -> dict[Feed, int]:
        """Where a next connection would go on."""
        return {feed: place.position for feed, place in self._places.items() if place.position is not None}

    @property
    def beginnings(self) -> dict[Feed, int]:
        """Where each feed begins, for a cursor that is stored before anything of it was handed out.

        Rather too early than too late: one that is to begin elsewhere, and has not yet, is named with all that is kept.
        A position that is made up could lie before the stream, and be answered by a reset.
        """
        begun = {feed: place.began for feed, place in self._places.items()}
        if not self._beginning.is_live:
            begun |= {
                feed: 0 for feed in self._expected if not self._places[feed].has_begun and begun[feed] is None
            }
        return {feed: position for feed, position in begun.items() if position is not None}

    @property
    def is_standing(self) -> bool:
        """Whether it is known of every feed where it begins: from here on nothing can be missed in silence."""
        return bool(self._expected) and all(self._places[feed].has_begun for feed in self._expected)

    def query(self) -> str:
        """The query of the address to connect to. What does not fit into it follows by frames."""
        return self._asking.query(self.positions)

    def heed(self, frame: ServerFrame | UnknownFrame) -> Heeded:
        """What a frame leads to. Order: as they came, each once."""
        match frame:
            case EventFrame(topic=topic, key=key, sequence=sequence):
                feed = Feed.of_event(self._places, topic, key)
                return self._advance(feed, sequence, sequence, frame)
            case GapFrame(feed, first, last):
                return self._advance(feed, first, last, frame)
            case Subscribed(feed, sequence):
                return self._caught_up(self._advance(feed, sequence + 1, sequence, frame), feed)
            case SnapshotFrame(feed):
                self._states.add(feed.topic)
                return self._advance(feed, None, None, frame)
            case Unsubscribed(feed):
                return self._unsubscribed(feed)
            case Connected():
                return self._connected(frame)
            case Ping(_, last_seq):
                moved = (Step(feed, position) for feed, position in last_seq.items() if self._hears(feed))
                return self._walk(*moved, replies=(Pong(),))
            case ErrorFrame(code=code) if code != ErrorCode.UNAUTHENTICATED:
                return Heeded(refusal=_refusal(frame))
            case ErrorFrame() | AuthAccepted() | Pong() | UnknownFrame():
                # A fresh token that does not hold changes nothing before the old one runs out.
                return Heeded()
            case _:
                assert_never(frame)

    def stats(self) -> FollowingStats:
        return FollowingStats(self._events, self._gaps, self._repeats, self._holes)

    def __repr__(self) -> str:
        return f"<Following {', '.join(map(str, self._named[:5])) or 'all topics'}, {format_cursor(self.positions)}>"

    # Moving on.

    def _advance(self, feed: Feed, first: int | None, last: int | None, received: Received) -> Heeded:
        """Go on to `last`, with what covers everything from `first`; a first of None begins anew there."""
        if not self._hears(feed):
            return Heeded()
        position = self._places[feed].position
        # 0 is before all that is kept, wherever that begins.
        if first is not None and position:
            if isinstance(received, EventFrame) and first <= position:
                self._repeats += 1
                return Heeded()
            if first > position + 1 and self._is_contiguous(feed):
                return self._at_hole(position, first, Step(feed, last, received))
        return self._walk(Step(feed, last, received))

    def _at_hole(self, position: int, first: int, step: Step) -> Heeded:
        """Something is missing that no gap named: it is asked for once more, and then it is a gap."""
        feed, place = step.feed, self._places[step.feed]
        if not place.is_asked_again:
            self._holes += 1
            place.is_asked_again = place.is_left = True
            return Heeded(replies=(Unsubscribe(feed), Subscribe(feed, position)))
        lost = GapFrame(feed, position + 1, first - 1, GapReason.MISSING)
        return self._walk(Step(feed, first - 1, lost), step)

    def _walk(self, *steps: Step, replies: tuple[ClientFrame, ...] = ()) -> Heeded:
        for step in steps:
            self._places[step.feed].move(step)
            self._events += isinstance(step.received, EventFrame)
            self._gaps += isinstance(step.received, GapFrame)
        return Heeded(steps, replies)

    @property
    def _expected(self) -> Iterable[Feed]:
        return self._named or self._accepted

    def _is_contiguous(self, feed: Feed) -> bool:
        """Whether each number is one more than the one before, so that a hole shows."""
        return feed.key is None and feed.topic not in self._states

    def _hears(self, feed: Feed) -> bool:
        """Whether frames of this feed are ours: it is followed, and not left to be entered again."""
        return feed in self._places and not self._places[feed].is_left

    # Asking.

    def _connected(self, frame: Connected) -> Heeded:
        self._accepted = frozenset(frame.topics)
        self._states.update(frame.state_topics)
        for place in self._places.values():
            place.is_left = False
        steps: list[Step] = []
        elsewhere: list[Feed] = []
        for feed in frame.topics:
            place = self._places.setdefault(feed, Place())
            served_after = frame.last_seq.get(feed)
            place.is_left = self._begins_elsewhere(place, served_after)
            if place.is_left:
                elsewhere.append(feed)
            elif served_after is not None:
                steps.append(Step(feed, served_after))
        self._asking.begin(elsewhere)
        return self._walk(*steps, replies=self._ask())

    def _begins_elsewhere(self, place: "Place", served_after: int | None) -> bool:
        if not place.has_begun and place.position is None:
            return not self._beginning.is_live
        return None not in (place.position, served_after) and place.position != served_after

    def _caught_up(self, heeded: Heeded, feed: Feed) -> Heeded:
        if not heeded.steps:
            return heeded
        self._asking.arrived(feed)
        return Heeded(heeded.steps, (*heeded.replies, *self._ask()))

    def _ask(self) -> tuple[ClientFrame, ...]:
        """The frames that ask for the next feeds, as many as may be under way."""
        frames: list[ClientFrame] = []
        for feed in self._asking.due():
            if feed in self._accepted:
                frames.append(Unsubscribe(feed))
            frames.append(self._subscribe(feed, self._places[feed]))
        return tuple(frames)

    def _subscribe(self, feed: Feed, place: "Place") -> Subscribe:
        if place.has_begun or place.position is not None:
            return Subscribe(feed, place.position)
        return Subscribe(feed, self._beginning.after, self._beginning.last)

    def _unsubscribed(self, feed: Feed) -> Heeded:
        place = self._places.get(feed)
        if place is None:
            return Heeded()
        if not place.is_left:
            return Heeded(refusal=Refused(f"the server no longer serves '{feed}' to this client"))
        place.is_left = False
        return Heeded()


def _refusal(frame: ErrorFrame) -> PulseError:
    if frame.code == ErrorCode.UNKNOWN_TOPIC:
        return UnknownTopic(frame.message)
    return Refused(f"{frame.message} ({frame.code})")
