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
from enum import Enum, auto
from typing import Final

from pulse_radar.brokers.nats.holding import Holding
from pulse_radar.brokers.nats.line import ROOM_EVENTS, Line
from pulse_radar.brokers.nats.steps import (
    Deliver,
    Fill,
    Identity,
    Recreate,
    Renumber,
    Sight,
    Step,
    Verify,
    Wait,
)
from pulse_radar.stream.entry import Entry

__all__ = ["Follower"]

# An announcement that got lost without a new connection is missed for at most so long.
_POLL_SECONDS: Final = 1.0

# What the stream has and we have not may be on its way: looked at again so much later, then fetched.
_GRACE_SECONDS: Final = 0.1

# After no answer. A new connection does not wait for it.
_FAILED_SECONDS: Final = 0.25

# So often in a row, a poll apart, numbers must be seen to have gone back: renumbering empties the stream.
_STRIKES: Final = 3

# What is stored and not found, nor known to who calls itself leader: asked so often, each time twice as late.
_ATTEMPTS: Final = 4
_ATTEMPT_SECONDS: Final = 0.05


class _Phase(Enum):
    UNSURE = auto()
    FILLING = auto()
    LIVE = auto()


class Follower:
    """Follows one topic from a position; `after` 0 is whatever is kept.

    Order: the caller does the step that it is told and reports how it went; until then it is told only to
    deliver or to wait. Announcements and new connections it reports at any time.
    `may_mend`: whether it may ask to recreate or renumber the stream.
    """

    def __init__(self, after: int, *, may_mend: bool, room_events: int = ROOM_EVENTS) -> None:
        self._may_mend = may_mend
        self._line = Line(after, room_events)
        # Whether what follows our witness was read: the next batch need not begin with it.
        self._is_witness_heard = False
        self._phase = _Phase.UNSURE
        # Whether a step is under way.
        self._is_asked = False
        # Nothing is asked before this moment.
        self._due = 0.0
        self._identity: Identity | None = None
        # Of a state topic: what it held when we began; no deletion up to here concerns us.
        self._since = 0
        # And where the first hole begins that was read since the last look: a deletion in it may be forgotten.
        self._hole_from: int | None = None
        # What it must hold, and how often in a row it held less.
        self._holding: Holding | None = None
        self._short_looks = 0
        # The highest number that the stream gave out, as far as it has shown.
        self._highest = 0
        # Its newest number when it was last looked at, and whether others than its leader answer for it.
        self._reach = 0
        self._is_replicated = False
        # What it had and we had not when it was last looked at while live.
        self._lag: int | None = None
        self._attempts = 0
        self._misses = 0
        self._strikes = 0
        self._mend: Renumber | Recreate | None = None
        # Its numbers went back and stay so: all that we know of it is void.
        self._is_void = False

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
            return Deliver(self._deliver())
        if self._is_asked:
            return Wait(None)
        if now < self._due:
            return Wait(self._due)
        self._is_asked = True
        if self._mend is not None:
            return self._mend
        if self._phase is not _Phase.FILLING:
            return Verify(self._highest)
        first = self.position + 1 if self._is_witness_heard else self._line.proven_from
        return Fill(first, self._reach)

    # What happens on the connection.

    def announced(self, entry: Entry) -> None:
        """The server has just stored this."""
        if self._phase is _Phase.LIVE:
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
        self._attempts = self._strikes = 0
        self._be_unsure(0.0)

    # How a step went.

    def verified(self, asked: Verify, sight: Sight, now: float) -> None:
        """The stream looks like this."""
        self._is_asked = False
        self._misses = 0
        if sight.is_torn and self._may_mend:
            self._mend = Renumber(sight.identity, self._highest)
        elif self._is_void:
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
        self._misses += 1
        self._be_unsure(now + _POLL_SECONDS)
        # Not at once: whoever deleted it may be about to restore it.
        if self._misses >= _STRIKES and self._may_mend:
            self._misses = 0
            self._mend = Recreate()

    def filled(self, entries: Sequence[Entry], now: float, *, is_end: bool) -> None:
        """These are stored from the asked number on; `is_end`: nothing followed them, up to the asked reach."""
        self._is_asked = False
        if self._phase is not _Phase.FILLING:
            return
        if entries and self._line.contradicts(entries[0]):
            # Another event under a number that was delivered: numbers are being used again.
            self._strike(now)
            return
        before, news = self.position, sum(entry.last > self.position for entry in entries)
        # A batch can be full of what follows our witness and is no event: then go on behind that.
        self._is_witness_heard = not self._line.add(entries)
        if self.position - before > news:
            self._pass_hole(before)
        self._highest = max(self._highest, self.position)
        if is_end:
            self._join(now)

    def mended(self, now: float) -> None:
        """The stream was recreated or renumbered, by us or by somebody quicker."""
        self._is_asked = False
        self._mend = None
        self._be_unsure(now)

    def cannot_mend(self, now: float) -> None:
        """We may not; perhaps others may, and will."""
        self._may_mend = False
        self._is_void = isinstance(self._mend, Renumber)
        self.mended(now)

    def failed(self, now: float) -> None:
        """There was no answer."""
        self._is_asked = False
        # A renumbering empties the stream: whether it is still called for is looked at again.
        self._mend = None
        if self._phase is _Phase.LIVE:
            self._due = now + _FAILED_SECONDS
        else:
            self._be_unsure(now + _FAILED_SECONDS)

    def __repr__(self) -> str:
        phase = self._phase.name.lower()
        return f"<Follower at {self.position}, {phase}, {self._line.waiting} waiting>"

    # What a look at the stream means.

    def _begin(self, sight: Sight, now: float) -> None:
        """The first look: the caller's position may be older than what is kept, or of another stream."""
        after, extent = self.position, sight.extent
        self._holding = Holding() if sight.is_state else None
        if after == 0:
            # From whatever is kept: nothing is missed.
            self._line.start(sight.start)
            self._since = extent.last
        elif after < extent.origin - 1 or after > extent.last:
            self._begin_anew(sight)
        self._agree(sight, now)

    def _agree(self, sight: Sight, now: float) -> None:
        """It is the stream that we know."""
        is_known = sight.identity == self._identity
        self._identity = sight.identity
        self._reach = sight.extent.last
        self._highest = max(self._highest, self._reach)
        has_missed = self._has_missed(sight) or self._is_emptied(sight)
        self._hole_from = None
        if (
            self._phase is _Phase.LIVE
            and is_known
            and not (sight.is_state and has_missed)
            and not self._lags(now)
        ):
            return
        self._lag = None
        self._is_replicated = sight.is_replicated
        if has_missed:
            self._miss(sight)
        self._phase = _Phase.FILLING
        self._due = now

    def _has_missed(self, sight: Sight) -> bool:
        """Whether something after our position, or in a hole that we passed over, is no longer kept."""
        stands = self.position if self._hole_from is None else self._hole_from
        return sight.extent.first - 1 > (max(stands, self._since) if sight.is_state else self.position)

    def _is_emptied(self, sight: Sight) -> bool:
        """Whether keys are gone that nobody deleted: purged. In the middle of an expiry it may look so for a moment."""
        is_at_rest = self._phase is _Phase.LIVE and self.position == sight.extent.last
        is_short = (
            self._holding is not None
            and is_at_rest
            and sight.messages < self._holding.least(sight.extent.first)
        )
        self._short_looks = self._short_looks + 1 if is_short else 0
        return self._short_looks >= _STRIKES

    def _miss(self, sight: Sight) -> None:
        """Tell it: of a log that range; of a state topic nobody can say what, so it begins anew."""
        if sight.is_state:
            self._begin_anew(sight)
        else:
            self._line.expire(sight.extent.first - 1)

    def _begin_anew(self, sight: Sight) -> None:
        self._short_looks = 0
        self._line.reset(sight.start)
        self._since = sight.extent.last

    def _deliver(self) -> tuple[Entry, ...]:
        entries = self._line.deliver()
        if self._holding is not None:
            self._holding.take(entries)
        return entries

    def _lags(self, now: float) -> bool:
        """While live: whether something is missing that cannot be on its way any more."""
        if self._lag is not None and self.position < self._lag:
            return True
        is_first_look = self._lag is None and self.position < self._reach
        self._lag = self._reach if is_first_look else None
        self._due = now + (_GRACE_SECONDS if is_first_look else _POLL_SECONDS)
        return False

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
        self._strikes += 1
        self._be_unsure(now + _POLL_SECONDS)
        if self._strikes >= _STRIKES:
            self._numbers_went_back(now)

    def _numbers_went_back(self, now: float) -> None:
        self._strikes = 0
        self._be_unsure(now)
        if self._may_mend and self._identity is not None:
            self._mend = Renumber(self._identity, self._highest)
        else:
            self._is_void = True

    def _reset(self, sight: Sight, now: float) -> None:
        """Begin anew with this stream."""
        self._is_void = False
        self._holding = Holding() if sight.is_state else None
        self._begin_anew(sight)
        self._highest = 0
        self._agree(sight, now)

    def _pass_hole(self, before: int) -> None:
        self._hole_from = before if self._hole_from is None else self._hole_from

    def _join(self, now: float) -> None:
        """The batches have ended: go on live, if they reach what was announced meanwhile."""
        is_patient = self._attempts < _ATTEMPTS
        if self.position < self._reach and not (self._is_replicated and is_patient):
            # Stored when we looked, and nowhere now: removed, as one erases the events of a key.
            self._pass_hole(self.position)
            self._line.expire(self._reach)
        if self.position >= self._reach and (self._line.join_stash() or not is_patient):
            self._line.forget_stash()
            self._highest = max(self._highest, self.position)
            self._attempts = self._strikes = 0
            self._phase = _Phase.LIVE
            self._due = now + _POLL_SECONDS
        else:
            self._be_unsure(now + _ATTEMPT_SECONDS * 2**self._attempts)
            self._attempts += 1

    def _be_unsure(self, due: float) -> None:
        self._phase = _Phase.UNSURE
        self._due = due
        self._lag = None
        self._is_witness_heard = False
