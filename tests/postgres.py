"""A real PostgreSQL server on loopback, run by a user without rights; where its binaries are installed."""

import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pytest

__all__ = ["PostgresServer", "needs_postgres"]

_READY_SECONDS: Final = 30.0
_END_SECONDS: Final = 5.0


def _binaries() -> Path | None:
    """Where `postgres` and `initdb` are; Debian does not put them on the path."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    found = shutil.which("initdb")
    return versions[-1] if versions else Path(found).resolve().parent if found else None


needs_postgres: Final = pytest.mark.skipif(
    _binaries() is None or shutil.which("psql") is None,
    reason="no PostgreSQL server (postgres, initdb, psql) is installed",
)


class PostgresServer:
    """A cluster in a directory of its own, gone when the context ends. `fsync` is off: machines stay on in tests."""

    def __init__(self) -> None:
        # It refuses to run as root, and whoever it runs as must reach its directory.
        self._user = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._directory = Path(tempfile.mkdtemp(prefix="pulse-radar-postgres-"))
        self._numbers = itertools.count()
        self._process: subprocess.Popen[bytes]
        self._port = _free_port()

    def __enter__(self) -> Self:
        binaries = _binaries()
        assert binaries is not None
        if self._user is not None:
            os.chown(self._directory, self._user.pw_uid, self._user.pw_gid)
        data = self._directory / "data"
        initdb = (
            binaries / "initdb",
            "--pgdata",
            data,
            "--username",
            "pulse",
            "--auth",
            "trust",
            "--no-sync",
        )
        self._start(*initdb, "--encoding", "UTF8", "--locale", "C").wait()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": str(self._directory),
            "fsync": "off",
        }
        options = [option for item in settings.items() for option in ("-c", "=".join(item))]
        self._process = self._start(binaries / "postgres", "-D", data, *options)
        self._until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def database(self) -> str:
        """The URL of a new, empty database."""
        name = f"pulse_{next(self._numbers)}"
        assert self._psql("--command", f"CREATE DATABASE {name}") == 0
        return f"postgresql://pulse@127.0.0.1:{self._port}/{name}"

    def _until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while self._psql("--command", "SELECT 1") != 0:
            assert self._process.poll() is None, (self._directory / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def _psql(self, *arguments: str) -> int:
        where = (
            "--host",
            "127.0.0.1",
            "--port",
            str(self._port),
            "--username",
            "pulse",
            "--dbname",
            "postgres",
        )
        command = ("psql", "--no-psqlrc", *where, *arguments)
        return subprocess.run(command, check=False, capture_output=True).returncode

    def _start(self, *command: str | Path) -> subprocess.Popen[bytes]:
        with (self._directory / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                cwd=self._directory,
                user=self._user.pw_uid if self._user else None,
                group=self._user.pw_gid if self._user else None,
                extra_groups=[] if self._user else None,
            )


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
