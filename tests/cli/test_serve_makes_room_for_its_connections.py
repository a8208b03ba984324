"""Connections are open files: `serve` takes as many as it may have, and says when those are too few."""

import subprocess
import sys

import pytest

SCRIPT = """
import logging, resource, sys
from pulse_radar.cli.open_files import make_room
logging.basicConfig(format="%(message)s", stream=sys.stdout)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 2_000))
make_room(int(sys.argv[1]))
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize(
    ("connections", "allowed", "warnings"), [(500, 1_512, 0), (1_000, 2_000, 1)], ids=["enough", "too few"]
)
def test_as_many_files_as_it_wants_or_as_it_may_have(connections: int, allowed: int, warnings: int) -> None:
    run = [sys.executable, "-c", SCRIPT, str(connections)]
    *told, last = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
    assert int(last) == allowed
    assert len([line for line in told if "may have 2000" in line]) == warnings
