"""Which process serves a data directory, from the record that its guard left, verified.

The record is two numbers: the server's process and its guard's. Numbers of processes are used again, so the
record is believed only of a process that is provably that server: on Linux it runs our configuration file and
has the data directory open, which is the lock that it inherited; elsewhere it began before the record was
written, and at that moment it was the guard's own child.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from pulse_radar.brokers.embedded.guard import CONFIG_FILE, RECORD_FILE

__all__ = ["end_orphan", "server_pid"]

PROC = Path("/proc")

# `ps` tells the start of a process in whole seconds.
PS_RESOLUTION_SECONDS = 1.0
PS_SECONDS = 5.0


class _Record(NamedTuple):
    server: int
    guard: int
    written: float  # seconds since 1970


def server_pid(directory: Path) -> int | None:
    """The process of the server that serves this directory, if one does."""
    record = _read(directory)
    return record.server if record is not None and _parent(record, directory) is not None else None


def end_orphan(directory: Path) -> int | None:
    """Kill the server of this directory if its guard is dead, and answer its process.

    The parent of a child whose parent died is another one, so a number used again for the guard misleads
    nobody. Killed, not asked: the guard that waits for the lock must not wait for a server that hangs.
    """
    record = _read(directory)
    if record is None or _parent(record, directory) in (None, record.guard):
        return None
    try:
        os.kill(record.server, signal.SIGKILL)
    except ProcessLookupError:
        return None
    return record.server


def _read(directory: Path) -> _Record | None:
    path = directory / RECORD_FILE
    try:
        server, guard = path.read_text("ascii").split()
        return _Record(int(server), int(guard), path.stat().st_mtime)
    except (OSError, ValueError):  # nobody serves, or another program wrote there
        return None


def _parent(record: _Record, directory: Path) -> int | None:
    """The parent of the recorded server; None if no such server runs any more."""
    if (PROC / "self" / "fd").is_dir():
        return _parent_by_proc(record.server, directory)
    return _parent_by_ps(record.server, record.written)


def _parent_by_proc(pid: int, directory: Path) -> int | None:
    process = PROC / str(pid)
    try:
        if not (process / "cmdline").read_bytes().endswith(f"-c\0{CONFIG_FILE}\0".encode()):
            return None
        if not any(_is_open_at(fd, directory) for fd in (process / "fd").iterdir()):
            return None
        # "pid (name) state parent …": the name may hold anything, even a parenthesis.
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:  # it ended, or it is another user's
        return None


def _is_open_at(descriptor: Path, directory: Path) -> bool:
    try:
        return descriptor.samefile(directory)
    except FileNotFoundError:  # closed since it was listed
        return False


def _parent_by_ps(pid: int, written: float) -> int | None:
    answer = subprocess.run(  # noqa: S603 - a fixed program and a number
        ["/bin/ps", "-o", "ppid=,lstart=", "-p", str(pid)],
        env={"LC_ALL": "C"},
        capture_output=True,
        check=False,
        timeout=PS_SECONDS,
    )
    try:
        parent, began = answer.stdout.decode().split(maxsplit=1)
        began_seconds = time.mktime(time.strptime(began.strip(), "%a %b %d %H:%M:%S %Y"))
    except ValueError:
        return None
    return int(parent) if began_seconds <= written + PS_RESOLUTION_SECONDS else None
