"""What code writes events into, in the transaction of the rows that they announce."""

import threading
from collections.abc import Callable
from typing import Final, overload

from sqlalchemy import MetaData
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from pulse_radar.brokers.base import Draft
from pulse_radar.durations import Duration
from pulse_radar.errors import EventTooLarge
from pulse_radar.events import Event
from pulse_radar.outbox.pending import Pending, how_many, watch_commits
from pulse_radar.outbox.tables import OutboxTables
from pulse_radar.protocol.json_value import JsonValue
from pulse_radar.publishing import draft_deletion, draft_event

__all__ = ["Outbox"]

# Hours of an outage at a handful of events a second. Behind it something is broken, and the disk is not for that.
_LIMIT: Final = 100_000

# `Settings.max_event_bytes` by default: what is larger is refused here, and not by a relay when it is too late.
_MAX_EVENT_BYTES: Final = 256 * 1024


class Outbox:
    """An outbox in a database of PostgreSQL or SQLite. Its tables are in your metadata, so your migrations make them.

    Order: that of the commits. On PostgreSQL the last moments of transactions that publish (writing their events, and
    the commit) happen one after the other for it.

    Example:
        outbox = Outbox(Base.metadata)
        async with session.begin():
            session.add(order)
            outbox.add(session, OrderPlaced(id=order.id))
    """

    def __init__(
        self,
        metadata: MetaData,
        *,
        name: str = "pulse_outbox",
        limit: int = _LIMIT,
        max_event_bytes: int = _MAX_EVENT_BYTES,
    ) -> None:
        """`name`: what its tables' names begin with. `limit`: events that may wait; with one more a commit fails."""
        self.tables: Final = OutboxTables.on(metadata, name)
        self.limit = limit
        self._max_event_bytes = max_event_bytes
        # Of each relay in this process: tells it that something was committed. Added to by other threads, too.
        self._wakers: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        watch_commits()

    @overload
    def add(
        self,
        session: Session | AsyncSession,
        event: Event,
        /,
        *,
        id: str | None = None,
        ttl: Duration | None = None,
    ) -> str: ...

    @overload
    def add(
        self,
        session: Session | AsyncSession,
        topic: str,
        name: str,
        data: JsonValue = ...,
        /,
        *,
        key: str | None = None,
        id: str | None = None,
        ttl: Duration | None = None,
    ) -> str: ...

    def add(
        self,
        session: Session | AsyncSession,
        event: Event | str,
        name: str | None = None,
        data: JsonValue = {},  # noqa: B006 (never changed)
        /,
        *,
        key: str | None = None,
        id: str | None = None,  # noqa: A002 (the glossary's word)
        ttl: Duration | None = None,
    ) -> str:
        """Have this event published if and when the session's transaction is committed; return its id.

        Takes what `publish` takes, but for `expect_last`: when it would be refused, the row is long committed.
        Raises: InvalidEvent, InvalidTopic, InvalidKey, EventTooLarge. The commit raises OutboxFull; so does this, in
        a hook that runs within the commit.
        """
        draft = draft_event(event, name, data, key=key, event_id=id, ttl=ttl)
        if len(draft.data) > self._max_event_bytes:
            raise EventTooLarge(
                f"{draft.topic}/{draft.name} has {len(draft.data)} bytes of data, at most "
                f"{self._max_event_bytes} are allowed: announce a reference and let the page load the rest"
            )
        return self._add(session, draft)

    def delete(
        self,
        session: Session | AsyncSession,
        topic: str,
        key: str,
        /,
        *,
        id: str | None = None,  # noqa: A002 (the glossary's word)
    ) -> str:
        """Have this key of a state topic deleted if and when the transaction is committed. As `add`."""
        return self._add(session, draft_deletion(topic, key, id))

    def _add(self, session: Session | AsyncSession, draft: Draft) -> str:
        # An AsyncSession is the face of a Session, which has the hooks.
        plain = session.sync_session if isinstance(session, AsyncSession) else session
        Pending.of(plain, self.tables, self.limit, self.wake).add(draft)
        return draft.id

    async def waiting(self, session: AsyncSession) -> int:
        """How many committed events are not published yet. Cost: they are counted."""
        return await session.scalar(how_many(self.tables)) or 0

    def wake(self) -> None:
        """Let the relays of this process look at once. From any thread."""
        with self._lock:
            wakers = tuple(self._wakers)
        for waker in wakers:
            waker()

    def attach(self, waker: Callable[[], None]) -> Callable[[], None]:
        """Call this at each commit with events, until what is returned is called."""
        with self._lock:
            self._wakers.append(waker)
        return lambda: self._detach(waker)

    def _detach(self, waker: Callable[[], None]) -> None:
        with self._lock:
            self._wakers.remove(waker)

    def __repr__(self) -> str:
        return f"<Outbox {self.tables.events.name}, {len(self._wakers)} relays here>"
