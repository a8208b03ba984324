"""From "please publish" to "it is stored": retries without duplicates, waiting with a bound."""

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Final, Self

import msgspec
from msgspec.structs import replace

from pulse_radar.brokers.base import Broker, Draft, NotStored
from pulse_radar.errors import (
    BrokerRefused,
    BrokerUnavailable,
    EventTooLarge,
    InvalidEvent,
    NotPermitted,
    OutboxFull,
    OutcomeUnknown,
    PulseError,
    SequenceConflict,
    TopicMissing,
)
from pulse_radar.histogram import Histogram, HistogramStats
from pulse_radar.protocol.grammar import MAX_SEQUENCE
from pulse_radar.settings import Settings
from pulse_radar.tracing import publishing

__all__ = ["PublishQueue", "PublishQueueStats", "PublishStats"]

# A topic that nobody created yet may be about to be: an API process starts beside the worker.
_TOPIC_PATIENCE_SECONDS: Final = 3.0

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 1.0


# From a server beside us, which takes 0.2 ms, over an election (8.5 s) to the deadline (30 s).
_PUBLISH_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0)


class PublishStats(msgspec.Struct, frozen=True):
    """The publishes of one topic since the start: seconds until each was stored, and errors by name of their class."""

    seconds: HistogramStats
    failed: dict[str, int]


class PublishQueueStats(msgspec.Struct, frozen=True):
    """A snapshot: how many publishes are under way of how many that may be, and how many attempts were repeats."""

    waiting: int
    limit: int
    retries: int
    topics: dict[str, PublishStats]


