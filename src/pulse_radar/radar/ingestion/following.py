"""Ingestions as their jobs are: whatever ends a job, or has it wait again, does so to its ingestion.

What a worker could say, it has said by then. The rest is said here: of a job that was cancelled before anybody took it
up, of one that failed as nobody foresaw, of one whose worker did not live to say it. Uploads are deleted here, too.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec

from pulse_radar.jobs.events import MONITORING, JobCancelled, JobCompleted, JobFailed, JobQueued
from pulse_radar.jobs.journal import Journal
from pulse_radar.jobs.life import Job
from pulse_radar.jobs.watch import for_ever
from pulse_radar.radar.events import IngestionStatus
from pulse_radar.radar.ingestion.errors import AgentFailed, ExportBroken, IngestionFailed
from pulse_radar.radar.ingestion.run import PAUSED
from pulse_radar.radar.jobs.names import INGEST_EXPORT
from pulse_radar.radar.store import Store
from pulse_radar.radar.store.record import settle
from pulse_radar.radar.uploads import forget_upload, uploads_of
from pulse_radar.settings import Settings
from pulse_radar.stream.entry import StoredEvent

__all__ = ["following_jobs", "give_up", "is_needed"]

_log: Final = logging.getLogger("pulse_radar.ingestion")

_HEEDED: Final = frozenset({JobQueued.NAME, JobCancelled.NAME, JobFailed.NAME, JobCompleted.NAME})

_OPEN: Final = frozenset({"queued", "counting", "running", "finding_topics"})
_LEFT: Final = frozenset({"paused", "completed", "failed", "cancelled"})

# Their texts are made for people; of others the type is a part of what is known.
_CLEAR: Final = frozenset(error.__name__ for error in (IngestionFailed, ExportBroken, AgentFailed))

# A job waits for no longer than that (`JobBroker`): then nobody will read the file.
_LONGEST_SECONDS: Final = 7 * 24 * 3600


class _Data(msgspec.Struct):
    name: str = ""


class _Glance(msgspec.Struct):
    """All of an event that matters here: ten a second of each job are about its progress."""

    event: str
    data: _Data


_glance: Final = msgspec.json.Decoder(_Glance).decode


@asynccontextmanager
async def following_jobs(journal: Journal, store: Store, settings: Settings) -> AsyncIterator[None]:
    """Keep ingestions as their jobs are, while this lasts. Several processes may: one of them is the first."""
    following = _Following(journal, store, settings)
    task = asyncio.create_task(for_ever(following.follow), name="ingestions as their jobs are")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def is_needed(job: Job) -> bool:
    """Whether somebody may still read the file of this job."""
    match job.state:
        case "completed":
            return False
        case "cancelled":
            return job.reason == PAUSED
        case "failed":
            return job.ending is None or job.ending.error_type != ExportBroken.__name__
        case _:
            return True


async def give_up(store: Store, settings: Settings, job: Job) -> None:
    """A paused ingestion is not gone on with: it has no job any more that could be cancelled."""
    await settle(store, job.task_id, _name_of(job), "cancelled", before={"paused"})
    if path := _path_of(job):
        forget_upload(path, settings)


class _Following:
    def __init__(self, journal: Journal, store: Store, settings: Settings) -> None:
        self._journal = journal
        self._store = store
        self._settings = settings

    async def follow(self) -> None:
        await self._forget_old_uploads()
        # From the oldest: some of them may have ended while nobody listened.
        async for entries in self._journal.broker.tail(MONITORING, after=0):
            for entry in entries:
                if isinstance(entry, StoredEvent) and entry.key is not None and _is_heeded(entry):
                    await self._heed(entry.key)

    async def _heed(self, job_id: str) -> None:
        job = (await self._journal.look(job_id)).job
        if job is None or job.name != INGEST_EXPORT:
            return
        status = _status_of(job)
        if status is not None:
            again = _LEFT if job.attempt > 1 else frozenset[str]()
            before = again | {"queued"} if status == "queued" else _OPEN
            await settle(self._store, job_id, _name_of(job), status, before=before, error=_error_of(job))
        if not is_needed(job) and (path := _path_of(job)):
            forget_upload(path, self._settings)

    async def _forget_old_uploads(self) -> None:
        """Of jobs that nobody knows any more."""
        oldest = time.time() - _LONGEST_SECONDS
        for path in await asyncio.to_thread(lambda: list(uploads_of(self._settings).glob("*.json"))):
            if path.stat().st_mtime < oldest and (await self._journal.look(path.stem)).job is None:
                _log.info("%s is deleted: nothing is known of its job any more", path)
                forget_upload(path, self._settings)


def _is_heeded(entry: StoredEvent) -> bool:
    try:
        told = _glance(entry.text)
    except msgspec.DecodeError:
        return False
    return told.event in _HEEDED and told.data.name == INGEST_EXPORT


def _status_of(job: Job) -> IngestionStatus | None:
    match job.state:
        case "queued":
            return "queued"
        case "cancelled":
            return "paused" if job.reason == PAUSED else "cancelled"
        case "failed":
            return "failed"
        case _:
            return None


def _path_of(job: Job) -> Path | None:
    match job.arguments:
        case None:
            return None
        case arguments:
            return Path(str(arguments.args[0])) if arguments.args else None


def _name_of(job: Job) -> str:
    path = _path_of(job)
    return job.task_id if path is None else path.name


def _error_of(job: Job) -> str | None:
    if job.ending is None or job.ending.error is None:
        return None
    kind = job.ending.error_type
    return job.ending.error if kind in _CLEAR else f"{kind}: {job.ending.error}"
