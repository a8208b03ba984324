"""What clients, workers and the network write down: one record a line, the only thing a judge believes.

A client's logbook is also its store. A record is the effect of a frame and the cursor after it in one line,
so that a client killed between two lines comes back exactly where its logbook ends.
"""

import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self, TypeAlias

import msgspec

__all__ = [
    "Acknowledged",
    "Attempted",
    "ClientRecord",
    "Closed",
    "Confirmed",
    "Damaged",
    "Forgot",
    "Logbook",
    "Opened",
    "Seen",
    "Stopped",
    "Told",
    "Unknown",
    "Waits",
    "WorkerRecord",
    "digest",
    "read_client",
    "read_damage",
    "read_worker",
]


class Opened(msgspec.Struct, frozen=True, array_like=True, tag="opened"):
    """A `connection` frame: over which link, from which port, and after which positions the feeds are served."""

    at: float
    link: int
    port: int
    positions: dict[str, int]


class Seen(msgspec.Struct, frozen=True, array_like=True, tag="seen", gc=False):
    """An event, by the feed that it came on."""

    feed: str
    sequence: int
    id: str | None
    digest: int
    key: str | None = None
    is_deleted: bool = False


class Told(msgspec.Struct, frozen=True, array_like=True, tag="told"):
    """A `gap` frame."""

    feed: str
    first: int | None
    last: int
    reason: str


class Confirmed(msgspec.Struct, frozen=True, array_like=True, tag="confirmed"):
    """A `subscription` frame, or a `ping` that keeps the cursor of a quiet key young."""

    at: float
    feed: str
    sequence: int
    is_live: bool


class Forgot(msgspec.Struct, frozen=True, array_like=True, tag="forgot"):
    """A `snapshot` frame: what was known of this feed is void."""

    feed: str


class Closed(msgspec.Struct, frozen=True, array_like=True, tag="closed"):
    """The end of a connection, or of an attempt at one. `code` is 1006 where nobody said why."""

    at: float
    code: int
    reason: str


class Stopped(msgspec.Struct, frozen=True, array_like=True, tag="stopped"):
    """What was heard calls for a person: docs/PROTOCOL.md says that such a client does not come back by itself."""

    at: float
    link: int
    port: int
    why: str


class Waits(msgspec.Struct, frozen=True, array_like=True, tag="waits"):
    """The client's own pause before it comes back."""

    at: float
    seconds: float


ClientRecord: TypeAlias = Opened | Seen | Told | Confirmed | Forgot | Closed | Stopped | Waits


class Attempted(msgspec.Struct, frozen=True, array_like=True, tag="attempted"):
    """A worker is about to publish. A lane publishes one event after the other."""

    id: str
    lane: str
    topic: str
    key: str | None
    digest: int
    is_deleted: bool = False


class Acknowledged(msgspec.Struct, frozen=True, array_like=True, tag="acknowledged"):
    """The event with this id is stored under this number."""

    id: str
    sequence: int


class Unknown(msgspec.Struct, frozen=True, array_like=True, tag="unknown"):
    """The worker gave up asking whether this event is stored."""

    id: str
    why: str


WorkerRecord: TypeAlias = Attempted | Acknowledged | Unknown


class Damaged(msgspec.Struct, frozen=True, array_like=True, tag="damaged"):
    """The network flipped a bit on the connection from this port over this link."""

    link: int
    port: int


class Logbook:
    """Appends records to a file. What was not flushed never happened: neither does its reader know of it."""

    def __init__(self, path: Path) -> None:
        _drop_torn_line(path)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._encoder = msgspec.json.Encoder()
        self._waiting = bytearray()

    def note(self, record: msgspec.Struct) -> None:
        self._waiting += self._encoder.encode(record) + b"\n"

    def flush(self) -> None:
        """From here on it survives SIGKILL."""
        if self._waiting:
            os.write(self._file, self._waiting)
            self._waiting.clear()

    def close(self) -> None:
        self.flush()
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Logbook with {len(self._waiting)} bytes to flush>"


_CLIENT: Final[msgspec.json.Decoder[ClientRecord]] = msgspec.json.Decoder(ClientRecord)
_WORKER: Final[msgspec.json.Decoder[WorkerRecord]] = msgspec.json.Decoder(WorkerRecord)
_DAMAGE: Final = msgspec.json.Decoder(Damaged)


def read_client(path: Path) -> Iterator[ClientRecord]:
    return (_CLIENT.decode(line) for line in _lines(path))


def read_worker(path: Path) -> Iterator[WorkerRecord]:
    return (_WORKER.decode(line) for line in _lines(path))


def read_damage(path: Path) -> Iterator[Damaged]:
    return (_DAMAGE.decode(line) for line in _lines(path))


def digest(data: object) -> int:
    """Tells one payload from another, whoever encoded it."""
    return zlib.crc32(msgspec.json.encode(data))


def _lines(path: Path) -> Iterator[bytes]:
    if path.exists():
        with path.open("rb") as file:
            yield from (line for line in file if line.endswith(b"\n"))


def _drop_torn_line(path: Path) -> None:
    """The end of a file whose writer died in the middle of a line."""
    if path.exists():
        text = path.read_bytes()
        os.truncate(path, text.rfind(b"\n") + 1)
