"""The promise as a check, of one client on one log feed: what it saw and what it was told is what was published.

Pure. It walks through a logbook with a cursor of its own and believes nothing but the order of the lines: every number
between two lines must have been told to be missing, whatever lies between them was lost.
"""

from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Sequence
from typing import Final

from pulse_radar.testing.fire.logbook import Confirmed, Opened, Seen, Told
from pulse_radar.testing.fire.objection import Breach, Objection
from pulse_radar.testing.fire.truth import Fact, TopicTruth, Truth

__all__ = ["LogFeedJudge"]

_AROUND: Final = 6


class LogFeedJudge:
    """Hears the records of one feed, in the order in which its client wrote them."""

    def __init__(self, truth: Truth, who: str, feed: str) -> None:
        self._truth = truth
        self._who = who
        self._feed = feed
        self._topic, _, key = feed.partition("/")
        self._key = key or None
        self._known: TopicTruth = truth.topics[self._topic]
        # Where the client is; None before it was told where it begins.
        self._cursor: int | None = None
        self._seen: set[int] = set()
        self._around: deque[str] = deque(maxlen=_AROUND)
        # The numbers of this key's events, where the feed is a key: on a whole topic every number counts.
        self._of_key = None if self._key is None else self._known.of_key(self._key)
        self.objections: list[Objection] = []
        self.deliveries = 0
        self.gaps: list[Told] = []

    def opened(self, record: Opened) -> None:
        """It is served after a position: its own, or at first the one that it is given."""
        position = record.positions.get(self._feed)
        if position is None:
            self._object(
                Breach.UNTRUE, self._cursor or 0, "it was not told after which position it is served"
            )
        elif self._cursor is None:
            self._cursor = position
        elif position != self._cursor:
            self._object(
                Breach.UNTRUE, position, f"it came with {self._cursor} and is served after {position}"
            )
        self._around.append(f"opened after {position}")

    def seen(self, record: Seen) -> None:
        """An event: the next one, and the one that was published."""
        cursor, sequence = self._cursor or 0, record.sequence
        if sequence in self._seen:
            self._object(Breach.TWICE, sequence, "it came a second time")
        elif sequence <= cursor:
            self._object(Breach.DISORDER, sequence, f"it came after {cursor}")
        else:
            self._pass(cursor, sequence - 1)
        self.deliveries += 1
        self._seen.add(sequence)
        self._check(record)
        self._advance(sequence, f"event {sequence}")

    def told(self, record: Told) -> None:
        """A gap: it begins where the client is, and nothing in it could have been sent."""
        cursor = self._cursor or 0
        self.gaps.append(record)
        if record.first is None:
            self._object(Breach.UNTRUE, record.last, f"a {record.reason} gap, and no stream was made anew")
        elif record.last < record.first or (cursor and record.first <= cursor):
            self._object(
                Breach.UNTRUE, record.last, f"a gap of {record.first} to {record.last} after {cursor}"
            )
        else:
            self._pass(cursor, record.first - 1)
            self._check_gap(record.first, record.last, record.reason)
        self._advance(record.last, f"gap {record.first} to {record.last}, {record.reason}")

    def confirmed(self, record: Confirmed) -> None:
        """The server says where the client is: there is nothing in between."""
        cursor = self._cursor or 0
        if record.sequence < cursor:
            self._object(Breach.UNTRUE, record.sequence, f"it is at {cursor}, the server says otherwise")
        self._pass(cursor, record.sequence)
        self._advance(max(cursor, record.sequence), f"confirmed at {record.sequence}")

    def finished(self) -> list[Objection]:
        """Everything is at rest: what has not come by now is lost. Returns all objections."""
        if self._cursor is None:
            self._object(Breach.LOST, self._known.last, "it was never served")
        else:
            self._pass(self._cursor, self._known.last)
        return self.objections

    def _pass(self, cursor: int, last: int) -> None:
        """The client goes from the cursor to `last` without a word about what is in between."""
        if cursor == 0 and self._known.forgets:
            # It asked for what is kept. Some of that is forgotten; what is kept in the end was kept then, too.
            cursor = self._known.first_kept - 1
        missing = self._between(cursor, last)
        if missing:
            first, count = missing[0], len(missing)
            self._object(Breach.LOST, first, f"{count} untold after {cursor}, up to {missing[-1]}", count)

    def _between(self, after: int, last: int) -> Sequence[int]:
        if self._of_key is not None:
            return self._of_key[bisect_right(self._of_key, after) : bisect_right(self._of_key, last)]
        return range(after + 1 if after else self._known.first, last + 1)

    def _check(self, record: Seen) -> None:
        if self._key is not None and record.key != self._key:
            self._object(Breach.ALTERED, record.sequence, f"an event of {record.key}")
        fact = Fact(record.id, record.key, record.digest, record.is_deleted)
        wrong = self._truth.witness(self._topic, record.sequence, fact)
        if wrong is not None:
            self._object(Breach.ALTERED, record.sequence, wrong)

    def _check_gap(self, first: int, last: int, reason: str) -> None:
        known = self._known
        if reason == "unreadable":
            # Of what is forgotten since, only what was an event is known.
            is_true = all(
                number in known.unreadable or (number < known.first_kept and number not in known.facts)
                for number in range(first, last + 1)
            )
        elif self._of_key is None:
            is_true = reason == "expired" and last < known.first_kept
        else:
            kept_from = bisect_left(self._of_key, max(first, known.first_kept))
            is_true = reason == "expired" and bisect_right(self._of_key, last) <= kept_from
        if not is_true:
            self._object(Breach.UNTRUE, first, f"{first} to {last} told as {reason}, and not so")

    def _advance(self, cursor: int, what: str) -> None:
        self._cursor = cursor
        self._around.append(what)

    def _object(self, breach: Breach, sequence: int, saying: str, events: int = 1) -> None:
        self.objections.append(
            Objection(breach, self._who, self._feed, sequence, saying, events, tuple(self._around))
        )

    def __repr__(self) -> str:
        return f"<LogFeedJudge of {self._who} on {self._feed} at {self._cursor}>"
