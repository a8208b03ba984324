"""Room for the connections that this process may have: each is an open file, and many shells allow 1,024 of them."""

import logging
import sys
from typing import Final

__all__ = ["files_for", "make_room"]

_log: Final = logging.getLogger("pulse_radar.cli")

# Beside its clients: the broker, a database, log files, and whoever is just asking for something.
_OTHER_FILES: Final = 512


def files_for(connections: int) -> int:
    """The open files that a process wants for them: as many WebSockets, and as many sockets that carry requests."""
    return 2 * connections + _OTHER_FILES


def make_room(connections: int) -> None:
    """Allow this process as many open files as it wants for them, or as many as it may have, and say so."""
    if sys.platform == "win32":
        return
    import resource

    wanted = files_for(connections)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    except (OSError, ValueError):
        # macOS has a bound of its own below an unlimited one.
        allowed = soft
    if allowed < wanted:
        _log.warning(
            "%d connections (PULSE_MAX_CONNECTIONS) want %d open files, and this process may have %d: "
            "raise its limit (ulimit -n, LimitNOFILE), or there are fewer",
            *(connections, wanted, allowed),
        )
