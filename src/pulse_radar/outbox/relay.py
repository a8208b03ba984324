"""From the outbox to the broker: what was committed is published, in that order, each event once."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from pulse_radar.errors import BrokerError
from pulse_radar.outbox.doubt import Destination, Doubt
from pulse_radar.outbox.ledger import Ledger, Noted, Waiting
from pulse_radar.outbox.obstacles import AWAY, PAUSE_SECONDS, Obstacles
from pulse_radar.outbox.outbox import Outbox
from pulse_radar.outbox.round import Round, Tally
from pulse_radar.outbox.standings import Standings
from pulse_radar.outbox.turn import TurnWatch
from pulse_radar.tasks import ended

__all__ = ["Relay", "RelayStats"]

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
        self._obstacles = Obstacles()
        self._standings = Standings(self._ledger, destination, self._obstacles)
        self._tally = Tally()
        self._poll_seconds = poll_seconds
        # Half: the other half is how late the one who watches may be, and our note of it.
        self._stir_seconds = patience_seconds / 2
        self._watch = TurnWatch(patience_seconds)
        self._name = uuid.uuid4().hex
        self._woken = asyncio.Event()
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
        with contextlib.suppress(*AWAY):
            await self._ledger.give_up(self._name)

    async def drain(self, within_seconds: float) -> None:
        """Return when all that was committed is published, by whomever, or the time is up."""
        with contextlib.suppress(*AWAY):
            async with asyncio.timeout(within_seconds):
                while await self._ledger.look(()) is not None:
                    self._woken.set()
                    await asyncio.sleep(_DRAIN_LOOK_SECONDS)

    def stats(self) -> RelayStats:
        tally = self._tally
        return RelayStats(tally.published, tally.recovered, tally.refused, self._obstacles.told)

    async def _run(self) -> None:
        while not self._is_ending:
            self._woken.clear()
            self._obstacles.look_again()
            pause = self._poll_seconds
            try:
                if await self._finds_the_turn_taken():
                    pause = _BUSY_SECONDS
            except Exception as error:  # noqa: BLE001  # whatever it is: what waits must go out when it is mended
                self._obstacles.stop_all(error)
            if self._obstacles.are_of_all:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                await self._until_woken(pause)

    async def _until_woken(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _finds_the_turn_taken(self) -> bool:
        """Publish until nothing waits that can go out now; or leave it to the one whose turn it is."""
        turn = await self._ledger.look(self._obstacles.held_up(time.monotonic()))
        if turn is None:
            return False
        now = time.monotonic()
        # Our own, of a round that came to nothing, is free.
        if turn.holder != self._name and not self._watch.may_take(turn, now):
            return True
        batch = await self._ledger.take(turn, self._name, self._obstacles.held_up(now))
        if batch is None:
            return True
        doubt = await self._standings.doubt() if turn.in_doubt else None
        await self._publish_all(batch, turn.version + 1, now + self._stir_seconds, doubt)
        return False

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
            noted.in_doubt |= doubt is not None and (bool(self._obstacles) or self._is_ending)
            now = time.monotonic()
            until = now + self._stir_seconds
            held_up = self._obstacles.held_up(now)
            batch = await self._ledger.note(noted, version, held_up, ends=self._is_ending)
            version += 1

    async def _publish(
        self, batch: Sequence[Waiting], until: float, doubt: Doubt | None, *, together: bool
    ) -> Noted:
        """Publish in order, and say what became of each. Ends early where the outcome of one is not known."""
        going = Round(
            self._destination, self._obstacles, self._tally, until=until, is_ending=lambda: self._is_ending
        )
        try:
            await self._standings.know(waiting.draft.topic for waiting in batch)
            if doubt is not None:
                await going.recover(batch, doubt)
            await going.publish(batch, together=together)
        except (BrokerError, TimeoutError) as error:
            going.noted.in_doubt = True
            self._obstacles.stop_all(error)
        else:
            self._obstacles.got_through()
        return going.noted

    def __repr__(self) -> str:
        return f"<Relay {self._tally.published} published, {self._obstacles.told or 'well'}>"
