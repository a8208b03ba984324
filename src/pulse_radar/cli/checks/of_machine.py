"""The machine and what is installed on it: versions, and how many files a process may have open."""

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from pulse_radar.cli.checks.finding import Finding, doubt, fine, skipped

__all__ = ["check_machine"]

# Beside connections: sockets to the broker, a database, logs, libraries that are being read.
_OTHER_FILES: Final = 100

# Where this is less, it is the default of a system, and nobody thought of connections.
_FEW_FILES: Final = 4_096

_PACKAGES: Final = ("pulse-radar", "fastapi", "uvicorn", "nats-py")


def check_machine() -> Iterator[Finding]:
    told = [f"{name} {_version(name)}" for name in _PACKAGES]
    yield fine("versions", ", ".join([*told, f"Python {platform.python_version()} on {platform.system()}"]))
    if sys.platform == "win32":
        yield skipped("open files", "Windows has no limit for each process")
        return
    yield _open_files()


def _open_files() -> Finding:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return fine("open files", "without a limit: connections are bounded by memory")
    said = f"{soft:,} at most: about {max(0, soft - _OTHER_FILES):,} connections in a process"
    if soft >= _FEW_FILES:
        return fine("open files", said)
    more = "65,536 and more" if hard == resource.RLIM_INFINITY else f"{hard:,}"
    return doubt(
        "open files",
        said,
        f"raise it before the server starts: ulimit -n (up to {more} here), LimitNOFILE= of systemd, "
        "--ulimit nofile of docker",
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
