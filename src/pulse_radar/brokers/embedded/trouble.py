"""Why nobody serves a data directory, in words that tell what to do about it."""

from pulse_radar.brokers.embedded.kept import HOST, Kept
from pulse_radar.brokers.embedded.record import server_pid
from pulse_radar.brokers.embedded.store import STATE_FILE, Store

__all__ = ["absent", "broken", "silent", "unreadable"]

HOW_TO_START = (
    "start the app with PULSE_BROKER=embedded:// and this PULSE_DATA_DIR "
    "(on memory:// it cannot be reached from outside), or `pulse-radar serve`"
)


def absent(store: Store) -> str:
    """Nobody serves, and this process may only attach."""
    return f"no embedded server runs in {store.directory}: {HOW_TO_START}"


def unreadable(store: Store) -> str:
    """A server runs, but how to reach it was lost."""
    return (
        f"{store.directory / STATE_FILE} is missing or broken while a server runs there: "
        "stop every process that uses it, then start again"
    )


def silent(store: Store, kept: Kept) -> str:
    """Another process holds the directory, but its server does not answer."""
    pid = server_pid(store.directory)
    who = f"process {pid}" if pid is not None else "a process that cannot be seen from here (a container?)"
    return f"{who} holds {store.directory}, but its server does not answer at {HOST}:{kept.port}"


def broken(store: Store, kept: Kept) -> str:
    """Our own server does not start, or does not answer."""
    tail = store.log_tail()
    return f"the server in {store.directory} does not answer{_port_hint(store, kept, tail)}; its log:\n{tail}"


def _port_hint(store: Store, kept: Kept, tail: str) -> str:
    # Not chosen anew by us: processes that know the old port would for ever offer their token to a stranger.
    if "address already in use" not in tail:
        return ""
    return (
        f": another program has its port, {HOST}:{kept.port}. End that program, or, while no process uses "
        f"this directory, delete {store.directory / STATE_FILE} to have another port chosen"
    )
