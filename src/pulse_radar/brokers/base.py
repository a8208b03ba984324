"""The contract of a broker: what moves events between processes and keeps their history.

Every broker passes the suite in `pulse_radar.testing.broker_contract`. In words:

- A broker numbers the events of a topic: +1 each, starting from the microsecond at which the topic's
  stream was created. Numbers never go back, not even when a stream is lost and made anew.
- `store` returns once the event is stored. The same id within the duplicate window is stored once and
  answers the first number again.
- `store_together` stores all or none. Not every broker can, and none need: it only saves time.
- `tail` yields every entry after a position, in order, for ever. It reconnects by itself and reports a
  discontinuity as a `Gap` among the entries, never as silence: a number that will not come is in a gap.
- `read` is history, oldest first, a page at a time.
- What cannot be read as an event (foreign bytes) is a `Gap` with the reason `unreadable`.
- `ask` reaches whoever answers at an address, in any process, and returns the answer or raises: nothing that is asked
  is kept, and nothing is asked twice.

Of a state topic it keeps the newest event of each key, and the contract is the same but for this:

- Events that were superseded by a newer one of their key are holes as any other (`expired`).
- A deletion is an event (`is_deletion`) that supersedes the last value of its key. A key that is not
  renewed within its `ttl` is deleted by the broker. A deletion is forgotten after a while.
- `tail` and `read` from a position after which a deletion may be forgotten (`Extent.first` says which)
  begin anew: with a `Gap` of the reason `reset`, and then the newest event of every key. After 0 they just
  begin.
- What cannot be read as an event, under a key that can, is the deletion of that key: its last value is gone.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from types import TracebackType
from typing import Self, TypeAlias

import msgspec

from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.durations import BOUNDS_IN_WORDS, is_within_bounds
from pulse_radar.errors import BrokerUnavailable, InvalidEvent
from pulse_radar.protocol.grammar import check_event_id, check_event_name, check_key, check_topic
from pulse_radar.stream.entry import Entry, Extent, Page, StoredEvent

__all__ = ["Answering", "Broker", "Draft", "NobodyThere", "NotStored"]

# Answers what is asked of an address: a verb and its content. It must not wait.
Answering: TypeAlias = Callable[[str, bytes], bytes]


class NotStored(BrokerUnavailable):
    """The broker is away, and for certain: what was attempted is not stored."""


class NobodyThere(BrokerUnavailable):
    """Nobody answers at this address right now; for certain, nothing was done."""


class Draft(msgspec.Struct, frozen=True):
    """An event that is not stored yet. `data` is its JSON; `timestamp_ms` is milliseconds since 1970.

    Of a state topic: `is_deletion` says that its key is no more, `ttl_seconds` when that will be so by itself.
    `traceparent` (W3C) is the trace to which it belongs.
    """

    topic: str
    name: str
    data: bytes
    id: str
    key: str | None = None
    timestamp_ms: int | None = None
    ttl_seconds: float | None = None
    is_deletion: bool = False
    traceparent: str | None = None

    def __post_init__(self) -> None:
        check_topic(self.topic)
        check_event_name(self.name)
        check_event_id(self.id)
        if self.key is not None:
            check_key(self.key)
        if self.ttl_seconds is not None and not is_within_bounds(self.ttl_seconds):
            raise InvalidEvent(f"ttl is {self.ttl_seconds} s: {BOUNDS_IN_WORDS}")
        if self.key is None and (self.is_deletion or self.ttl_seconds is not None):
            raise InvalidEvent(f"{self.topic}/{self.name}: only an event with a key is deleted or has a ttl")


class Broker(ABC):
    """Moves events between processes and keeps their history. Used as an async context manager."""

    async def __aenter__(self) -> Self:
        """Connect. Raises BrokerUnavailable, BrokerRefused."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing running."""
        return

    @abstractmethod
    async def declare(self, topics: Sequence[TopicSpec], *, narrow: bool = False) -> None:
        """Create these topics, or widen existing ones to this retention; their events stay.

        A bound that is narrower than the one it is kept by would delete events: without `narrow` it is a warning,
        and the wider bound stays. All are checked before the first is touched.
        Raises: BrokerUnavailable, NotPermitted. BrokerRefused, where an existing one is of the other kind.
        """

    @abstractmethod
    async def replace(self, topic: TopicSpec) -> None:
        """Make this topic anew, without its events, whatever it was; its numbers go on above the old ones.

        Raises: BrokerUnavailable, NotPermitted, BrokerRefused.
        """

    @abstractmethod
    async def store(self, draft: Draft, *, expect_last: int | None = None) -> int:
        """Store one event and return its sequence: one attempt, no retry.

        `expect_last`: store only if this is the newest sequence of the draft's key (0: it has none).
        Raises: BrokerUnavailable (stored or not is unknown; NotStored: it is not), TopicMissing, NotPermitted,
        EventTooLarge, SequenceConflict. TopicFull, for a new key of a state topic that has enough. InvalidEvent,
        for one without a key there, and for a deletion or a ttl on a log.
        """

    def takes_together(self, topic: str) -> bool:
        """Whether `store_together` is worth a try on this topic, as far as is known here."""
        return False

    async def store_together(self, drafts: Sequence[Draft]) -> int | None:
        """Store drafts of one topic, each right behind the one before it, or none of them; the last one's sequence.

        None: this broker has no way to do it, or one of them is refused; nothing is stored, and `store` says why.
        Raises: BrokerUnavailable: all or none is stored, and nobody knows (NotStored: none).
        """
        return None

    @abstractmethod
    async def recognises(self, topic: str, *, after: int, age_seconds: float) -> bool:
        """Whether an event that may have been stored so long ago is known again, by its id, if it is stored now.

        `after`: the topic's newest position before that, as far as it was known; 0 if it was not.
        Raises: BrokerUnavailable, TopicMissing, NotPermitted.
        """

    @abstractmethod
    async def find(self, draft: Draft, *, after: int, age_seconds: float) -> int | None:
        """What became of a draft that was attempted so long ago: its sequence, or None: it was not stored.

        `after`: the topic's newest position before that, as far as it was known; 0 if it was not.
        Raises: BrokerUnavailable, TopicMissing, NotPermitted. OutcomeUnknown, where it can have been stored and
        be superseded or no longer kept.
        """

    @abstractmethod
    async def extent(self, topic: str) -> Extent:
        """How far the topic reaches, from the broker itself. Raises: BrokerUnavailable, TopicMissing."""

    @abstractmethod
    async def read(self, topic: str, *, after: int, limit: int, key: str | None = None) -> Page:
        """At most `limit` events after the position `after`, of one key where one is given, and the gaps between them.

        Fewer, where they are large: how far the page reaches is its `end`, and what is there its `extent`.
        A hole before the first or between two events is reported as a `Gap` entry, which counts for nothing.
        Raises: BrokerUnavailable, TopicMissing.
        """

    @abstractmethod
    async def newest(self, topic: str, key: str) -> StoredEvent | None:
        """The newest event of a key, which may be its deletion; None, where none is kept.

        Its sequence is what `store` takes as `expect_last`.
        Raises: BrokerUnavailable, TopicMissing, NotPermitted, InvalidKey.
        """

    @abstractmethod
    def tail(self, topic: str, *, after: int) -> AsyncIterator[Sequence[Entry]]:
        """Every entry after the position `after`, in order, for ever, in batches as they arrive."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection right now; it is renewed for ever."""
        return True

    def known_last(self, topic: str) -> int | None:
        """The newest sequence that is known here to be given out, without asking anybody; None, where nothing is.

        Of a topic that is followed here it is as old as the last look at it: a second, while there is a connection.
        """
        return None

    @abstractmethod
    async def answer(self, address: str, answering: Answering) -> None:
        """Answer what is asked of this address, a key, from now on and over all interruptions.

        Raises: InvalidKey.
        """

    @abstractmethod
    def is_answering(self, address: str) -> bool:
        """Whether what is asked of this address reaches us, as far as the broker lets it."""

    @abstractmethod
    async def ask(
        self, address: str, verb: str, content: bytes = b"", *, patience_seconds: float = 2.0
    ) -> bytes:
        """The answer of whoever answers at this address.

        Raises: NobodyThere at once, where nobody does. BrokerUnavailable, when no answer came in time: it may have
        been heard all the same. NotStored, while there is no connection. InvalidKey, NotPermitted.
        """
