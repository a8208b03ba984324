"""Which version of each peer was measured, and of what carries it: figures without them nobody can object to."""

import json
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from benchmarks.peers.table import CENTRIFUGO, PEERS

__all__ = ["versions"]

_PACKAGES: Final = (
    *("uvicorn", "uvloop", "httptools", "fastapi", "websockets"),
    *("litestar", "python-socketio", "socketify"),
)
_OF_NODE: Final = Path(__file__).parent / "node" / "package-lock.json"


def versions() -> dict[str, str]:
    """Of what is installed here, by name."""
    found = {name: found for name in _PACKAGES if (found := _installed(name)) is not None}
    found["socket.io"] = json.loads(_OF_NODE.read_text())["packages"]["node_modules/socket.io"]["version"]
    said = {"node": _said("node", "--version"), "cc": _said("cc", "--version"), "centrifugo": _centrifugo()}
    return found | {name: line for name, line in said.items() if line}


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _centrifugo() -> str:
    """It does not know its own where Go built it from its module, which Go does."""
    program = PEERS[CENTRIFUGO].command[3] if CENTRIFUGO in PEERS else ""
    lines = _run("go", "version", "-m", program).splitlines()
    return next((line.split()[2] for line in lines if line.split()[:1] == ["mod"]), _said(program, "version"))


def _said(*command: str) -> str:
    return _run(*command).partition("\n")[0].strip()


def _run(*command: str) -> str:
    """What it prints; nothing where there is no such program."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
