"""Refuses the second worker process of one server, where each would keep a history of its own."""

import fcntl
import hashlib
import multiprocessing
import os
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from pulse_radar.errors import BrokerRefused

__all__ = ["WORKER_ENVIRONMENT", "refuse_siblings"]

# How a process knows that it is a worker: gunicorn leaves a name like this, and so does our own `serve`.
_NAME: Final = "SERVER_SOFTWARE"
_MANAGERS: Final = ("gunicorn", "pulse-radar")
WORKER_ENVIRONMENT: Final = {_NAME: "pulse-radar"}

# What this process claimed, each a byte of the file, until it ends: a sibling that starts later must find it.
_claimed: Final[set[int]] = set()

# Of 2**63 that a file may have; two families on one byte are less likely than a broken disk.
_OFFSET_BYTES: Final = 7


def refuse_siblings(topics: Iterable[str]) -> None:
    """Claim to be the only worker process of this server with these topics.

    Raises: BrokerRefused, in the second one. A process that no server manager started is never refused.
    """
    manager = _manager()
    if manager is None:
        return
    family = f"{manager}:{','.join(sorted(topics))}"
    offset = int.from_bytes(hashlib.sha256(family.encode()).digest()[:_OFFSET_BYTES])
    if offset not in _claimed:
        _claim(offset)
        _claimed.add(offset)


def _manager() -> int | None:
    """The process that manages this one as one of several workers, if there is such a one.

    uvicorn, hypercorn and granian start workers by multiprocessing; gunicorn and `serve` leave a name.
    A shell or a test runner starts unrelated programs, which may well run side by side.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        return parent.pid
    return os.getppid() if os.environ.get(_NAME, "").startswith(_MANAGERS) else None


@cache
def _file() -> int:
    """One file for all servers of a user, always empty: each family locks a byte of its own that is not there.

    Never closed: that would let go of every lock of this process.
    """
    path = Path(tempfile.gettempdir()) / f"pulse-radar-memory-{os.getuid()}.lock"
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _claim(offset: int) -> None:
    try:
        fcntl.lockf(_file(), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
    except (BlockingIOError, PermissionError):  # systems differ in how they say it
        raise BrokerRefused(
            "memory:// serves one process, and another worker of this server already uses it: "
            "their subscribers would never see each other's events. Run one worker, "
            "or set PULSE_BROKER to embedded:// or nats://…"
        ) from None
