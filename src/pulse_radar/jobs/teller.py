"""Telling what happens to jobs, behind the back of whoever works: a bounded queue, and a connection of its own.

A hook that raises or waits would stop the job that it only tells about, and one that raises leaves it
unacknowledged for ever. So a hook leaves a note, and a task of ours takes it to the broker.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from typing import Final

import msgspec

from pulse_radar.errors import BrokerError, NotPermitted, TopicFull, UsageError
from pulse_radar.jobs.journal import Change, Journal, Seen, Source
from pulse_radar.jobs.life import Job
from pulse_radar.tracing import resumed, traceparent_here

__all__ = ["Note", "Teller", "TellerStats", "only"]

_log: Final = logging.getLogger("pulse_radar.jobs")

# Notes that wait while the broker is away: two or three a job, a kilobyte each.
_LIMIT: Final = 4_096

# Jobs are told side by side, the news of one in their order: those of one lane, one after the other.
_LANES: Final = 8

# TaskIQ gives all of a worker's shutdown five seconds.
_FLUSH_SECONDS: Final = 2.0

_RECONNECT_SECONDS: Final = 0.5

# A broker that is well answers a look within a millisecond. Slower, and the job does not wait for it, nor do those
# after it for a while.
_LOOK_SECONDS: Final = 0.05
_NO_LOOK_SECONDS: Final = 5.0


class Note(msgspec.Struct, frozen=True):
    """Something to tell of a job: what it changes, and from what on, where that is known.

    `told` is called with what is known afterwards. `what` is for the log. `traceparent`: in which trace it happened.
    """

    task_id: str
    what: str
    change: Change
    known: Callable[[], Seen | None] = lambda: None
    told: Callable[[Seen], None] = lambda _seen: None
    traceparent: str | None = msgspec.field(default_factory=traceparent_here)


class TellerStats(msgspec.Struct, frozen=True):
    """A snapshot: notes that wait, and notes that nobody will hear of."""

    waiting: int
    lost: int
    is_connected: bool


class Teller:
    """Takes notes to the broker. Never raises, never waits; what cannot be told is counted in `lost`.

    All of it belongs to one event loop.
    """

    def __init__(self, source: Source, *, limit: int = _LIMIT) -> None:
        self.lost = 0
        self._source = source
        self._lanes = [asyncio.Queue[Note | None](max(1, limit // _LANES)) for _ in range(_LANES)]
        self._flushing: asyncio.Task[None] | None = None
        self._journal: Journal | None = None
        self._is_loss_logged = False
        # Why the broker is waited for, as far as it was said.
        self._said: type[BrokerError] | None = None
        self._no_look_until = 0.0
        self._on_connected: list[Callable[[Journal], object]] = []

    def start(self) -> None:
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush(), name="telling of jobs")

    async def stop(self) -> None:
        """Tell what is still to be told, if the broker takes it soon."""
        flushing, self._flushing = self._flushing, None
        if flushing is not None:
            # Nobody waits for a connection over which there is nothing to say.
            has_news = self._journal is not None or self.stats().waiting > 0
            for lane in self._lanes:
                with contextlib.suppress(asyncio.QueueFull):
                    lane.put_nowait(None)
            if has_news:
                await asyncio.wait([flushing], timeout=_FLUSH_SECONDS)
            flushing.cancel()
            await asyncio.wait([flushing])
        for lane in self._lanes:
            while not lane.empty():
                note = lane.get_nowait()
                if note is not None:
                    self._lose(note, "the broker was away until the end")

    def tell(self, note: Note) -> None:
        try:
            self._lanes[hash(note.task_id) % _LANES].put_nowait(note)
        except asyncio.QueueFull:
            self._lose(note, "too many wait for the broker")

    async def look(self, task_id: str) -> Seen | None:
        """What is known of a job; None where the broker does not say so at once."""
        journal = self._journal
        if journal is None or time.monotonic() < self._no_look_until:
            return None
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                return await journal.look(task_id)
        except UsageError:
            # Its id is no key: nothing is known of it, and nothing is wrong with the broker.
            return None
        except Exception as error:  # noqa: BLE001 (a job does not wait for whatever is wrong there)
            _log.debug("did not look at %s: %r", task_id, error)
            self._no_look_until = time.monotonic() + _NO_LOOK_SECONDS
            return None

    def stats(self) -> TellerStats:
        return TellerStats(sum(lane.qsize() for lane in self._lanes), self.lost, self._journal is not None)

    def __repr__(self) -> str:
        stats = self.stats()
        return f"<Teller {stats.waiting} waiting, {stats.lost} lost>"

    def when_connected(self, act: Callable[[Journal], object]) -> None:
        """Do this with each new connection, before anything is told over it. It may answer something to await."""
        self._on_connected.append(act)

    def _lose(self, note: Note, why: object) -> None:
        self.lost += 1
        # Once, until something is told again: a broker that is away is no news a thousand times.
        level = logging.DEBUG if self._is_loss_logged else logging.WARNING
        self._is_loss_logged = True
        _log.log(
            level, "nobody will hear that %s is %s (%d lost): %s", note.task_id, note.what, self.lost, why
        )

    def _say_waiting(self, error: BrokerError) -> None:
        # Once, until it is another kind of trouble, or over.
        if type(error) is not self._said:
            self._said = type(error)
            _log.info("what happens to jobs waits for the broker: %s", error)

    async def _flush(self) -> None:
        """Serve all lanes over one connection after another, until all of them were told to end."""
        while True:
            try:
                async with self._source() as journal:
                    for act in self._on_connected:
                        await _awaited(act(journal))
                    self._journal, self._said = journal, None
                    async with asyncio.TaskGroup() as group:
                        for lane in self._lanes:
                            group.create_task(self._serve(lane, journal))
                    return
            except BrokerError as error:
                # For as long as it takes: the queue is the bound.
                self._say_waiting(error)
            except Exception:  # noqa: BLE001 (it goes on without an end)
                _log.exception("telling of jobs failed, and is begun again")
            finally:
                self._journal = None
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _serve(self, lane: asyncio.Queue[Note | None], journal: Journal) -> None:
        while (note := await lane.get()) is not None:
            try:
                with resumed(note.traceparent):
                    await self._tell(note, journal)
            except asyncio.CancelledError:
                self._lose(note, "the broker was away until the end")
                raise
            except Exception as error:  # noqa: BLE001
                # Whatever it is, it is this note's: the next one may be told.
                self._lose(note, repr(error))

    async def _tell(self, note: Note, journal: Journal) -> None:
        known = note.known()
        while True:
            try:
                note.told(await journal.amend(note.task_id, note.change, known))
            except (NotPermitted, TopicFull, UsageError) as error:
                self._lose(note, error)
            except BrokerError as error:
                self._say_waiting(error)
                # Whether it was stored nobody knows: the next look does.
                known = None
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            else:
                self._is_loss_logged, self._said = False, None
            return


async def _awaited(answer: object) -> None:
    if asyncio.iscoroutine(answer):
        await answer


def only(job: Job) -> Change:
    """The change that joins this to whatever is known."""
    return lambda known: [job if known is None else known.joined(job)]
