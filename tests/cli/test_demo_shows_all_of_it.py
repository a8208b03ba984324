"""`demo`: everything at once, and nothing of it left afterwards."""

import os
import signal
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from pulse_radar.cli.demo import sample
from pulse_radar.radar.telegram import count_messages
from pulse_radar.testing.nats_server import free_port
from pulse_radar.testing.telegram_exports import write_export
from tests.cli.runs import PATIENCE, answers, heard, running, until, until_served

COUNT = 200


def left_of(directory: Path) -> str:
    """The processes that have this directory in their command or as their working directory."""
    found = subprocess.run(
        ["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True
    ).stdout
    return "\n".join(line for line in found.splitlines() if str(directory) in line)


def demo(directory: Path, port: int) -> tuple[str, ...]:
    file, data = directory / "result.json", directory / "data"
    with file.open("wb") as out:
        write_export(out, messages=COUNT)
    options = ("--port", str(port), "--no-browser", "--pace", "1000")
    return ("demo", *options, "--file", str(file), "--data-dir", str(data))


def test_it_serves_the_page_ingests_a_file_and_ends_with_everything(tmp_path: Path) -> None:
    port = free_port()
    with running(tmp_path, *demo(tmp_path, port)) as process:
        until_served(port, "/")
        assert "<title>Pulse Radar" in httpx.get(f"http://127.0.0.1:{port}/").text
        # It waits for somebody to watch.
        assert heard(port, "messages", 1)[0]["event"] == "ingestion_progress"
        until(lambda: f"{COUNT} added" in process.out.read_text(), process.err.read_text)
        assert f"http://127.0.0.1:{port}" in process.lines()[0]
        api = next(line for line in left_of(tmp_path).splitlines() if " serve " in line)
        os.kill(int(api.split()[0]), signal.SIGKILL)
        until(lambda: "the API has ended" in process.err.read_text())
        until_served(port)
        began_at = time.monotonic()
        assert process.end(signal.SIGINT) == 0
        assert time.monotonic() - began_at < PATIENCE
    assert left_of(tmp_path) == ""
    assert not answers(port)


def test_nothing_outlives_a_demo_that_is_killed(tmp_path: Path) -> None:
    with running(tmp_path, *demo(tmp_path, free_port())) as process:
        until(lambda: " serve " in left_of(tmp_path) and " worker " in left_of(tmp_path))
        process.end(signal.SIGKILL)
        until(lambda: left_of(tmp_path) == "", lambda: left_of(tmp_path))


def test_the_sample_is_that_of_the_checkout_or_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with sample(tmp_path).open("rb") as file:
        assert count_messages(file) == 2_000
    monkeypatch.setattr("pulse_radar.cli.demo._SAMPLE", tmp_path / "nowhere")
    made = sample(tmp_path)
    assert made.parent == tmp_path
    with made.open("rb") as file:
        assert count_messages(file) == 2_000
