"""A job at the broker: what is known of it there, and more of it written behind exactly that."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from pulse_radar.brokers.base import Broker
from pulse_radar.errors import SequenceConflict
from pulse_radar.jobs.events import MONITORING, event_of, job_of
from pulse_radar.jobs.life import Job
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.publisher import Publisher
from pulse_radar.publishing import Publishes
from pulse_radar.settings import Settings
from pulse_radar.stream.entry import StoredEvent

if TYPE_CHECKING:
    from pulse_radar.pulse import Pulse

__all__ = ["NOTHING", "Change", "Journal", "Seen", "Source", "seen_in", "source_of"]


# A queue of jobs may be opened before the app whose Pulse tells of them.
_LOOK_SECONDS: Final = 0.05


class Seen(msgspec.Struct, frozen=True):
    """What is known of a job, and the sequence that says so; 0 where nothing does."""

    job: Job | None = None
    sequence: int = 0


NOTHING: Final = Seen()

# From what is known to what there is to say, in this order; nothing, where it is no news.
Change: TypeAlias = Callable[[Job | None], Sequence[Job]]


class Journal:
    """Jobs at a broker. Everything is written behind what was read, so that nobody's news is overwritten."""

    def __init__(self, publishes: Publishes, broker: Broker) -> None:
        self._publishes = publishes
        self.broker: Final = broker

    async def look(self, task_id: str) -> Seen:
        """What is known of a job. Raises: BrokerUnavailable, TopicMissing, NotPermitted."""
        newest = await self.broker.newest(MONITORING, task_id)
        return NOTHING if newest is None else seen_in(newest)

    async def amend(self, task_id: str, change: Change, known: Seen | None = None) -> Seen:
        """Say what there is to say of a job, and return what is known then. `known`: as of the last look.

        Raises: what `look` and `publish` raise, but no SequenceConflict: it looks again, and asks `change` again.
        """
        while True:
            known = await self.look(task_id) if known is None else known
            try:
                return await self._write(change(known.job), known)
            except SequenceConflict:
                known = None

    async def write(self, job: Job, known: Seen) -> Seen | None:
        """Say this behind exactly what is known; None, where somebody was faster."""
        try:
            return await self._write([job], known)
        except SequenceConflict:
            return None

    async def _write(self, jobs: Sequence[Job], known: Seen) -> Seen:
        for job in jobs:
            if job.is_news_after(known.job):
                position = await self._publishes.publish(event_of(job), expect_last=known.sequence)
                known = Seen(job, position.sequence)
        return known

    def __repr__(self) -> str:
        return f"<Journal at {self.broker!r}>"


def seen_in(entry: StoredEvent) -> Seen:
    """What an event of the topic says."""
    frame = decode_server(entry.text)
    job = job_of(frame.name, frame.data) if isinstance(frame, EventFrame) and not frame.deleted else None
    return Seen(job, entry.sequence)


# A connection of one's own, or the one that a running app has.
Source: TypeAlias = Callable[[], AbstractAsyncContextManager[Journal]]


def source_of(pulse: "Pulse | str | Settings | None") -> Source:
    """Where jobs are told: by a Pulse of this process, or at the broker of a URL, of settings, of `PULSE_BROKER`.

    Raises: InvalidSetting, BrokerRefused.
    """
    if pulse is not None and not isinstance(pulse, str | Settings):
        return lambda: _of_pulse(pulse)
    settings = pulse if isinstance(pulse, Settings) else Settings.load(broker=pulse)
    # Not entered: a broker that no publisher can use is refused here, and not by the first job.
    Publisher(settings=settings)
    return lambda: _of_settings(settings)


@asynccontextmanager
async def _of_pulse(pulse: "Pulse") -> AsyncIterator[Journal]:
    while not pulse.is_running:  # noqa: ASYNC110 (it starts in another loop's time as well)
        await asyncio.sleep(_LOOK_SECONDS)
    yield Journal(pulse, pulse.broker)


@asynccontextmanager
async def _of_settings(settings: Settings) -> AsyncIterator[Journal]:
    async with Publisher(settings=settings) as publisher:
        yield Journal(publisher, publisher.broker)
