"""From the outbox to the broker: what was committed is published, in that order, each event once."""

import asyncio
import contextlib
import logging
import time
import uuid
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from types import TracebackType
from typing import Final, Self

import msgspec
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from pulse_radar.errors import (
    BrokerError,
    BrokerRefused,
    EventTooLarge,
    InvalidEvent,
    InvalidKey,
    InvalidTopic,
    NotPermitted,
    PulseError,
    TopicFull,
    TopicMissing,
    UsageError,
)
from pulse_radar.outbox.doubt import Destination, Doubt
from pulse_radar.outbox.ledger import Ledger, Noted, Waiting
from pulse_radar.outbox.outbox import Outbox
from pulse_radar.outbox.turn import TurnWatch
from pulse_radar.tasks import ended

__all__ = ["Relay", "RelayStats"]

_log: Final = logging.getLogger("pulse_radar.outbox")

# How late an event may be that another process committed, one whose own relay does not run.
_POLL_SECONDS: Final = 0.5

# A process that is stopped for longer loses its turn. Far below the two minutes for which a broker recognises an id:
# what such a process sends when it goes on is known there.
_PATIENCE_SECONDS: Final = 10.0

# So long the event that is under way may take when we are to end; then it is in doubt.
_END_SECONDS: Final = 2.0

# Until the next look while another relay has the turn, which may have looked just before our commit.
_BUSY_SECONDS: Final = 0.05

_DRAIN_LOOK_SECONDS: Final = 0.02

# Between two looks at a broker or a database that is away, and at a topic that takes nothing right now.
_PAUSE_SECONDS: Final = 0.5

# What goes in one go. All else on the connection waits behind it.
_TOGETHER_BYTES: Final = 1024 * 1024

# A database that cannot be reached; while it connects, a driver's own errors come as they are.
_AWAY: Final = (SQLAlchemyError, OSError, TimeoutError)

# What no broker and no later time will take.
_NEVER: Final = (EventTooLarge, InvalidEvent, InvalidKey, InvalidTopic)

# What one topic does not take before somebody does something about it: it holds up no other.
_NOT_NOW: Final = (TopicMissing, TopicFull, NotPermitted, BrokerRefused, UsageError)


class RelayStats(msgspec.Struct, frozen=True):
    """A snapshot: events that this relay published, that it found published already after a doubt, and that nobody
    takes; `failure` is why nothing goes out right now, None while all is well.
    """

    published: int
    recovered: int
    refused: int
    failure: str | None


