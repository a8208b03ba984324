"""A model of a broker with one state topic, small enough to be believed at sight."""

from pulse_radar.protocol.codec import DELETION, decode_body, encode_body, encode_event
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, Gap, StoredEvent

__all__ = ["ModelStateBroker", "ModelStateTail"]


class ModelStateBroker:
    def __init__(self, topic: str, origin: int) -> None:
        self.topic = topic
        self.origin = origin
        self.last = origin - 1
        # Every deletion up to here may be forgotten.
        self.horizon = origin - 1
        # All that was ever stored in this stream, and the newest of each key that is still kept.
        self.history: list[Entry] = []
        self.newest: dict[str, StoredEvent] = {}
        self.generation = 0

    @property
    def map(self) -> dict[str, int]:
        """What everybody should believe."""
        return {key: event.sequence for key, event in self.newest.items() if not event.is_deletion}

    def publish(self, key: str, *, is_deletion: bool = False) -> None:
        self.last += 1
        body = DELETION if is_deletion else decode_body(encode_body("thing_changed", b"{}"))
        text = encode_event(self.topic, self.last, body, key=key, deleted=is_deletion)
        self.newest[key] = StoredEvent(self.last, key, text, is_deletion)
        self.history.append(self.newest[key])

    def publish_garbage(self) -> None:
        self.last += 1
        self.history.append(Gap(self.last, self.last, GapReason.UNREADABLE))

    def forget_oldest_deletion(self) -> None:
        deletions = [event for event in self.newest.values() if event.is_deletion]
        if deletions:
            oldest = min(deletions, key=lambda event: event.sequence)
            self.horizon = max(self.horizon, oldest.sequence)
            assert oldest.key is not None
            del self.newest[oldest.key]

    def recreate(self) -> None:
        self.origin = self.last + 1_000
        self.last = self.horizon = self.origin - 1
        self.history.clear()
        self.newest.clear()
        self.generation += 1

    def extent(self) -> Extent:
        return Extent(self.origin, self.horizon + 1, self.last)


class ModelStateTail:
    """Follows the broker, event by event as one that keeps up, or by what is still kept as one that does not."""

    def __init__(self, broker: ModelStateBroker) -> None:
        self._broker = broker
        self._begin()

    def _begin(self) -> None:
        self._generation = self._broker.generation
        self.position = self._broker.origin - 1
        # What the topic held when we began is read as it is kept; no deletion up to here concerns us.
        self._since = self._broker.last

    def next(self, count: int, *, keeps_up: bool) -> tuple[Entry, ...]:
        broker = self._broker
        found: list[Entry] = []
        if self._generation != broker.generation or broker.horizon > max(self.position, self._since):
            self._begin()
            found.append(Gap(None, self.position, GapReason.RESET))
        entries = self._stored(keeps_up=keeps_up)
        for entry in entries[:count]:
            if entry.last > self.position + 1:
                found.append(Gap(self.position + 1, entry.last - 1, GapReason.EXPIRED))
            found.append(entry)
            self.position = entry.last
        if len(entries) <= count and self.position < broker.last:
            found.append(Gap(self.position + 1, broker.last, GapReason.EXPIRED))
            self.position = broker.last
        return tuple(found)

    def _stored(self, *, keeps_up: bool) -> list[Entry]:
        heard = [e for e in self._broker.history if keeps_up and e.last > self._since]
        kept = [e for e in self._broker.newest.values() if not keeps_up or e.last <= self._since]
        return sorted((e for e in (*heard, *kept) if e.last > self.position), key=lambda e: e.last)
