"""On a real disk that runs full: said in words, before the server meets its end."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulse_radar import BrokerRefused, Pulse, Settings

MEBIBYTE = 1024**2


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 MiB, of which somebody else has taken 24."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)]
    if sys.platform != "linux" or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only who may mount has a small disk")
    (disk / "taken").write_bytes(bytes(24 * MEBIBYTE))
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


async def test_a_full_disk_is_told_and_events_are_stored_again_once_there_is_room(disk: Path) -> None:
    pulse = Pulse(settings=Settings.load(broker="embedded://", data_dir=disk / "pulse"))
    pulse.topic("knowledge")
    async with pulse:
        stored: list[int] = []
        with pytest.raises(BrokerRefused, match="the disk of .* is full"):
            await fill(pulse, stored)
        (disk / "taken").unlink()
        after = await pulse.publish("knowledge", "event")
        assert after.sequence == stored[-1] + 1


async def fill(pulse: Pulse, stored: list[int]) -> None:
    for _ in range(100):
        stored.append((await pulse.publish("knowledge", "event", "y" * 250_000)).sequence)
