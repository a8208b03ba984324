"""All of `make bench`, one after the other, each in a process of its own.

    python -m benchmarks [--quick]

What is about the layer itself; what it costs elsewhere is measured by those who change it: `durability`, `failover`,
`ingestion`, `jobs`, `knowledge`, `smoothness`.
"""

import subprocess
import sys
from typing import Final

_QUICK: Final = "--quick"

_WORK: Final = (
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


def main() -> None:
    # A look takes few clients of each, however many were said.
    work = dict.fromkeys((name, _QUICK) for name, *_ in _WORK) if _QUICK in sys.argv else _WORK
    for name, *options in work:
        print("==", name, *options, flush=True)  # noqa: T201 (what follows is its own)
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
