"""What was published: what the workers were told is stored, held against what the streams hold in the end.

Three sources, each of which may know what the others do not. A worker that was killed never learned where its last
event went; a stream with a short memory has forgotten its first ones; and an event that both of them lost is known
from the clients that saw it, who must agree.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from pulse_radar.protocol.grammar import MAX_SEQUENCE
from pulse_radar.testing.fire.logbook import Acknowledged, Attempted, Unknown, WorkerRecord
from pulse_radar.testing.fire.objection import Breach, Objection

__all__ = ["Fact", "Stored", "TopicTruth", "Truth"]


class Fact(msgspec.Struct, frozen=True):
    """One published event."""

    id: str | None
    key: str | None
    digest: int
    is_deleted: bool = False


class Stored(msgspec.Struct, frozen=True):
    """What a stream holds under a number; `fact` is None where it is no event at all."""

    sequence: int
    fact: Fact | None


class TopicTruth:
    """All that is known of one topic, by number."""

    def __init__(self, stored: Sequence[Stored], *, is_log: bool = True) -> None:
        self.is_log = is_log
        self.facts: dict[int, Fact] = {entry.sequence: entry.fact for entry in stored if entry.fact}
        # Stored, and not an event.
        self.unreadable = {entry.sequence for entry in stored if entry.fact is None}
        # What the stream held in the end; 0 where it held nothing.
        self.first_kept = stored[0].sequence if stored else 0
        self.last = stored[-1].sequence if stored else 0
        # The newest event of each key; what a state topic is at rest, where it is not a deletion.
        self.newest = {entry.fact.key: entry.sequence for entry in stored if entry.fact and entry.fact.key}
        self.state = {
            key: sequence for key, sequence in self.newest.items() if not self.facts[sequence].is_deleted
        }
        self._of_key: dict[str, list[int]] = {}

    def lacks(self, sequence: int, key: str | None) -> bool:
        """Whether what was stored under this number is gone, and was neither forgotten nor superseded."""
        if not self.is_log:
            return self.newest.get(key or "", sequence) < sequence
        return sequence >= self.first_kept and sequence not in self.facts

    def of_key(self, key: str) -> list[int]:
        """The numbers of a key's events, in order. Of a topic that keeps everything."""
        if key not in self._of_key:
            self._of_key[key] = sorted(sequence for sequence, fact in self.facts.items() if fact.key == key)
        return self._of_key[key]

    @property
    def forgets(self) -> bool:
        """Whether the stream no longer holds all that it held."""
        return self.first_kept > min(self.facts, default=0)

    @property
    def first(self) -> int:
        """The oldest number that is known; behind all others where there is none."""
        return min((*self.facts, *self.unreadable), default=MAX_SEQUENCE)

    def __repr__(self) -> str:
        return f"<TopicTruth of {len(self.facts)} events up to {self.last}>"


