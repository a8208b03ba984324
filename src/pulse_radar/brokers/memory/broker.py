"""The topics of one process, each a log or a state, and the contract on top of them."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, TypeVar

from msgspec.structs import replace

from pulse_radar.brokers.base import Answering, Broker, Draft, NobodyThere
from pulse_radar.brokers.bounds import narrowed
from pulse_radar.brokers.memory.log import MemoryLog
from pulse_radar.brokers.memory.siblings import refuse_siblings
from pulse_radar.brokers.memory.state import MemoryState
from pulse_radar.brokers.topic_spec import LogTopic, StateTopic, TopicSpec
from pulse_radar.errors import BrokerRefused, TopicMissing
from pulse_radar.protocol.grammar import check_key
from pulse_radar.stream.entry import Entry, Extent, Page, StoredEvent

__all__ = ["MemoryBroker"]

_TAIL_BATCH: Final = 1_000

_Kept = MemoryLog | MemoryState
_Spec = TypeVar("_Spec", bound=TopicSpec)


class MemoryBroker(Broker):
    """Keeps each topic in this process: for development, tests and apps of one process.

    A restart forgets the events but not the order: sequences start from the clock, so they never go back.
    """

    def __init__(self, *, now: Callable[[], float] = time.time, show_traceparent: bool = False) -> None:
        """`now` tells seconds since 1970. `show_traceparent`: clients are told to which trace an event belongs."""
        self._now = now
        self._shows_traceparent = show_traceparent
        self._topics: dict[str, _Kept] = {}
        self._answering: dict[str, Answering] = {}

    async def declare(self, topics: Sequence[TopicSpec], *, narrow: bool = False) -> None:
        refuse_siblings(spec.name for spec in topics)
        for spec in topics:
            _check_kind(self._topics.get(spec.name), spec)
        for spec in topics:
            kept = self._topics.get(spec.name)
            if kept is None:
                self._topics[spec.name] = self._make(spec, int(self._now() * 1_000_000))
            else:
                _retain(kept, spec, narrow)

    async def replace(self, topic: TopicSpec) -> None:
        old = self._topics.get(topic.name)
        above = 0 if old is None else old.extent().last + 1
        self._topics[topic.name] = self._make(topic, max(above, int(self._now() * 1_000_000)))
        if old is not None:
            # Its tails find another topic under the name.
            old.changed.set()

    async def store(self, draft: Draft, *, expect_last: int | None = None) -> int:
        sequence = self._topic(draft.topic).store(draft, expect_last)
        # Without a pause a loop of publishes would keep the event loop, and the sockets unserved.
        await asyncio.sleep(0)
        return sequence

    async def recognises(self, topic: str, *, after: int, age_seconds: float) -> bool:
        self._topic(topic)
        # No acknowledgement is ever lost here: what was not acknowledged is not stored.
        return True

    async def find(self, draft: Draft, *, after: int, age_seconds: float) -> int | None:
        sequence = self._topic(draft.topic).find(draft, after)
        return sequence if sequence is not None and sequence > after else None

    async def extent(self, topic: str) -> Extent:
        return self._topic(topic).extent()

    async def read(self, topic: str, *, after: int, limit: int, key: str | None = None) -> Page:
        return self._topic(topic).page(after, limit, key)

    async def newest(self, topic: str, key: str) -> StoredEvent | None:
        return self._topic(topic).newest(check_key(key))

    async def tail(self, topic: str, *, after: int) -> AsyncIterator[Sequence[Entry]]:
        while True:
            kept = self._topic(topic)
            # Taken before the look, and nothing awaits in between: no change goes unseen.
            changed = kept.changed
            page = kept.page(after, _TAIL_BATCH, None)
            if page.entries:
                after = page.end
                yield page.entries
            else:
                await _either(changed, kept.due_in())

    def known_last(self, topic: str) -> int | None:
        kept = self._topics.get(topic)
        return None if kept is None else kept.extent().last

    async def answer(self, address: str, answering: Answering) -> None:
        self._answering[check_key(address)] = answering

    def is_answering(self, address: str) -> bool:
        return address in self._answering

    async def ask(
        self, address: str, verb: str, content: bytes = b"", *, patience_seconds: float = 2.0
    ) -> bytes:
        answering = self._answering.get(check_key(address))
        if answering is None:
            raise NobodyThere(f"nobody answers at {address}")
        return answering(verb, content)

    def _topic(self, topic: str) -> _Kept:
        try:
            return self._topics[topic]
        except KeyError:
            raise TopicMissing(f"nobody declared the topic {topic!r} on this broker") from None

    def _make(self, spec: TopicSpec, origin: int) -> _Kept:
        if isinstance(spec, LogTopic):
            return MemoryLog(spec, self._now, origin, shows_traceparent=self._shows_traceparent)
        return MemoryState(spec, self._now, origin, shows_traceparent=self._shows_traceparent)

    def __repr__(self) -> str:
        return f"<MemoryBroker {len(self._topics)} topics>"


def _check_kind(kept: _Kept | None, spec: TopicSpec) -> None:
    if kept is not None and type(kept.spec) is not type(spec):
        raise BrokerRefused(f"the topic {spec.name!r} is of the other kind here: choose another name")


def _retain(kept: _Kept, spec: TopicSpec, narrow: bool) -> None:
    match kept, spec:
        case MemoryLog(), LogTopic():
            kept.retain(spec if narrow else _widened(spec, kept.spec))
        case MemoryState(), StateTopic():
            kept.retain(spec if narrow else _widened(spec, kept.spec))
        case _:
            raise AssertionError("its kind was checked")


def _widened(spec: _Spec, kept: _Spec) -> _Spec:
    bounds = {field: getattr(kept, field) for field in kept.BOUNDS}
    return replace(spec, **{field: bounds[field] for field in narrowed(spec, bounds)})


async def _either(changed: asyncio.Event, seconds: float | None) -> None:
    """Until something changes, by somebody's doing or by time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await changed.wait()
