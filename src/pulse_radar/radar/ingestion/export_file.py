"""The export as the worker sees it: opened, counted and read in chunks, off the event loop."""

import asyncio
import itertools
import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, tzinfo
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from pulse_radar.radar.ingestion.errors import IngestionFailed
from pulse_radar.radar.telegram import ExportError, TelegramMessage, count_messages, read_export

__all__ = ["ExportFile", "check_export", "open_export"]


class ExportFile:
    """An open export. Parsing runs in a thread, so that the worker goes on breathing meanwhile."""

    def __init__(self, file: BinaryIO, timezone: tzinfo) -> None:
        self._file = file
        self._reader = read_export(file, timezone=timezone)
        # Where it broke: said after everything before it was handed out.
        self._broken: ExportError | None = None

    @property
    def mark(self) -> str:
        """What the file is like: another one, or a longer one, has another mark."""
        status = os.fstat(self._file.fileno())
        return f"{status.st_size}.{status.st_mtime_ns}"

    async def count(self, should_stop: Callable[[], bool]) -> int | None:
        """How many messages there are, up to where it breaks; None, when it was asked to stop before it knew."""
        return await asyncio.to_thread(count_messages, self._file, should_stop=should_stop)

    async def chunk(self, size: int) -> list[TelegramMessage]:
        """The next messages, at most `size`; none at the end, or where it is broken."""
        return await asyncio.to_thread(self._take, size)

    def skip(self, messages: int) -> None:
        """Pass over the next so many messages."""
        self._reader.skip(messages)

    def check(self) -> None:
        """Raises: ExportError, where the end was not the end of the export."""
        if self._broken is not None:
            raise self._broken

    def _take(self, size: int) -> list[TelegramMessage]:
        found: list[TelegramMessage] = []
        if self._broken is None:
            try:
                for message in itertools.islice(self._reader, size):
                    found.append(message)
            except ExportError as error:
                self._broken = error
        return found


@asynccontextmanager
async def open_export(path: Path, timezone: str | None) -> AsyncIterator[ExportFile]:
    """The export at this path; times without a zone in it are of `timezone`, UTC where that is None.

    Raises: IngestionFailed, when this worker cannot open it or does not know the time zone.
    """
    zone = _zone(timezone)
    with await asyncio.to_thread(_open, path) as file:
        yield ExportFile(file, zone)


def check_export(path: Path) -> None:
    """Look at the beginning of a file before anybody waits for it. Raises: IngestionFailed, ExportError."""
    with _open(path) as file:
        next(read_export(file), None)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise IngestionFailed(
            f"the worker on {socket.gethostname()} cannot read {path}: {reason}. The worker reads the file "
            "itself: run it on the machine that has the file, as a user who may read it"
        ) from error


def _zone(timezone: str | None) -> tzinfo:
    if timezone is None:
        return UTC
    try:
        return ZoneInfo(timezone)
    except (KeyError, ValueError, OSError) as error:
        raise IngestionFailed(
            f"the worker on {socket.gethostname()} knows no time zone {timezone!r}: "
            "name one as in Europe/Berlin, or install the package tzdata there"
        ) from error