class Relay:
    """Publishes what an outbox's transactions committed. Any number of processes may run one; each has its turn.

    An async context manager. It looks at once after each commit of this process, and twice a second anyway.
    Guarantee: an event is published exactly once, also if processes are killed between any two steps. Only if its
    topic has forgotten by then what it held at that moment, it is published again, and a warning says so.

    Example:
        async with pulse, Relay(outbox, engine, pulse):
            yield
    """

    def __init__(
        self,
        outbox: Outbox,
        engine: AsyncEngine,
        destination: Destination,
        *,
        poll_seconds: float = _POLL_SECONDS,
        patience_seconds: float = _PATIENCE_SECONDS,
    ) -> None:
        """`destination`: a Pulse that runs, or a Publisher. `patience_seconds`: so long after a relay died, or was
        stopped, another one takes its turn; the same in all processes.
        """
        self._outbox = outbox
        self._ledger = Ledger(engine, outbox.tables)
        self._destination = destination
        self._poll_seconds = poll_seconds
        # Half: the other half is how late the one who watches may be, and our note of it.
        self._stir_seconds = patience_seconds / 2
        self._watch = TurnWatch(patience_seconds)
        self._name = uuid.uuid4().hex
        self._woken = asyncio.Event()
        # Topics that take nothing right now, each with when they are tried again: monotonic seconds.
        self._held_up: dict[str, float] = {}
        self._positions: dict[str, int] = {}
        self._published = self._recovered = self._refused = 0
        self._failure: str | None = None
        # It concerns more than one topic: a commit does not mend it.
        self._is_stuck = False
        self._is_ending = False
        self._running: asyncio.Task[None]

    async def __aenter__(self) -> Self:
        """Raises: SQLAlchemyError, where the tables are not there."""
        await self._ledger.open()
        loop = asyncio.get_running_loop()

        def wake() -> None:
            loop.call_soon_threadsafe(self._woken.set)

        self._detach = self._outbox.attach(wake)
        self._running = asyncio.create_task(self._run(), name="outbox relay")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Publish no more, and let others have the turn; what waits is there for them."""
        self._detach()
        self._is_ending = True
        self._woken.set()
        await asyncio.wait([self._running], timeout=_END_SECONDS)
        self._running.cancel()
        await ended(self._running)
        with contextlib.suppress(*_AWAY):
            await self._ledger.give_up(self._name)

    async def drain(self, within_seconds: float) -> None:
        """Return when all that was committed is published, by whomever, or the time is up."""
        with contextlib.suppress(*_AWAY):
            async with asyncio.timeout(within_seconds):
                while await self._ledger.look(()) is not None:
                    self._woken.set()
                    await asyncio.sleep(_DRAIN_LOOK_SECONDS)

    def stats(self) -> RelayStats:
        return RelayStats(self._published, self._recovered, self._refused, self._failure)

    async def _run(self) -> None:
        while not self._is_ending:
            self._woken.clear()
            self._is_stuck = False
            pause = self._poll_seconds
            try:
                if await self._finds_the_turn_taken():
                    pause = _BUSY_SECONDS
            except Exception as error:  # noqa: BLE001  # whatever it is: what waits must go out when it is mended
                self._fail(error)
            if self._is_stuck:
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                await self._until_woken(pause)

    async def _until_woken(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _finds_the_turn_taken(self) -> bool:
        """Publish until nothing waits that can go out now; or leave it to the one whose turn it is."""
        turn = await self._ledger.look(self._held())
        if turn is None:
            return False
        now = time.monotonic()
        # Our own, of a round that came to nothing, is free.
        if turn.holder != self._name and not self._watch.may_take(turn, now):
            return True
        batch = await self._ledger.take(turn, self._name, self._held())
        if batch is None:
            return True
        doubt = await self._doubt() if turn.in_doubt else None
        await self._publish_all(batch, turn.version + 1, now + self._stir_seconds, doubt)
        return False

    async def _doubt(self) -> Doubt:
        self._positions = await self._ledger.positions()
        return Doubt(self._destination, self._positions)

    async def _publish_all(
        self, batch: Sequence[Waiting] | None, version: int, until: float, doubt: Doubt | None
    ) -> None:
        """Batch after batch, for as long as there are any and the turn is ours."""
        # What nobody knew the outcome of goes one by one: else it could go on like that.
        together = doubt is None
        while batch:
            noted = await self._publish(batch, until, doubt, together=together)
            together = True
            # What is held up, or left to others, was perhaps not looked at.
            noted.in_doubt |= doubt is not None and (bool(self._held_up) or self._is_ending)
            until = time.monotonic() + self._stir_seconds
            batch = await self._ledger.note(noted, version, self._held(), ends=self._is_ending)
            version += 1

    async def _publish(
        self, batch: Sequence[Waiting], until: float, doubt: Doubt | None, *, together: bool
    ) -> Noted:
        """Publish in order, and say what became of each. Ends early where the outcome of one is not known."""
        noted = Noted()
        try:
            await self._prepare(batch)
            if doubt is not None:
                await self._recover(batch, doubt, noted)
            done = set(noted.published)
            for run in _runs(waiting for waiting in batch if waiting.row not in done):
                if together and await self._publish_together(run, noted, until):
                    continue
                for waiting in run:
                    await self._publish_one(waiting, noted, until)
        except (BrokerError, TimeoutError) as error:
            noted.in_doubt = True
            self._fail(error)
        else:
            if not self._held_up:
                self._failure = None
        return noted

    def _may_publish(self, topic: str, noted: Noted, until: float) -> bool:
        # A refusal is noted before anything behind it goes out: found there, that would say of all before it that
        # they are published.
        is_free = topic not in self._held_up and not noted.refused
        return is_free and not self._is_ending and time.monotonic() < until

    async def _prepare(self, batch: Sequence[Waiting]) -> None:
        """Know of each topic where it stands before anything of ours is in it, and have it noted."""
        topics = {waiting.draft.topic for waiting in batch} - self._positions.keys()
        if not topics:
            return
        self._positions = await self._ledger.positions()
        new = {}
        for topic in topics - self._positions.keys():
            try:
                new[topic] = (await self._destination.broker.extent(topic)).last
            except _NOT_NOW as error:
                self._hold_up(topic, error)
        await self._ledger.begin_at(new)
        self._positions |= new

    async def _recover(self, batch: Sequence[Waiting], doubt: Doubt, noted: Noted) -> None:
        for topic, of_topic in groupby(sorted(batch, key=_topic), key=_topic):
            if topic in self._held_up:
                continue
            try:
                published = await doubt.published(list(of_topic))
            except _NOT_NOW as error:
                self._hold_up(topic, error)
                continue
            noted.published += published
            self._recovered += len(published)
            if published:
                noted.positions[topic] = max(published.values())

    async def _publish_together(self, run: Sequence[Waiting], noted: Noted, until: float) -> bool:
        """Whether all of these went in one go; else they are to go one by one, as far as they may."""
        topic = run[0].draft.topic
        if len(run) == 1 or not self._may_publish(topic, noted, until):
            return False
        try:
            async with asyncio.timeout(until - time.monotonic()):
                positions = await self._destination.publish_together([waiting.draft for waiting in run])
        except _NOT_NOW as error:
            self._hold_up(topic, error)
            return False
        if positions:
            self._published += len(run)
            noted.published += [waiting.row for waiting in run]
            noted.positions[topic] = positions[-1].sequence
        return bool(positions)

    async def _publish_one(self, waiting: Waiting, noted: Noted, until: float) -> None:
        draft = waiting.draft
        if not self._may_publish(draft.topic, noted, until):
            return
        try:
            async with asyncio.timeout(until - time.monotonic()):
                position = await self._destination.publish_draft(draft)
        except _NEVER as error:
            self._refused += 1
            _log.error("%s/%s with the id %s is not published: %s", draft.topic, draft.name, draft.id, error)
            noted.refused[waiting.row] = str(error)
        except _NOT_NOW as error:
            self._hold_up(draft.topic, error)
        else:
            self._published += 1
            noted.published.append(waiting.row)
            noted.positions[draft.topic] = position.sequence

    def _held(self) -> list[str]:
        """The topics that are held up now."""
        now = time.monotonic()
        self._held_up = {topic: until for topic, until in self._held_up.items() if until > now}
        return list(self._held_up)

    def _hold_up(self, topic: str, error: Exception) -> None:
        self._held_up[topic] = time.monotonic() + _PAUSE_SECONDS
        self._complain(error)

    def _fail(self, error: Exception) -> None:
        self._is_stuck = True
        self._complain(error)

    def _complain(self, error: Exception) -> None:
        told = str(error) or f"{type(error).__name__}: no answer in time"
        if told != self._failure:
            is_foreseen = isinstance(error, (PulseError, *_AWAY))
            _log.warning("the outbox waits: %s", told, exc_info=None if is_foreseen else error)
        self._failure = told

    def __repr__(self) -> str:
        return f"<Relay {self._published} published, {self._failure or 'well'}>"


def _runs(batch: Iterable[Waiting]) -> Iterator[list[Waiting]]:
    """Neighbours of one topic, as many as may go in one go."""
    run: list[Waiting] = []
    size = 0
    for waiting in batch:
        size += len(waiting.draft.data)
        if run and (waiting.draft.topic != run[0].draft.topic or size > _TOGETHER_BYTES):
            yield run
            run, size = [], len(waiting.draft.data)
        run.append(waiting)
    if run:
        yield run


def _topic(waiting: Waiting) -> str:
    return waiting.draft.topic
