"""`demo`: everything at once, and nothing of it left afterwards."""

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx

from pulse_radar.testing.nats_server import free_port
from tests.cli.runs import answers, running, until, until_served


def left_of(directory: Path) -> str:
    """The processes that have this directory in their command or as their working directory."""
    found = subprocess.run(
        ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return "\n".join(line for line in found.splitlines() if str(directory) in line)


def demo(directory: Path, port: int) -> tuple[str, ...]:
    data = str(directory / "data")
    return ("demo", "--port", str(port), "--no-browser", "--data-dir", data, "--pace", "2000")


def test_it_serves_the_page_ingests_the_sample_and_ends_with_everything(tmp_path: Path) -> None:
    port = free_port()
    began_at = time.monotonic()
    with running(tmp_path, *demo(tmp_path, port)) as process:
        until_served(port, "/")
        # Five seconds are promised on an idle machine; tests share theirs.
        assert time.monotonic() - began_at < 15
        assert "<title>Pulse Radar" in httpx.get(f"http://127.0.0.1:{port}/").text
        until(lambda: "2,000 added" in process.out.read_text(), process.err.read_text)
        assert f"http://127.0.0.1:{port}" in process.lines()[0]
        api = next(line for line in left_of(tmp_path).splitlines() if " serve " in line)
        os.kill(int(api.split()[0]), signal.SIGKILL)
        until(lambda: "the API has ended" in process.err.read_text())
        until_served(port)
        began_at = time.monotonic()
        assert process.end(signal.SIGINT) == 0
        assert time.monotonic() - began_at < 4
    assert left_of(tmp_path) == ""
    assert not answers(port)


def test_nothing_outlives_a_demo_that_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, *demo(tmp_path, free_port())) as process:
        until(lambda: " serve " in left_of(tmp_path) and " worker " in left_of(tmp_path))
        process.end(signal.SIGKILL)
        until(lambda: left_of(tmp_path) == "", lambda: left_of(tmp_path))
