"""One run over an export: chunk after chunk, from the file into the store."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pulse_radar.radar.events import IngestionProgress, IngestionStatus
from pulse_radar.radar.ingestion.errors import AgentFailed, ExportBroken, IngestionFailed
from pulse_radar.radar.ingestion.export_file import ExportFile, open_export
from pulse_radar.radar.ingestion.looking import Looking
from pulse_radar.radar.ingestion.progress import Progress
from pulse_radar.radar.knowledge.provider import ProviderExtractor
from pulse_radar.radar.store import Store
from pulse_radar.radar.store.record import Record, open_record
from pulse_radar.radar.telegram import ExportError, TelegramMessage
from pulse_radar.radar.together import both

__all__ = ["PAUSED", "Ingestion", "Report"]

# Why the job of an ingestion is cancelled that is to go on later.
PAUSED: Final = "paused"

# Told how much of how much is done, and where.
Report: TypeAlias = Callable[[float, float | None, str | None], object]

# Messages of one transaction. Larger ones are hardly quicker, and a jumpy progress.
_CHUNK: Final = 500

# Events that may wait in the outbox before we wait for whoever publishes them.
_MOST_WAITING: Final = 5_000


class Ingestion:
    """Ingests one export. Taken up again with the same id, it goes on where it was.

    `pace`: at most so many messages a second; None for as fast as it goes. `most_waiting`: when more events wait to be
    published, ingestion waits for them. `agent`: finds the atoms; else the default extraction does. `is_upload`: people
    know the file by another name than that of `path`.
    """

    def __init__(
        self,
        ingestion_id: str,
        path: Path,
        *,
        store: Store,
        timezone: str | None = None,
        pace: float | None = None,
        report: Report = lambda _done, _total, _message: None,
        most_waiting: int = _MOST_WAITING,
        agent: AbstractAsyncContextManager[ProviderExtractor] | None = None,
        is_upload: bool = False,
    ) -> None:
        self._id = ingestion_id
        self._path = path
        self._store = store
        self._timezone = timezone
        self._pace = pace
        self._report = report
        self._most_waiting = most_waiting
        self._is_upload = is_upload
        self._progress = Progress(ingestion_id, path.name)
        self._agent = agent or nullcontext()
        self._looking = Looking(store)

    async def run(self, should_stop: Callable[[], bool]) -> bool:
        """Ingest all of it. False: it was asked to stop, and left off between two chunks or while it counted.

        Raises: IngestionFailed, for a file that cannot be read to its end. AgentFailed. SQLAlchemyError, OutboxFull.
        """
        try:
            async with open_export(self._path, self._timezone) as export, self._agent as agent:
                self._looking = Looking(self._store, agent)
                return await self._ingest(export, should_stop)
        except (ExportError, AgentFailed) as error:
            record = await self._open_record(None)
            failure = self._failure(error, record.done)
            await self._tell_failure(record, failure)
            raise failure from error
        except IngestionFailed as failure:
            await self._tell_failure(await self._open_record(None), failure)
            raise

    async def leave(self, status: Literal["paused", "cancelled"]) -> None:
        """Say that it was stopped in the middle. Another run goes on after the last chunk that was stored."""
        record = await self._open_record(None)
        await record.tell(self._as_it_is(status, record))

    async def _ingest(self, export: ExportFile, should_stop: Callable[[], bool]) -> bool:
        record = await self._open_record(export.mark)
        await record.tell(self._told("counting", record))
        total = await export.count(should_stop)
        if total is None:
            return False
        self._progress.done = record.done
        self._progress.begin(total, time.monotonic())
        await record.tell(self._told("running", record))
        export.skip(record.done)
        if not await self._read(export, record, should_stop):
            return False
        export.check()
        if record.added:
            await record.tell(self._told("finding_topics", record))
            await self._looking.refresh_topics()
        await record.tell(self._told("completed", record))
        return True

    async def _read(self, export: ExportFile, record: Record, should_stop: Callable[[], bool]) -> bool:
        began_at, began_with = time.monotonic(), record.done
        chunk = await export.chunk(self._chunk_size())
        while chunk:
            if should_stop():
                return False
            # The next one is parsed while this one is looked through and written.
            done, following = await both(self._add(record, chunk), export.chunk(self._chunk_size()))
            chunk = await self._ahead(export, following, done - len(chunk))
            await record.until_published(self._most_waiting)
            if record.added:
                await self._looking.refresh_topics_in_time()
            if self._pace is not None:
                done = record.done - began_with
                await asyncio.sleep(began_at + done / self._pace - time.monotonic())
        return True

    async def _add(self, record: Record, chunk: Sequence[TelegramMessage]) -> int:
        batch = await self._looking.through(chunk)

        def told() -> IngestionProgress | None:
            self._progress.chat = chunk[-1].chat.name
            return self._told("running", record) if self._progress.is_due(time.monotonic()) else None

        return await record.add(batch, told)

    async def _ahead(
        self, export: ExportFile, chunk: list[TelegramMessage], messages: int
    ) -> list[TelegramMessage]:
        """What is next when so many messages more are behind us, this chunk first: another worker was faster.

        Nothing only at the end of the file, where the ingestion is completed.
        """
        if not chunk or messages < len(chunk):
            return chunk[messages:]
        export.skip(messages - len(chunk))
        return await export.chunk(self._chunk_size())

    def _chunk_size(self) -> int:
        most = self._looking.most_at_once or _CHUNK
        # A slow pace still moves several times a second.
        return most if self._pace is None else max(1, min(most, int(self._pace / 10)))

    def _told(self, status: IngestionStatus, record: Record, error: str | None = None) -> IngestionProgress:
        told = self._as_it_is(status, record, error)
        self._report(told.done, told.total, told.chat)
        return told

    def _as_it_is(
        self, status: IngestionStatus, record: Record, error: str | None = None
    ) -> IngestionProgress:
        self._progress.done = record.done
        self._progress.fallbacks, self._progress.fallback_reason = record.fallbacks, record.fallback_reason
        return self._progress.tell(time.monotonic(), record.added, status, error)

    async def _tell_failure(self, record: Record, failure: IngestionFailed) -> None:
        told = self._told("failed", record, str(failure))
        is_gone = self._is_upload and isinstance(failure, ExportBroken)
        await record.tell(told.model_copy(update={"is_gone": is_gone}))

    async def _open_record(self, file_mark: str | None) -> Record:
        record = await open_record(self._store, self._id, self._path.name, file_mark)
        # What was uploaded has a name of its own.
        self._progress.file = record.file
        return record

    def _failure(self, error: ExportError | AgentFailed, done: int) -> IngestionFailed:
        if isinstance(error, AgentFailed):
            there = f"The {done} messages before that are ingested and stay" if done else "Nothing is lost"
            return AgentFailed(f"{error}. {there}: run the job again when it is mended, and it goes on there")
        file = self._progress.file if self._is_upload else self._path
        if done == 0:
            return ExportBroken(f"{file}: {error}")
        return ExportBroken(
            f"{file}: {error}. The {done} messages before it are ingested and stay; "
            "ingest the mended file, and only what is missing is added"
        )

    def __repr__(self) -> str:
        return f"<Ingestion of {self._path.name}, {self._progress!r}>"
