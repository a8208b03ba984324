"""A broker as a model: one topic, its numbers, what is kept of it, and everything ever published."""

from copy import copy

from pulse_radar.protocol.codec import decode_body, encode_body, encode_event
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, Gap, Page, StoredEvent
from pulse_radar.stream.merge import follow, opening


class ModelBroker:
    def __init__(self, topic: str) -> None:
        self.topic = topic
        # The events that everybody should know of or have been told to miss: their keys, and in which numbering.
        self.published: dict[int, tuple[str | None, int]] = {}
        # Whether anything was ever lost, so that gaps are allowed at all.
        self.has_lost = False
        # How often the numbering began anew, and when so under numbers that were given out before.
        self.generation = 0
        self.rollbacks: set[int] = set()
        self._begin(1_000)
        # What a server that fell behind still believes.
        self.past = self
        self.depose()

    def depose(self) -> None:
        """From now on `past` answers as this broker does at this moment."""
        self.past = copy(self)
        self.past.kept = dict(self.kept)

    def _begin(self, origin: int) -> None:
        self.origin = origin
        self.first = origin
        self.kept: dict[int, Entry] = {}

    def publish(self, key: str | None) -> None:
        sequence = self.first + len(self.kept)
        body = decode_body(encode_body("happened", b"%d" % self.generation))
        self.kept[sequence] = StoredEvent(sequence, key, encode_event(self.topic, sequence, body, key=key))
        self.published[sequence] = (key, self.generation)

    def publish_garbage(self) -> None:
        sequence = self.first + len(self.kept)
        self.kept[sequence] = Gap(sequence, sequence, GapReason.UNREADABLE)
        self.has_lost = True

    def trim(self, count: int) -> None:
        for _ in range(min(count, len(self.kept))):
            del self.kept[self.first]
            self.first += 1
            self.has_lost = True

    def recreate(self) -> None:
        self.has_lost = True
        self.generation += 1
        self._begin(self.first + len(self.kept) + 1_000)

    def roll_back(self, count: int) -> None:
        """It comes back as it was so many events ago, and gives out their numbers anew."""
        self.has_lost = True
        self.generation += 1
        self.rollbacks.add(self.generation)
        for _ in range(min(count, len(self.kept))):
            number, _ = self.kept.popitem()
            self.published.pop(number, None)
        self.depose()

    @property
    def kept_events(self) -> set[int]:
        return {number for number, entry in self.kept.items() if isinstance(entry, StoredEvent)}

    def extent(self) -> Extent:
        return Extent(self.origin, self.first, self.first + len(self.kept) - 1)

    def read(self, after: int, limit: int, key: str | None) -> Page:
        extent = self.extent()
        missed = opening(after, extent)
        start = missed.last if missed else max(after, extent.first - 1)
        found = [entry for number, entry in self.kept.items() if number > start]
        if key is not None:
            found = [e for e in found if isinstance(e, Gap) or e.key == key]
        entries = tuple(found[:limit])
        end = entries[-1].last if len(entries) == limit else extent.last
        return Page(extent, ((missed, *entries) if missed else entries), end)

    def tail(self, after: int) -> "ModelTail":
        return ModelTail(self, after)


class ModelTail:
    def __init__(self, broker: ModelBroker, after: int) -> None:
        self.broker = broker
        self.position = after
        self.generation = broker.generation

    def next(self, count: int) -> tuple[Entry, ...]:
        broker = self.broker
        found: list[Entry] = []
        if self.generation != broker.generation:
            self.generation = broker.generation
            self.position = broker.first - 1
            found.append(Gap(None, self.position, GapReason.RESET))
        kept = [entry for number, entry in broker.kept.items() if number > self.position][:count]
        line = (*found, *follow(self.position, kept))
        if not kept and broker.first - 1 > self.position:
            line = (*found, Gap(self.position + 1, broker.first - 1, GapReason.EXPIRED))
        if line:
            self.position = line[-1].last
        return line
