"""All of `make bench`, one after the other, each in a process of its own.

python -m benchmarks [--quick]
"""

import subprocess
import sys
from typing import Final

_WORK: Final = (
    "fanout",
    "fanout --clients 9000 --rounds 3",
    "mixed",
    "latency",
    "connections",
    "replay",
    "pipeline",
    "further_process",
    "stalled_client",
    "hostile",
)

if __name__ == "__main__":
    is_quick = "--quick" in sys.argv
    for work in dict.fromkeys(each.split()[0] for each in _WORK) if is_quick else _WORK:
        command = [
            sys.executable,
            "-m",
            *f"benchmarks.{work}".split(),
            *(["--quick"] if is_quick else []),
        ]
        print("==", work, flush=True)  # noqa: T201 (what follows is its own)
        subprocess.run(command, check=True)  # noqa: S603
