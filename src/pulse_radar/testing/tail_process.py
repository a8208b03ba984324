"""A real process that follows a topic and tells what it sees: to be stopped, continued and killed by a test.

python -m pulse_radar.testing.tail_process nats://host:port topic after
"""

import asyncio
import contextlib
import signal
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import msgspec

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.stream.entry import Entry, Gap, StoredEvent
from pulse_radar.testing.nats_server import freeze

__all__ = ["TailProcess"]

_PATIENCE_SECONDS: Final = 40.0


class _Line(msgspec.Struct):
    """What one entry is as a line of text."""

    event: StoredEvent | None = None
    gap: Gap | None = None


class TailProcess:
    """A child that follows `topic` after a position, on the server at `url`."""

    def __init__(self, url: str, topic: str, after: int) -> None:
        self._arguments = (url, topic, str(after))
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.entries: list[Entry] = []

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, *self._arguments, stdout=asyncio.subprocess.PIPE, limit=2**24
        )
        self._reader = asyncio.create_task(self._read(self._process))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._reader is not None
        with contextlib.suppress(ProcessLookupError):
            self._running.kill()
        await self._running.wait()
        await self._reader

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and does nothing."""
        freeze(self._running)

    def thaw(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    async def reaches(self, position: int) -> list[Entry]:
        """All entries, once there is one at the position or behind it. Raises: TimeoutError."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while not self.entries or self.entries[-1].last < position:
                self._changed.clear()
                await self._changed.wait()
        return self.entries

    def __repr__(self) -> str:
        return f"<TailProcess {' '.join(self._arguments)}, {len(self.entries)} entries>"

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while text := await process.stdout.readline():
            line = msgspec.json.decode(text, type=_Line)
            entry = line.event or line.gap
            if entry is not None:
                self.entries.append(entry)
            self._changed.set()


def _lines(entries: Sequence[Entry]) -> bytes:
    lines = (_Line(event=e) if isinstance(e, StoredEvent) else _Line(gap=e) for e in entries)
    return b"".join(msgspec.json.encode(line) + b"\n" for line in lines)


async def _tell(url: str, topic: str, after: int) -> None:
    async with NatsBroker(url, create=False) as broker:
        async for batch in broker.tail(topic, after=after):
            sys.stdout.buffer.write(_lines(batch))
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(_tell(sys.argv[1], sys.argv[2], int(sys.argv[3])))
