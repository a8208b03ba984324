"""The data directory, as far as it is ours to write: what is kept, the configuration, the log, the lock.

.gitignore          `*`: none of this belongs in a repository
state.json          the port and the token; written once and never changed while it can be read
nats-server.conf    written from it at each start
nats-server.log     bounded by the server itself
server.pid          who serves: the server, and its guard
jetstream/          the events
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from pulse_radar.brokers.embedded.config import LOG_FILE, config_text
from pulse_radar.brokers.embedded.guard import CONFIG_FILE
from pulse_radar.brokers.embedded.kept import Kept, choose
from pulse_radar.errors import BrokerRefused

__all__ = ["STATE_FILE", "Store"]

STATE_FILE = "state.json"

# Some twenty lines: enough to see why a server did not start.
LOG_TAIL_BYTES = 2_000


class Store:
    """One data directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = Path(os.path.realpath(directory))  # Path.resolve raises on a loop of links

    def __repr__(self) -> str:
        return f"<Store {self.directory}>"

    def make(self) -> None:
        """Make the directory, private to this user; one that exists keeps its mode: it may hold more.

        Raises: BrokerRefused.
        """
        with self._refusing():
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            ignored = self.directory / ".gitignore"
            if not ignored.exists():
                self._write(ignored, "*\n")

    def read(self) -> Kept | None:
        """What is kept here; None where there is nothing, or nothing readable. Raises: BrokerRefused."""
        with self._refusing():
            try:
                return msgspec.json.decode((self.directory / STATE_FILE).read_bytes(), type=Kept)
            except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
                return None

    def keep(self) -> Kept | None:
        """What is kept here, chosen now where there is nothing, or nothing readable (a full disk, an edit).

        It is chosen only while nobody serves here, because a running server would not follow. None: somebody
        does, or is just choosing; look again. Raises: BrokerRefused.
        """
        return self.read() or self._choose()

    def configure(self, kept: Kept, sync_interval_seconds: float) -> None:
        """Write the server's configuration. Raises: BrokerRefused."""
        config = self.directory / CONFIG_FILE
        text = config_text(kept, sync_interval_seconds)
        with self._refusing():
            if not config.exists() or config.read_bytes() != text.encode():
                self._write(config, text)

    def open_log(self) -> int:
        """A descriptor that appends to the server's log. Raises: BrokerRefused."""
        with self._refusing():
            return os.open(self.directory / LOG_FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def log_tail(self) -> str:
        """The end of the server's log, whole lines, for an error message."""
        try:
            with (self.directory / LOG_FILE).open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(0, size - LOG_TAIL_BYTES))
                tail = log.read().decode(errors="replace")
        except OSError as error:
            return f"({LOG_FILE}: {error.strerror})"
        return tail if size <= LOG_TAIL_BYTES else tail.partition("\n")[2]

    def is_locked(self) -> bool:
        """Does anybody serve here? Raises: BrokerRefused."""
        with self._lock(fcntl.LOCK_SH) as taken:
            return not taken

    def _choose(self) -> Kept | None:
        with self._lock(fcntl.LOCK_EX) as taken:
            if not taken:
                return None
            if (kept := self.read()) is not None:  # another owner chose before we had the lock
                return kept
            chosen = choose()
            with self._refusing():
                self._write(self.directory / STATE_FILE, msgspec.json.encode(chosen).decode())
            return chosen

    def _write(self, path: Path, text: str) -> None:
        """Write and sync a file that only this user may read, whole or not at all."""
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
        with open(temporary, "x", opener=_private, encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)

    @contextmanager
    def _lock(self, kind: int) -> Iterator[bool]:
        """Try the lock, for the length of a look. A guard that waits gets it right after."""
        with self._refusing():
            descriptor = os.open(self.directory, os.O_RDONLY)
            try:
                yield _try_lock(descriptor, kind)
            finally:
                os.close(descriptor)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BrokerRefused(f"the data directory {self.directory} cannot be used: {error}") from error


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