class Truth:
    """What was published on all topics, and what of it is already a contradiction in itself."""

    def __init__(
        self,
        workers: Mapping[str, Iterable[WorkerRecord]],
        stored: Mapping[str, Sequence[Stored]],
        *,
        state_topics: frozenset[str] = frozenset(),
    ) -> None:
        self.topics = {
            topic: TopicTruth(entries, is_log=topic not in state_topics) for topic, entries in stored.items()
        }
        self.objections: list[Objection] = []
        self.attempts: dict[str, Attempted] = {}
        # Where each id is: as its worker was told, and as the stream shows.
        self._acknowledged: dict[str, int] = {}
        self._places: dict[str, int] = {}
        # Ids in the order in which their lane published them.
        self._lanes: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for who, records in workers.items():
            for record in records:
                self._hear(who, record)
        self._check_stored(stored)
        self._check_lanes()

    @property
    def acknowledged(self) -> int:
        return len(self._acknowledged)

    @property
    def unknown(self) -> int:
        """Attempts without an answer: the worker was killed, or gave up."""
        return len(self.attempts) - len(self._acknowledged)

    def witness(self, topic: str, sequence: int, fact: Fact) -> str | None:
        """A client saw this. Returns what is wrong with it."""
        known = self.topics[topic].facts.get(sequence)
        if known == fact:
            return None
        if known is not None:
            return f"it saw {fact}, published was {known}"
        attempt = self.attempts.get(fact.id or "")
        if attempt is None or attempt.topic != topic or _fact(attempt) != fact:
            return f"it saw {fact}, which nobody published"
        if self._places.setdefault(attempt.id, sequence) != sequence:
            return f"it saw {fact}, which is stored under {self._places[attempt.id]}"
        self.topics[topic].facts[sequence] = fact
        return None

    def _hear(self, who: str, record: WorkerRecord) -> None:
        match record:
            case Attempted():
                self.attempts[record.id] = record
                self._lanes[record.lane, record.topic].append(record.id)
            case Acknowledged():
                self._acknowledge(who, record)
            case Unknown():
                pass

    def _acknowledge(self, who: str, record: Acknowledged) -> None:
        attempt = self.attempts[record.id]
        earlier = self._acknowledged.setdefault(record.id, record.sequence)
        topic = self.topics[attempt.topic]
        if earlier != record.sequence:
            saying = f"{record.id} was acknowledged as {earlier} and as {record.sequence}"
            self._object(Breach.TWICE, who, attempt.topic, record.sequence, saying)
        elif topic.lacks(record.sequence, attempt.key):
            self._object(
                Breach.LOST, who, attempt.topic, record.sequence, f"{record.id} is acknowledged, not stored"
            )
        else:
            self._set(who, attempt, record.sequence)

    def _set(self, who: str, attempt: Attempted, sequence: int) -> None:
        self._places[attempt.id] = sequence
        fact = self.topics[attempt.topic].facts.setdefault(sequence, _fact(attempt))
        if fact != _fact(attempt):
            saying = f"{attempt.id} was acknowledged, and {fact} is there"
            self._object(Breach.ALTERED, who, attempt.topic, sequence, saying)

    def _check_stored(self, stored: Mapping[str, Sequence[Stored]]) -> None:
        for topic, entries in stored.items():
            last = 0
            for entry in entries:
                if self.topics[topic].is_log and last and entry.sequence != last + 1:
                    self._object(
                        Breach.LOST, "the stream", topic, last + 1, f"{entry.sequence} follows {last}"
                    )
                last = entry.sequence
                if entry.fact is not None:
                    self._check_fact(topic, entry.sequence, entry.fact)

    def _check_fact(self, topic: str, sequence: int, fact: Fact) -> None:
        if fact.is_deleted and fact.id is None:
            # The stream itself deleted a key whose time had come.
            return
        attempt = self.attempts.get(fact.id or "")
        if attempt is None or attempt.topic != topic or _fact(attempt) != fact:
            self._object(Breach.ALTERED, "the stream", topic, sequence, f"nobody published {fact}")
        elif self._places.setdefault(attempt.id, sequence) != sequence:
            saying = f"{attempt.id} is stored under {self._places[attempt.id]}, too"
            self._object(Breach.TWICE, "the stream", topic, sequence, saying)

    def _check_lanes(self) -> None:
        for (lane, topic), ids in self._lanes.items():
            last = 0
            for event_id in ids:
                # What a lane gave up asking for may come later: it was never told that it is stored.
                sequence = self._acknowledged.get(event_id, last + 1)
                if sequence <= last:
                    saying = f"{event_id} came before an event that its lane published earlier, {last}"
                    self._object(Breach.DISORDER, lane, topic, sequence, saying)
                last = sequence if event_id in self._acknowledged else last

    def _object(self, breach: Breach, who: str, topic: str, sequence: int, saying: str) -> None:
        self.objections.append(Objection(breach, who, topic, sequence, saying))

    def __repr__(self) -> str:
        return f"<Truth of {len(self.attempts)} attempts, {self.acknowledged} acknowledged>"


def _fact(attempt: Attempted) -> Fact:
    return Fact(attempt.id, attempt.key, attempt.digest, attempt.is_deleted)
