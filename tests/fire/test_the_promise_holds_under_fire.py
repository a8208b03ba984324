"""The harness itself: half a minute of it in every run of the tests, and proof that it fails where it should."""

import asyncio
import sys
from pathlib import Path

import msgspec
import pytest

from pulse_radar.testing.fire.objection import Breach
from pulse_radar.testing.fire.report import Report

# Small enough for two busy cores, and the same plan each time: what is rare needs `make fire`.
CLIENTS = 48
SECONDS = 30


async def fire(folder: Path, *options: str) -> tuple[int, Report]:
    """A run as from the command line: its exit code and its report."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pulse_radar.testing.fire", "--json", "--keep", str(folder)),
        *options,
        stdout=asyncio.subprocess.PIPE,
    )
    report, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, msgspec.json.decode(report, type=Report)


def account(report: Report) -> str:
    """What to read when it fails; the seed makes the same plan again."""
    told = [*report.objections[:10], *report.troubles]
    return "\n".join([f"seed {report.seed}, kept in {report.folder}", *map(str, told)])


@pytest.mark.timeout(400)
async def test_everything_arrives_once_and_in_order_or_is_told(tmp_path: Path) -> None:
    sizes = ("--seconds", str(SECONDS), "--clients", str(CLIENTS))
    exit_code, report = await fire(tmp_path, "--seed", "7", *sizes)
    assert report.is_kept, account(report)
    assert exit_code == 0
    # It was not for want of trying.
    assert len(report.faults) > 15
    assert report.acknowledged > 20
    assert report.deliveries > 5 * report.acknowledged
    assert report.resumes > CLIENTS


@pytest.mark.timeout(400)
async def test_a_server_that_breaks_the_promise_is_found_out(tmp_path: Path) -> None:
    """No fault has its turn: all that goes wrong here is the app's. Who lost the last event waits for it in vain."""
    broken = ("--app", "tests.fire.broken_app:app", "--apis", "1", "--clients", "24", "--gap", "3600")
    exit_code, report = await fire(tmp_path, "--seed", "1", "--seconds", "3", "--rest", "10", *broken)
    assert report.faults == {}
    assert exit_code == 1
    found = {objection.breach for objection in report.objections}
    assert found == {Breach.LOST, Breach.TWICE, Breach.ALTERED}, account(report)
    lost = next(objection for objection in report.objections if objection.breach is Breach.LOST)
    assert lost.around
