"""Room for new keys in a state topic that several servers keep.

A single server refuses a key beyond the bound and goes on taking changes of the others. Servers that have to
agree look at the bound before they know that a key is an old one: full, they refuse every change, deletions
as well. So there the bound of the stream is twice that of the topic, which is for us to keep.
"""

import asyncio
import contextlib
import math
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Final

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.nats.history import History
from pulse_radar.brokers.nats.naming import Naming
from pulse_radar.brokers.nats.stream_view import StreamView
from pulse_radar.errors import NotPermitted, TopicFull

__all__ = ["Room", "full"]

# So old may be what we know of what others have stored: in that time they can bring more new keys than there is room
# for, but hardly as many as the topic has.
_LOOK_SECONDS: Final = 1.0

_NOTHING: Final = contextlib.nullcontext()


class Room:
    """Keeps the bounds of those topics; of all others it only learns that it need not."""

    def __init__(self, history: History, naming: Naming) -> None:
        self._history = history
        self._naming = naming
        self._tallies: dict[str, _Tally] = {}

    async def taken(self, draft: Draft, size: int) -> AbstractContextManager[None]:
        """What it takes while it is being stored.

        Raises: TopicFull, for a new key or more bytes than there is room for.
        """
        tally = self._tallies.get(draft.topic)
        if tally is None:
            tally = self._tallies[draft.topic] = _Tally()
        if tally.is_free:
            return _NOTHING
        if tally.is_old(_now()) or not tally.has_room_for(size):
            await self._look(draft.topic, tally)
        if not tally.has_room_for(size):
            await self._check(draft, tally, size)
        return tally.taken(size)

    async def _check(self, draft: Draft, tally: "_Tally", size: int) -> None:
        if draft.is_deletion or draft.key is None:
            return
        if not tally.has_bytes_for(size):
            raise full(draft, f"{tally.bytes} bytes")
        if await self._history.next_of(draft.topic, self._naming.subject(draft.topic, draft.key), 0) is None:
            raise full(draft, f"{tally.keys} keys")

    async def _look(self, topic: str, tally: "_Tally") -> None:
        try:
            view = await self._history.look(topic)
        except NotPermitted:
            # Nor do we keep a bound then: that of the stream remains.
            tally.seen(None, _now())
        else:
            if view is not None:
                is_ours = view.sight.is_state and view.sight.is_replicated
                tally.seen(view if is_ours else None, _now())


class _Tally:
    """What a topic has: as it was seen, with what we brought since then and what is under way."""

    def __init__(self) -> None:
        self._view: StreamView | None = None
        self._seen_at: float | None = None
        self._coming = 0
        self.keys = self.bytes = 0
        self._coming_bytes = 0

    @property
    def is_free(self) -> bool:
        """Whether it is not ours to bound, as was seen once and for all."""
        return self._seen_at is not None and self._view is None

    def is_old(self, now: float) -> bool:
        """Whether it is to be looked at again."""
        return self._seen_at is None or now - self._seen_at > _LOOK_SECONDS

    def seen(self, view: StreamView | None, now: float) -> None:
        self._view = view
        self._seen_at = now
        if view is not None:
            # What is under way may be among it: counted twice it looks fuller than it is, for a moment.
            self.keys, self.bytes = view.sight.messages + self._coming, view.size + self._coming_bytes

    def has_room_for(self, size: int) -> bool:
        """Whether even a new key fits."""
        return self._view is None or (
            self.keys < (self._view.max_messages or math.inf) and self.has_bytes_for(size)
        )

    def has_bytes_for(self, size: int) -> bool:
        return self._view is None or self.bytes + size <= (self._view.max_bytes or math.inf)

    @contextlib.contextmanager
    def taken(self, size: int) -> Iterator[None]:
        self._coming += 1
        self._coming_bytes += size
        self.keys += 1
        self.bytes += size
        try:
            yield
        finally:
            self._coming -= 1
            self._coming_bytes -= size


def full(draft: Draft, has: str) -> TopicFull:
    return TopicFull(
        f"{draft.topic} has as much as it may have ({has}): raise max_keys or max_bytes, delete keys, or give "
        "them a ttl"
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
