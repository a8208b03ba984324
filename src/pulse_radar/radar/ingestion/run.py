"""One run over an export: chunk after chunk, from the file to atoms and marks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal, TypeAlias

from pulse_radar.errors import SequenceConflict
from pulse_radar.publishing import Publishes
from pulse_radar.radar.events import AtomCreated, IngestionStatus
from pulse_radar.radar.ingestion.errors import IngestionFailed
from pulse_radar.radar.ingestion.export_file import ExportFile, open_export
from pulse_radar.radar.ingestion.ingested import IngestedIds
from pulse_radar.radar.ingestion.progress import Progress
from pulse_radar.radar.knowledge import atom_created, extract
from pulse_radar.radar.telegram import ExportError, TelegramMessage
from pulse_radar.radar.together import all_of

__all__ = ["PAUSED", "Ingestion", "Report"]

# Why the job of an ingestion is cancelled that is to go on later.
PAUSED: Final = "paused"

# Told how much of how much is done, and where.
Report: TypeAlias = Callable[[float, float | None, str | None], object]

# Messages that are read, published and marked together: a handful of round trips for all of them. More would
# be lost work when a worker dies, and a jumpy progress.
_CHUNK: Final = 200


class Ingestion:
    """Ingests one export. Taken up again with the same id, it goes on where it was.

    `pace`: at most so many messages a second; None for as fast as it goes.
    """

    def __init__(
        self,
        ingestion_id: str,
        path: Path,
        *,
        publisher: Publishes,
        ingested: IngestedIds,
        timezone: str | None = None,
        pace: float | None = None,
        report: Report = lambda _done, _total, _message: None,
    ) -> None:
        self._path = path
        self._timezone = timezone
        self._pace = pace
        self._publisher = publisher
        self._ingested = ingested
        self._report = report
        self._progress = Progress(ingestion_id, path.name)

    async def run(self, should_stop: Callable[[], bool]) -> bool:
        """Ingest all of it. False: it was asked to stop, and left off between two chunks or while it counted.

        Raises: IngestionFailed, for a file that cannot be read to its end; BrokerError.
        """
        try:
            async with open_export(self._path, self._timezone) as export:
                await self._tell("counting")
                total = await export.count(should_stop)
                if total is None:
                    return False
                self._progress.begin(total, time.monotonic())
                finished = await self._read(export, should_stop)
        except ExportError as error:
            failure = self._failure(error)
            await self._tell_failure(failure)
            raise failure from error
        except IngestionFailed as failure:
            await self._tell_failure(failure)
            raise
        if finished:
            await self._tell("completed")
        return finished

    async def leave(self, status: Literal["paused", "cancelled"]) -> None:
        """Say that it was stopped in the middle. What is marked by then is what another run skips."""
        await self._publisher.publish(self._progress.tell(time.monotonic(), self._ingested.added, status))

    async def _read(self, export: ExportFile, should_stop: Callable[[], bool]) -> bool:
        began_at = time.monotonic()
        await self._tell("running")
        while chunk := await export.chunk(self._chunk_size()):
            if should_stop():
                return False
            await self._ingest(chunk)
            self._progress.done += len(chunk)
            self._progress.chat = chunk[-1].chat.name
            if self._progress.is_due(time.monotonic()):
                await self._tell("running")
            if self._pace is not None:
                await asyncio.sleep(began_at + self._progress.done / self._pace - time.monotonic())
        return True

    async def _ingest(self, chunk: Sequence[TelegramMessage]) -> None:
        # Publish first, mark second. A worker that dies in between leaves atoms that are not marked: the next one
        # publishes them again, and the broker knows them by their key. The other way round it would leave marks
        # without atoms, which nobody would ever notice.
        missing = await self._ingested.missing(chunk)
        atoms = [atom_created(atom) for atom in extract(missing)]
        await all_of(self._publish(atom) for atom in atoms)
        await self._ingested.mark(chunk)

    async def _publish(self, atom: AtomCreated) -> None:
        # The id alone is recognised for the duplicate window, two minutes; that the key has no event yet holds
        # for as long as the topic keeps its events, days.
        try:
            await self._publisher.publish(atom, id=atom.id, expect_last=0)
        except SequenceConflict:
            # It is there: from an attempt that was cut off, or from the same file in another ingestion.
            return

    def _chunk_size(self) -> int:
        # A slow pace still moves several times a second.
        return _CHUNK if self._pace is None else max(1, min(_CHUNK, int(self._pace / 10)))

    async def _tell(self, status: IngestionStatus) -> None:
        told = self._progress.tell(time.monotonic(), self._ingested.added, status)
        self._report(told.done, told.total, told.chat)
        await self._publisher.publish(told)

    async def _tell_failure(self, failure: IngestionFailed) -> None:
        told = self._progress.tell(time.monotonic(), self._ingested.added, "failed", str(failure))
        await self._publisher.publish(told)

    def _failure(self, error: ExportError) -> IngestionFailed:
        if self._progress.done == 0:
            return IngestionFailed(f"{self._path}: {error}")
        return IngestionFailed(
            f"{self._path}: {error}. The {self._progress.done} messages before it are ingested and stay; "
            "ingest the mended file, and only what is missing is added"
        )

    def __repr__(self) -> str:
        return f"<Ingestion of {self._path.name}, {self._progress!r}>"
