"""The laws of a state feed as a check: per key strictly increasing, at rest the client's map is the stream's. Pure."""

from collections import deque
from typing import Final

from pulse_radar.testing.fire.logbook import Confirmed, Opened, Seen, Told
from pulse_radar.testing.fire.objection import Breach, Objection
from pulse_radar.testing.fire.truth import Fact, TopicTruth, Truth

__all__ = ["StateFeedJudge"]

_AROUND: Final = 6


class StateFeedJudge:
    """Hears the records of one feed, in the order in which its client wrote them."""

    def __init__(self, truth: Truth, who: str, feed: str) -> None:
        self._truth = truth
        self._who = who
        self._feed = feed
        self._topic, _, key = feed.partition("/")
        self._key = key or None
        self._known: TopicTruth = truth.topics[self._topic]
        # None before the first frame, and after a snapshot began.
        self._cursor: int | None = None
        self._map: dict[str, int] = {}
        # The newest number of each key ever, over all snapshots.
        self._newest: dict[str, int] = {}
        self._around: deque[str] = deque(maxlen=_AROUND)
        self.objections: list[Objection] = []
        self.deliveries = 0
        self.gaps: list[Told] = []
        self.snapshots = 0

    def opened(self, record: Opened) -> None:
        """It is served after its own position, or a snapshot is to come."""
        position = record.positions.get(self._feed)
        if None not in (position, self._cursor) and position != self._cursor:
            saying = f"it came with {self._cursor} and is served after {position}"
            self._object(Breach.UNTRUE, position or 0, saying)
        self._cursor = position if self._cursor is None else self._cursor
        self._around.append(f"opened after {position}")

    def forgot(self) -> None:
        """A snapshot begins: the map is void, what the newest numbers were is not."""
        self._map.clear()
        self._cursor = None
        self.snapshots += 1
        self._around.append("snapshot")

    def seen(self, record: Seen) -> None:
        cursor, sequence, key = self._cursor or 0, record.sequence, record.key or ""
        if sequence <= cursor:
            breach = Breach.TWICE if self._newest.get(key) == sequence else Breach.DISORDER
            self._object(breach, sequence, f"{key} came after {cursor}")
        elif sequence < self._newest.get(key, 0) or sequence <= self._map.get(key, 0):
            self._object(Breach.DISORDER, sequence, f"{key} was at {self._newest[key]} already")
        self.deliveries += 1
        self._check(record)
        self._newest[key] = max(sequence, self._newest.get(key, 0))
        self._set(key, record)
        self._cursor = sequence
        self._around.append(f"event {sequence} of {key}{', deleted' if record.is_deleted else ''}")

    def told(self, record: Told) -> None:
        """What cannot be read may be told to be so; there are no other gaps here."""
        self.gaps.append(record)
        span = range(record.first or record.last, record.last + 1)
        if record.reason != "unreadable" or not all(number in self._known.unreadable for number in span):
            self._object(Breach.UNTRUE, record.last, f"a state topic has no gap: {record}")
        self._cursor = record.last

    def confirmed(self, record: Confirmed) -> None:
        if record.sequence < (self._cursor or 0):
            saying = f"it is at {self._cursor}, the server says otherwise"
            self._object(Breach.UNTRUE, record.sequence, saying)
        self._cursor = max(record.sequence, self._cursor or 0)
        self._around.append(f"confirmed at {record.sequence}")

    def finished(self) -> list[Objection]:
        """Everything is at rest. Returns all objections."""
        state = self._known.state
        if self._key is not None:
            state = {key: sequence for key, sequence in state.items() if key == self._key}
        for key in sorted(state.keys() | self._map.keys()):
            has, should = self._map.get(key), state.get(key)
            if has != should:
                saying = f"{key} is at {should} in the stream, at {has} in the client's map"
                self._object(Breach.STALE, should or has or 0, saying)
        return self.objections

    def _set(self, key: str, record: Seen) -> None:
        if record.is_deleted:
            self._map.pop(key, None)
        else:
            self._map[key] = record.sequence

    def _check(self, record: Seen) -> None:
        if self._key is not None and record.key != self._key:
            self._object(Breach.ALTERED, record.sequence, f"an event of {record.key}")
        if record.is_deleted and record.id is None:
            # The stream's own deletion of a key whose time had come: nobody published it.
            return
        fact = Fact(record.id, record.key, record.digest, record.is_deleted)
        wrong = self._truth.witness(self._topic, record.sequence, fact)
        if wrong is not None:
            self._object(Breach.ALTERED, record.sequence, wrong)

    def _object(self, breach: Breach, sequence: int, saying: str) -> None:
        around = tuple(self._around)
        self.objections.append(Objection(breach, self._who, self._feed, sequence, saying, around=around))

    def __repr__(self) -> str:
        return f"<StateFeedJudge of {self._who} on {self._feed}, {len(self._map)} keys>"
