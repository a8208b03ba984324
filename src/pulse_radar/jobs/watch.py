"""Telling of jobs whose worker cannot: every app process asks the workers, and the first to know says it is lost."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final

import msgspec
from msgspec.structs import replace

from pulse_radar.brokers.base import NobodyThere, NotStored
from pulse_radar.errors import BrokerError, BrokerUnavailable
from pulse_radar.jobs.events import (
    MONITORING,
    JobCancelling,
    JobProgressed,
    JobStarted,
)
from pulse_radar.jobs.journal import Journal
from pulse_radar.jobs.leases import Leases
from pulse_radar.jobs.life import Moment
from pulse_radar.jobs.worker import RUNS
from pulse_radar.stream.entry import Gap, StoredEvent

__all__ = ["for_ever", "watching"]

_log: Final = logging.getLogger("pulse_radar.jobs")

_PERIOD_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 2.0
_AGAIN_SECONDS: Final = 1.0

_AT_WORK: Final = frozenset({JobStarted.NAME, JobProgressed.NAME, JobCancelling.NAME})

# Who says so, in the transitions.
_BY: Final = "watch"


class _Data(msgspec.Struct):
    worker: str | None = None


class _Glance(msgspec.Struct):
    """All of an event that matters here: there may be thousands a second."""

    event: str
    data: _Data


_glance: Final = msgspec.json.Decoder(_Glance).decode
_decode_ids: Final = msgspec.json.Decoder(list[str]).decode


@asynccontextmanager
async def watching(journal: Journal) -> AsyncIterator[None]:
    """Announce, while this lasts, the jobs whose workers are gone."""
    watch = Watch(journal)
    tasks = [
        asyncio.create_task(for_ever(watch.follow), name="watch of jobs"),
        asyncio.create_task(for_ever(watch.ask_around), name="leases of jobs"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


class Watch:
    """Follows the topic of jobs, and asks the workers that are said to be at one."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._leases = Leases()

    async def follow(self) -> None:
        self._leases.forget()
        async for entries in self._journal.broker.tail(MONITORING, after=0):
            for entry in entries:
                match entry:
                    case StoredEvent():
                        self._hear(entry)
                    case Gap(reason="reset"):
                        self._leases.forget()

    async def ask_around(self) -> None:
        while True:
            await asyncio.sleep(_PERIOD_SECONDS)
            async with asyncio.TaskGroup() as group:
                for worker, jobs in self._leases.by_worker.items():
                    group.create_task(self._ask(worker, jobs))
            for task_id, sequence in self._leases.lost(time.monotonic()):
                await self._lose(task_id, sequence)

    def _hear(self, entry: StoredEvent) -> None:
        if entry.key is None:
            return
        try:
            told = _glance(entry.text)
        except msgspec.DecodeError:
            return
        if not entry.is_deletion and told.event in _AT_WORK and told.data.worker is not None:
            self._leases.at_work(entry.key, told.data.worker, entry.sequence)
        else:
            self._leases.at_rest(entry.key)

    async def _ask(self, worker: str, jobs: list[str]) -> None:
        try:
            answer = await self._journal.broker.ask(
                worker, RUNS, msgspec.json.encode(jobs), patience_seconds=_PATIENCE_SECONDS
            )
            self._leases.answered(jobs, _decode_ids(answer), time.monotonic())
        except NobodyThere:
            self._leases.unanswered(jobs, time.monotonic(), is_gone=True)
        except NotStored:
            self._leases.excuse(jobs)
        except BrokerUnavailable:
            self._leases.unanswered(jobs, time.monotonic(), is_gone=False)
        except (BrokerError, msgspec.DecodeError) as error:
            _log.debug("cannot ask %s: %r", worker, error)
            self._leases.excuse(jobs)

    async def _lose(self, task_id: str, sequence: int) -> None:
        try:
            seen = await self._journal.look(task_id)
            job = seen.job
            # Otherwise somebody said something since, and this process will hear it.
            if job is not None and seen.sequence == sequence:
                lost = replace(job, moments=(Moment("lost", datetime.now(UTC), _BY),))
                if await self._journal.write(job.joined(lost), seen) is not None:
                    _log.warning("%s %s is lost: %s is not heard of any more", job.name, task_id, job.worker)
            self._leases.at_rest(task_id)
        except BrokerError as error:
            _log.info("that %s is lost cannot be told: %s", task_id, error)


async def for_ever(work: Callable[[], Awaitable[None]]) -> None:
    """Again and again, whatever ends it: an app is not to fall over its jobs."""
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 (logged, and begun again)
            _log.exception("the watch over jobs was interrupted")
        await asyncio.sleep(_AGAIN_SECONDS)
