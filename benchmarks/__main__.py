"""All of `make bench`, one after the other, each in a process of its own: one that fails keeps no other from its turn.

    python -m benchmarks [--quick] [NAME]...

What is about the layer itself; what it costs elsewhere is measured by those who change it: `durability`, `failover`,
`ingestion`, `jobs`, `knowledge`, `smoothness`.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from typing import Final

_QUICK: Final = "--quick"

_WORK: Final[tuple[tuple[str, ...], ...]] = (
    ("fanout",),
    ("fanout", "--clients", "9000", "--rounds", "3"),
    ("mixed",),
    ("latency",),
    ("connections",),
    ("replay",),
    ("pipeline",),
    ("further_process",),
    ("stalled_client",),
    ("hostile",),
)
_NAMES: Final = tuple(dict.fromkeys(name for name, *_ in _WORK))

# Above it others use the machine, too.
_IDLE_LOAD: Final = 0.5


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="make bench", description="All benchmarks, or those that are named."
    )
    # No `choices`: argparse takes it that none is named for one of them.
    arguments.add_argument("names", nargs="*", metavar="NAME", help=", ".join(_NAMES))
    arguments.add_argument(_QUICK, action="store_true", help="a look whether it all runs: nothing is written")
    given = arguments.parse_args()
    if unknown := sorted({*given.names} - {*_NAMES}):
        arguments.error(f"there is no {', '.join(unknown)}, but {', '.join(_NAMES)}")
    if missing := _missing():
        raise SystemExit(f"error: {missing}")
    _say("a look: few clients and one round, so that its figures say nothing" if given.quick else _busy())
    failed = [" ".join(work) for work in _chosen(given.names, is_quick=given.quick) if not _succeeds(work)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def _missing() -> str | None:
    """What every one of them needs that is not here."""
    if sys.platform != "linux":
        return "benchmarks need Linux: they read /proc, and their clients wait with epoll"
    if len(os.sched_getaffinity(0)) == 1:
        return "benchmarks need two cores: one for the server that is measured, one for all else"
    if shutil.which("cc") is None:
        return "benchmarks need a C compiler (cc): their clients are written in C, as the floor is"
    return None


def _busy() -> str:
    load = os.getloadavg()[0]
    if load < _IDLE_LOAD:
        return f"the load is {load:.1f}: nobody else uses this machine"
    return f"the load is {load:.1f}: others use this machine, too, and figures are worth little but as ratios"


def _chosen(names: list[str], *, is_quick: bool) -> list[tuple[str, ...]]:
    chosen = [work for work in _WORK if not names or work[0] in names]
    # A look takes few clients of each, however many were said.
    return list(dict.fromkeys((name, _QUICK) for name, *_ in chosen)) if is_quick else chosen


def _succeeds(work: tuple[str, ...]) -> bool:
    name, *options = work
    _say(" ".join(work))
    began = time.monotonic()
    status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=False).returncode  # noqa: S603
    _say(f"{' '.join(work)}: {f'FAILED ({status})' if status else 'ok'} in {time.monotonic() - began:.0f} s")
    return status == 0


def _say(text: str) -> None:
    print("==", text, flush=True)  # noqa: T201 (what follows is its own)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        # What was interrupted says where, and ends its servers.
        raise SystemExit(130) from None
