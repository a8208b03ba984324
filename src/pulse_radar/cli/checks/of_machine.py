"""The machine and what is installed on it: versions, and how many files a process may have open."""

import platform
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from pulse_radar.cli.checks.finding import Finding, doubt, fine, skipped
from pulse_radar.cli.open_files import files_for
from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import Settings

__all__ = ["check_machine"]

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
    connections = _connections()
    wanted = files_for(connections)
    said = f"{soft:,} at most, and {connections:,} connections (PULSE_MAX_CONNECTIONS) may want {wanted:,}"
    if soft >= wanted:
        return fine("open files", said)
    if soft >= _FEW_FILES and (hard == resource.RLIM_INFINITY or hard >= wanted):
        return fine("open files", f"{said}, which `serve` takes")
    # `ulimit -n` goes as far as the hard limit, which only whoever starts the service raises.
    here = "" if hard == soft else f"ulimit -n (up to {_more(hard)} here), "
    return doubt(
        "open files",
        said,
        f"raise it before the server starts: {here}LimitNOFILE= of systemd, --ulimit nofile of docker; "
        "or lower PULSE_MAX_CONNECTIONS",
    )


def _more(hard: int) -> str:
    import resource

    return "65,536 and more" if hard == resource.RLIM_INFINITY else f"{hard:,}"


def _connections() -> int:
    try:
        return Settings.load().max_connections
    except InvalidSetting:
        # That is told by itself.
        return int(Settings.model_fields["max_connections"].default)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
