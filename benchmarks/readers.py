"""A crowd in a process of its own: thousands of clients, which count and measure what they get (native/reader.c)."""

import contextlib
import hashlib
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import msgspec

from benchmarks.child import Child, LeftOut

__all__ = ["Had", "Kind", "Latencies", "Readers", "compiled"]


class Kind(msgspec.Struct, frozen=True):
    """How clients of one kind begin: for what they ask, and what they say then.

    `ready`: what stands in the frame that says that one is ready; None: it is as soon as it is upgraded.
    `answers`: to a text that begins with the first, the second. `header`: one more, of the request.
    """

    path: str = "/ws"
    says: tuple[str, ...] = ()
    ready: str | None = None
    answers: tuple[str, str] | None = None
    header: str | None = None

    def words(self) -> tuple[str, ...]:
        """The same as native/reader.c takes it."""
        return (
            *("--path", self.path),
            *(word for text in self.says for word in ("--say", text)),
            *(() if self.ready is None else ("--ready", self.ready)),
            *(() if self.answers is None else ("--answer", *self.answers)),
            *(() if self.header is None else ("--header", self.header)),
        )


class Had(msgspec.Struct, frozen=True):
    """What all of them have had so far, and what that cost them.

    `least`, `most`: events of the clients of each kind that have fewest and most. `segments`: of TCP, with data.
    `seconds`: since they began to connect.
    """

    events: int
    bytes: int
    segments: int
    least: list[int]
    most: list[int]
    seconds: float
    cpu_seconds: float


class Latencies(msgspec.Struct, frozen=True):
    """How long events were on their way to each client. Units: milliseconds; zeros where there were none."""

    p50: float = 0.0
    p99: float = 0.0
    p999: float = 0.0


class Readers:
    """Clients that are connected and ready. `had` is what they said last."""

    def __init__(self, child: Child, had: Had) -> None:
        self._child = child
        self.had = had

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, name: str, port: int, clients: int, *kinds: Kind, core: int | None = None
    ) -> AsyncIterator[Self]:
        """So many of who has this name and port, of these kinds in turn. They end with the block. Raises: LeftOut."""
        words = [word for kind in kinds for word in kind.words()]
        command = [str(compiled("reader")), str(port), str(clients), *words]
        async with Child.started(f"the clients of {name}", command, core=core) as child:
            yield cls(child, _had(await child.heard()))

    async def until(self, deliveries: int) -> Had:
        """What they have had once it is so many more in all, the same to all of a kind. Raises: LeftOut."""
        due = self.had.events + deliveries
        self._child.say(f"until {due}")
        before, self.had = self.had, _had(await self._child.heard())
        if self.had.events != due or self.had.least != self.had.most:
            raise LeftOut(f"{self._child}: {self.had} after {before}")
        return self.had

    async def latencies(self) -> Latencies:
        """Of what came since this was last asked."""
        self._child.say("latencies")
        return msgspec.json.decode(await self._child.heard(), type=Latencies)

    def kill(self) -> None:
        self._child.kill()

    def __repr__(self) -> str:
        return f"<Readers {self._child!r}, {self.had.events} events>"


def compiled(name: str) -> Path:
    """The program native/NAME.c, built where it is not yet: another version of it is another program."""
    source = Path(__file__).parent / "native" / f"{name}.c"
    version = hashlib.sha256(source.read_bytes()).hexdigest()[:12]
    program = Path(tempfile.gettempdir()) / f"pulse-radar-benchmark-{os.getuid()}" / f"{name}-{version}"
    if not program.exists():
        program.parent.mkdir(mode=0o700, exist_ok=True)
        subprocess.run(["cc", "-O2", "-o", str(program), str(source)], check=True)  # noqa: S603, S607
    return program


def _had(line: bytes) -> Had:
    return msgspec.json.decode(line, type=Had)
