"""Refuses the second worker process of one server, where each would keep a history of its own."""

import fcntl
import hashlib
import multiprocessing
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from pulse_radar.errors import BrokerRefused

__all__ = ["refuse_siblings"]

# Held until the process ends: a sibling that starts later must find it. Descriptor by path.
_held: Final[dict[Path, int]] = {}


def refuse_siblings(topics: Iterable[str]) -> None:
    """Claim to be the only worker process of this server with these topics.

    Raises: BrokerRefused, in the second one. A process that no server manager started is never refused.
    """
    manager = _manager()
    if manager is None:
        return
    family = f"{manager}:{','.join(sorted(topics))}"
    digest = hashlib.sha256(family.encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"pulse-radar-memory-{os.getuid()}-{digest}.lock"
    if path not in _held:
        _held[path] = _lock(path)


def _manager() -> int | None:
    """The process that manages this one as one of several workers, if there is such a one.

    uvicorn, hypercorn and granian start workers by multiprocessing; gunicorn forks and leaves a name.
    A shell or a test runner starts unrelated programs, which may well run side by side.
    """
    parent = multiprocessing.parent_process()
    if parent is not None:
        return parent.pid
    return os.getppid() if os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn") else None


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise BrokerRefused(
            "memory:// serves one process, and another worker of this server already uses it: "
            "their subscribers would never see each other's events. Run one worker, "
            "or set PULSE_BROKER to embedded:// or nats://…"
        ) from None
    return descriptor
