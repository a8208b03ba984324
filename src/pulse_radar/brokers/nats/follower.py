"""What a tail does next: every decision about order, holes and lost streams, without clock, loop or server.

    UNSURE ──────────────▶ FILLING ───────────────▶ LIVE
      │  the stream is the    │  a batch is taken if it   │  the next announcement is taken;
      │  one we know; a hole  │  begins with our newest   │  once a second the stream is looked at
      │  before it is named   │  entry                    │
      ▲                       ▼                           ▼
      └── a new connection, a hole, another entry under a number of ours, no answer, no room

Its laws, attacked in `tests/brokers/nats/test_follower_laws.py`: what is delivered continues the position,
for a hole is delivered as a `Gap`; nothing is delivered twice, and nothing that the stream did not hold
under that number; at rest the position is the stream's newest.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from pulse_radar.brokers.nats.line import ROOM_EVENTS, Line
from pulse_radar.brokers.nats.losses import Losses
from pulse_radar.brokers.nats.mending import Mending
from pulse_radar.brokers.nats.steps import Deliver, Fill, Identity, Sight, Step, Verify, Wait
from pulse_radar.stream.entry import Entry

__all__ = ["Follower"]

# An announcement that got lost without a new connection is missed for at most so long.
_POLL_SECONDS: Final = 1.0

# What the stream has and we have not may be on its way: looked at again so much later, then fetched.
_GRACE_SECONDS: Final = 0.1

# After no answer. A new connection does not wait for it.
_FAILED_SECONDS: Final = 0.25

# What is stored and not found, nor known to who calls itself leader: asked so often, each time twice as late.
_ATTEMPTS: Final = 4
_ATTEMPT_SECONDS: Final = 0.05


class _Unsure(msgspec.Struct, frozen=True):
    """Nothing is taken before the stream was looked at."""


class _Filling(msgspec.Struct):
    """Batches are fetched. `reach`: its newest number at that look. `is_replicated`: others than its leader answer.

    `is_witness_heard`: what follows our witness was read, so that the next batch need not begin with it.
    """

    reach: int
    is_replicated: bool
    is_witness_heard: bool = False


class _Live(msgspec.Struct):
    """Announcements are taken. `lag`: up to where the stream had more than we at the last look."""

    lag: int | None = None


_UNSURE: Final = _Unsure()


class Follower:
    """Follows one topic from a position; `after` 0 is whatever is kept.

    Order: the caller does the step that it is told and reports how it went; until then it is told only to
    deliver or to wait. Announcements and new connections it reports at any time.
    `may_mend`: whether it may ask to recreate or renumber the stream.
    """

    def __init__(self, after: int, *, may_mend: bool, room_events: int = ROOM_EVENTS) -> None:
        self._line = Line(after, room_events)
        self._mending = Mending(may_mend=may_mend)
        self._losses = Losses()
        self._phase: _Unsure | _Filling | _Live = _UNSURE
        # Whether a step is under way.
        self._is_asked = False
        # Nothing is asked before this moment.
        self._due = 0.0
        # Of the stream that we follow, None before the first look.
        self._identity: Identity | None = None
        # The highest number that it gave out, as far as it has shown.
        self._highest = 0
        # How often in a row the batches ended before what was announced, or known to be stored.
        self._attempts = 0

    @property
    def position(self) -> int:
        """Everything up to here is delivered, ready to be, or named in a gap."""
        return self._line.position

    @property
    def highest(self) -> int:
        """The highest number that the stream is known to have given out."""
        return max(self._highest, self._line.announced)

    def next(self, now: float) -> Step:
        if self._line.is_ready:
            entries = self._line.deliver()
            self._losses.told(entries)
            return Deliver(entries)
        if self._is_asked:
            return Wait(None)
        if now < self._due:
            return Wait(self._due)
        self._is_asked = True
        return self._mending.step or self._request()

    def _request(self) -> Fill | Verify:
        match self._phase:
            case _Filling(reach, _, is_witness_heard):
                return Fill(self.position + 1 if is_witness_heard else self._line.proven_from, reach)
            case _Unsure() | _Live():
                return Verify(self._highest)

    # What happens on the connection.

    def announced(self, entry: Entry) -> None:
        """The server has just stored this."""
        if isinstance(self._phase, _Live):
            if self._line.is_known(entry):
                return
            if self._line.add_next(entry):
                self._highest = max(self._highest, entry.last)
                return
            self._be_unsure(0.0)
        self._line.stash(entry)

    def reconnected(self) -> None:
        """There is a new connection: announcements before it were perhaps not heard."""
        self._line.forget_stash()
        self._attempts = 0
        self._mending.agreed()
        self._be_unsure(0.0)

    # How a step went.

    def verified(self, asked: Verify, sight: Sight, now: float) -> None:
        """The stream looks like this."""
        self._is_asked = False
        self._mending.found()
        if sight.is_torn and self._mending.finishes(sight.identity, self._highest):
            return
        if self._mending.is_void:
            self._reset(sight, now)
        elif self._identity is None:
            self._begin(sight, now)
        elif sight.identity != self._identity and not self._may_hold_ours(sight):
            self._replaced(sight, now)
        elif sight.extent.last < asked.highest:
            self._strike(now)
        else:
            self._agree(sight, now)

    def missing(self, now: float) -> None:
        """There is no such stream."""
        self._is_asked = False
        self._be_unsure(now + _POLL_SECONDS)
        self._mending.missing()

    def filled(self, entries: Sequence[Entry], now: float, *, is_end: bool) -> None:
        """These are stored from the asked number on; `is_end`: nothing followed them, up to the asked reach."""
        self._is_asked = False
        filling = self._phase
        if not isinstance(filling, _Filling):
            return
        if entries and self._line.contradicts(entries[0]):
            # Another event under a number that was delivered: numbers are being used again.
            self._strike(now)
            return
        before, news = self.position, sum(entry.last > self.position for entry in entries)
        # A batch can be full of what follows our witness and is no event: then go on behind that.
        filling.is_witness_heard = not self._line.add(entries)
        if self.position - before > news:
            self._losses.passed_hole(before)
        self._highest = max(self._highest, self.position)
        if is_end:
            self._join(filling, now)

    def mended(self, now: float) -> None:
        """The stream was recreated or renumbered, by us or by somebody quicker."""
        self._is_asked = False
        self._mending.ended()
        self._be_unsure(now)

    def cannot_mend(self, now: float) -> None:
        """We may not; perhaps others may, and will."""
        self._is_asked = False
        self._mending.refused()
        self._be_unsure(now)

    def failed(self, now: float) -> None:
        """There was no answer."""
        self._is_asked = False
        self._mending.ended()
        if isinstance(self._phase, _Live):
            self._due = now + _FAILED_SECONDS
        else:
            self._be_unsure(now + _FAILED_SECONDS)

    def __repr__(self) -> str:
        phase = type(self._phase).__name__.strip("_").lower()
        return f"<Follower at {self.position}, {phase}, {self._line.waiting} waiting>"

    # What a look at the stream means.

    def _begin(self, sight: Sight, now: float) -> None:
        """The first look: the caller's position may be older than what is kept, or of another stream."""
        after, extent = self.position, sight.extent
        if after == 0:
            # From whatever is kept: nothing is missed.
            self._line.start(sight.start)
            self._losses = Losses(is_state=sight.is_state, since=extent.last)
        elif extent.origin - 1 <= after <= extent.last:
            self._losses = Losses(is_state=sight.is_state)
        else:
            self._begin_anew(sight)
        self._agree(sight, now)

    def _agree(self, sight: Sight, now: float) -> None:
        """It is the stream that we know."""
        is_known = sight.identity == self._identity
        self._identity = sight.identity
        self._highest = max(self._highest, sight.extent.last)
        is_live = isinstance(self._phase, _Live)
        has_missed = self._losses.are_shown_by(sight, self.position, is_live=is_live)
        if is_known and not (sight.is_state and has_missed) and self._stays_live(sight.extent.last, now):
            return
        if has_missed:
            self._miss(sight)
        self._phase = _Filling(sight.extent.last, sight.is_replicated)
        self._due = now

    def _stays_live(self, reach: int, now: float) -> bool:
        """Whether it is live, and nothing is missing that cannot be on its way any more."""
        live = self._phase
        if not isinstance(live, _Live) or (live.lag is not None and self.position < live.lag):
            return False
        is_first_look = live.lag is None and self.position < reach
        live.lag = reach if is_first_look else None
        self._due = now + (_GRACE_SECONDS if is_first_look else _POLL_SECONDS)
        return True

    def _miss(self, sight: Sight) -> None:
        """Tell it: of a log that range; of a state topic nobody can say what, so it begins anew."""
        if sight.is_state:
            self._begin_anew(sight)
        else:
            self._line.expire(sight.extent.first - 1)

    def _begin_anew(self, sight: Sight) -> None:
        self._line.reset(sight.start)
        self._losses = Losses(is_state=sight.is_state, since=sight.extent.last)

    def _may_hold_ours(self, sight: Sight) -> bool:
        """Whether a batch can show if the stream holds what we were given; of a state topic that may be superseded."""
        witness, extent = self._line.witness, sight.extent
        return not sight.is_state and witness is not None and extent.first <= witness.last <= extent.last

    def _replaced(self, sight: Sight, now: float) -> None:
        """It is another stream than the one that we knew."""
        self._identity = sight.identity
        if sight.extent.last < self._highest:
            self._numbers_went_back(now)
        else:
            self._reset(sight, now)

    def _strike(self, now: float) -> None:
        """Its numbers went back, as it seems."""
        if self._mending.is_struck_out():
            self._numbers_went_back(now)
        else:
            self._be_unsure(now + _POLL_SECONDS)

    def _numbers_went_back(self, now: float) -> None:
        assert self._identity is not None, "numbers are those of a stream that was seen"
        self._mending.numbers_went_back(self._identity, self._highest)
        self._be_unsure(now)

    def _reset(self, sight: Sight, now: float) -> None:
        """Begin anew with this stream."""
        self._mending.begun_anew()
        self._begin_anew(sight)
        self._highest = 0
        self._agree(sight, now)

    def _join(self, filling: _Filling, now: float) -> None:
        """The batches have ended: go on live, if they reach what was announced meanwhile."""
        is_patient = self._attempts < _ATTEMPTS
        if self.position < filling.reach and not (filling.is_replicated and is_patient):
            # Stored when we looked, and nowhere now: removed, as one erases the events of a key.
            self._losses.passed_hole(self.position)
            self._line.expire(filling.reach)
        if self.position >= filling.reach and (self._line.join_stash() or not is_patient):
            self._be_live(now)
        else:
            self._be_unsure(now + _ATTEMPT_SECONDS * 2**self._attempts)
            self._attempts += 1

    def _be_live(self, now: float) -> None:
        self._line.forget_stash()
        self._highest = max(self._highest, self.position)
        self._attempts = 0
        self._mending.agreed()
        self._phase = _Live()
        self._due = now + _POLL_SECONDS

    def _be_unsure(self, due: float) -> None:
        self._phase = _UNSURE
        self._due = due
