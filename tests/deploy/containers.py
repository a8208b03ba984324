"""What a container would run, run as a process: its command and its variables, with addresses and folders from here."""

import asyncio
import contextlib
import os
import sys
import sysconfig
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from pulse_radar.testing.nats_server import _binary, free_port

__all__ = ["CONTAINERS", "EXAMPLES", "Machine", "documents", "event_of", "ports", "until"]

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
CONTAINERS: Final = EXAMPLES / "containers"
PATIENCE: Final = 60.0


def documents(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(file.read_text()))


class Machine:
    """Instead of a container's own address, folders and programs, those of this test: `instead` says what of each."""

    def __init__(self, directory: Path, instead: Mapping[str, str]) -> None:
        self.directory = directory
        self._instead = dict(instead)

    def text(self, written: str) -> str:
        for there, here in self._instead.items():
            written = written.replace(there, here)
        return written

    def file(self, name: str, written: str) -> Path:
        file = self.directory / name
        file.write_text(self.text(written))
        return file

    @contextlib.asynccontextmanager
    async def running(
        self, command: Sequence[str], environment: Mapping[str, object] = {}, *, folder: Path = CONTAINERS
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await asyncio.create_subprocess_exec(
            *self._command(command),
            cwd=folder,
            env=_bare() | {name: self.text(str(value)) for name, value in environment.items()},
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def succeeds(self, command: Sequence[str]) -> bool:
        """As whoever checks the health of a container asks."""
        process = await asyncio.create_subprocess_exec(
            *self._command(command),
            env=_bare(),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        return await process.wait() == 0

    def _command(self, command: Sequence[str]) -> list[str]:
        program, *arguments = map(self.text, command)
        programs = {
            "python": sys.executable,
            "pulse-radar": str(Path(sysconfig.get_path("scripts")) / "pulse-radar"),
            "nats-server": _binary(),
        }
        return [programs.get(program, program), *arguments]


def _bare() -> dict[str, str]:
    """The environment of a container has nothing that the test runner's has of ours."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PULSE_")}


async def until(process: asyncio.subprocess.Process, *checks: Any) -> None:
    """All of these come true, while it lives."""
    async with asyncio.timeout(PATIENCE):
        for check in checks:
            while not await check():
                assert process.returncode is None, "it ended"
                await asyncio.sleep(0.1)


async def event_of(url: str, topic: str, headers: Mapping[str, str] = {}) -> str:
    """The first event that a page is sent."""
    async with (
        asyncio.timeout(PATIENCE),
        httpx.AsyncClient(base_url=url, timeout=PATIENCE, headers=headers) as http,
        http.stream("GET", f"/events?topics={topic}") as stream,
    ):
        async for line in stream.aiter_lines():
            if line.startswith("data:") and '"_seq"' in line:
                return line
    raise AssertionError("the stream ended")


def ports(count: int) -> list[str]:
    return [str(free_port()) for _ in range(count)]