class PublishQueue:
    """Stores drafts at a broker, first come first served while it is away.

    While all goes well publishes run side by side. One that fails goes on in a line that all later ones
    of its topic join behind it, so that an outage does not turn the order around.
    """

    def __init__(self, broker: Broker, *, limit: int, deadline_seconds: float, max_event_bytes: int) -> None:
        self._broker = broker
        self._limit = limit
        self._max_event_bytes = max_event_bytes
        self._deadline_seconds = deadline_seconds
        self._waiting = 0
        self._retries = 0
        # Who waits for the broker, by topic: one topic that is missing holds up no other.
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)
        # The deadlines of all that are under way.
        self._deadlines: set[asyncio.Timeout] = set()
        # The newest position known, per topic: what is attempted from then on is stored behind it, if at all.
        self._newest: dict[str, int] = {}
        self._tallies: defaultdict[str, _Tally] = defaultdict(_Tally)

    @classmethod
    def from_settings(cls, broker: Broker, settings: Settings) -> Self:
        """The queue of a process with these settings."""
        return cls(
            broker,
            limit=settings.outbox_limit,
            deadline_seconds=settings.publish_deadline,
            max_event_bytes=settings.max_event_bytes,
        )

    async def publish(self, draft: Draft, *, expect_last: int | None = None) -> int:
        """Store the draft and return its sequence.

        Raises: EventTooLarge, OutboxFull: before any attempt. At the deadline OutcomeUnknown, or BrokerUnavailable
        when nothing was attempted. OutcomeUnknown before it, where a lost attempt can neither be found nor be
        repeated without a risk. TopicMissing, NotPermitted, SequenceConflict.
        Cancel: the event may or may not be stored; the same id makes another publish safe.
        """
        tally = self._tallies[draft.topic]
        began = time.monotonic()
        try:
            with _span(draft) as traceparent:
                sequence = await self._publish(_within(draft, traceparent), expect_last)
        except PulseError as error:
            tally.failed[type(error).__name__] += 1
            raise
        tally.seconds.observe(time.monotonic() - began)
        return sequence

    async def _publish(self, draft: Draft, expect_last: int | None) -> int:
        self._admit(draft, expect_last)
        self._waiting += 1
        attempt = _Attempt(draft, expect_last)
        deadline = asyncio.timeout(self._deadline_seconds)
        self._deadlines.add(deadline)
        try:
            async with deadline:
                sequence = await self._store(attempt)
        except TimeoutError:
            raise _too_late(attempt) from None
        finally:
            self._waiting -= 1
            self._deadlines.discard(deadline)
        self._note(draft.topic, sequence)
        return sequence

    async def publish_together(self, drafts: Sequence[Draft]) -> list[int]:
        """Store drafts of one topic in one go, each right behind the one before it; their sequences.

        None, where that is not possible: nothing is stored then, and they are to be published one by one.
        Raises: OutcomeUnknown: all or none is stored, and nobody knows.
        Cancel: the same.
        """
        if not self._may_go_together(drafts):
            return []
        self._waiting += len(drafts)
        began = time.monotonic()
        try:
            with contextlib.ExitStack() as spans:
                last = await self._store_together(
                    [_within(one, spans.enter_context(_span(one))) for one in drafts]
                )
        finally:
            self._waiting -= len(drafts)
        if last is None:
            return []
        topic = drafts[0].topic
        for _ in drafts:
            self._tallies[topic].seconds.observe(time.monotonic() - began)
        self._note(topic, last)
        return list(range(last - len(drafts) + 1, last + 1))

    def _may_go_together(self, drafts: Sequence[Draft]) -> bool:
        topic = drafts[0].topic
        # Those who wait in line were first.
        is_free = self._lines[topic].length == 0 and self._waiting + len(drafts) <= self._limit
        fit = all(len(draft.data) <= self._max_event_bytes for draft in drafts)
        return is_free and fit and self._broker.takes_together(topic)

    async def _store_together(self, drafts: Sequence[Draft]) -> int | None:
        try:
            return await self._broker.store_together(drafts)
        except NotStored:
            return None
        except BrokerUnavailable as error:
            first = drafts[0]
            raise OutcomeUnknown(
                first.id, f"{len(drafts)} events of {first.topic} may be stored or not: {error}"
            ) from error

    def _admit(self, draft: Draft, expect_last: int | None) -> None:
        if len(draft.data) > self._max_event_bytes:
            raise EventTooLarge(
                f"{draft.topic}/{draft.name} has {len(draft.data)} bytes of data, at most "
                f"{self._max_event_bytes} are allowed: publish a reference and let the page load the rest"
            )
        if expect_last is not None and not 0 <= expect_last <= MAX_SEQUENCE:
            raise InvalidEvent(
                f"expect_last is {expect_last}: it is a sequence, or 0 for a key that has none"
            )
        if self._waiting >= self._limit:
            raise OutboxFull(
                f"{self._waiting} publishes already wait for {self._broker!r}: this one was not attempted. "
                "Slow down, or raise outbox_limit"
            )

    async def _store(self, attempt: "_Attempt") -> int:
        line = self._lines[attempt.draft.topic]
        # The first of a topic goes by the line, too, while its newest position is asked for.
        if line.length == 0 and attempt.draft.topic in self._newest:
            try:
                return await self._try(attempt)
            except (BrokerUnavailable, TopicMissing):
                self._retries += 1
        line.length += 1
        try:
            async with line.turn:
                return await self._insist(attempt)
        finally:
            line.length -= 1

    async def _insist(self, attempt: "_Attempt") -> int:
        """Try until it is stored; the deadline is the caller's."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return await self._try(attempt)
            except BrokerUnavailable:
                pass
            except TopicMissing:
                if time.monotonic() - attempt.begun_at > _TOPIC_PATIENCE_SECONDS:
                    raise
            self._retries += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

    async def _try(self, attempt: "_Attempt") -> int:
        if attempt.tried_at is not None:
            return await self._try_again(attempt)
        attempt.after = await self._position(attempt.draft.topic)
        attempt.tried_at = time.monotonic()
        try:
            return await self._broker.store(attempt.draft, expect_last=attempt.expect_last)
        except (NotStored, TopicMissing):
            attempt.tried_at = None
            raise

    async def _try_again(self, attempt: "_Attempt") -> int:
        """What an earlier attempt came to, or another one where that came to nothing."""
        draft = attempt.draft
        try:
            if not await self._broker.recognises(
                draft.topic, after=attempt.after, age_seconds=attempt.age_seconds
            ):
                found = await self._find(attempt)
                if found is not None:
                    return found
            return await self._store_again(attempt)
        except (BrokerRefused, NotPermitted) as error:
            raise OutcomeUnknown(
                draft.id, f"{draft.topic}/{draft.name} may be stored, and is not sent again: {error}"
            ) from error

    async def _store_again(self, attempt: "_Attempt") -> int:
        try:
            return await self._broker.store(attempt.draft, expect_last=attempt.expect_last)
        except SequenceConflict:
            # It may be with what came after an earlier attempt that was stored.
            found = await self._find(attempt)
            if found is None:
                raise
            return found

    async def _find(self, attempt: "_Attempt") -> int | None:
        return await self._broker.find(attempt.draft, after=attempt.after, age_seconds=attempt.age_seconds)

    async def _position(self, topic: str) -> int:
        """The newest position known; an event that is attempted from now on is behind it."""
        if topic not in self._newest:
            try:
                self._note(topic, (await self._broker.extent(topic)).last)
            except NotPermitted:
                self._note(topic, 0)
        return self._newest[topic]

    def _note(self, topic: str, position: int) -> None:
        self._newest[topic] = max(position, self._newest.get(topic, 0))

    def close(self) -> None:
        """Let everything under way fail now, as at its deadline."""
        now = asyncio.get_running_loop().time()
        for deadline in self._deadlines:
            # One that has just fired, whose task did not run since, is past being set.
            if not deadline.expired():
                deadline.reschedule(now)

    def stats(self) -> PublishQueueStats:
        topics = {topic: tally.stats() for topic, tally in self._tallies.items()}
        return PublishQueueStats(self._waiting, self._limit, self._retries, topics)

    def __repr__(self) -> str:
        return f"<PublishQueue {self._waiting} waiting, {self._retries} retries>"


class _Tally:
    """What became of the publishes of one topic."""

    __slots__ = ("failed", "seconds")

    def __init__(self) -> None:
        self.failed: Counter[str] = Counter()
        self.seconds = Histogram(_PUBLISH_SECONDS)

    def stats(self) -> PublishStats:
        return PublishStats(self.seconds.stats(), dict(self.failed))


class _Line:
    """Those who wait for the broker with events of one topic."""

    __slots__ = ("length", "turn")

    def __init__(self) -> None:
        # Counted, since the lock is free for a moment at each hand-over.
        self.length = 0
        # Held by the one that tries; asyncio's locks are first in, first out.
        self.turn = asyncio.Lock()


class _Attempt:
    """One event on its way: what it is, and since when the broker may have it."""

    __slots__ = ("after", "begun_at", "draft", "expect_last", "tried_at")

    def __init__(self, draft: Draft, expect_last: int | None) -> None:
        self.draft = draft
        self.expect_last = expect_last
        # If it is stored, then behind this position.
        self.after = 0
        self.begun_at = time.monotonic()
        self.tried_at: float | None = None

    @property
    def age_seconds(self) -> float:
        """For so long the broker may have it."""
        return 0.0 if self.tried_at is None else time.monotonic() - self.tried_at


def _span(draft: Draft) -> AbstractContextManager[str | None]:
    return publishing(draft.topic, draft.key, draft.id, draft.traceparent)


def _within(draft: Draft, traceparent: str | None) -> Draft:
    return draft if traceparent == draft.traceparent else replace(draft, traceparent=traceparent)


def _too_late(attempt: _Attempt) -> BrokerUnavailable | OutcomeUnknown:
    draft = attempt.draft
    waited = f"{time.monotonic() - attempt.begun_at:.1f} s"
    if attempt.tried_at is None:
        return BrokerUnavailable(
            f"{draft.topic}/{draft.name} was not attempted in {waited}: the broker is away"
        )
    return OutcomeUnknown(
        draft.id,
        f"{draft.topic}/{draft.name} was not acknowledged in {waited}: it may or may not be stored. "
        f"Publish it again with id={draft.id!r} within the duplicate window, and it is stored once",
    )
