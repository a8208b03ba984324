"""Running commands: in this process where only their words matter, else as a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO, Any, NamedTuple

import pytest
from websockets.sync.client import connect

from pulse_radar.cli import main
from pulse_radar.testing.nats_server import free_port

# Long enough for a busy machine, short enough to fail with a test's own words.
PATIENCE = 60.0


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def ran_here(capsys: pytest.CaptureFixture[str], *arguments: str) -> Ran:
    """What a command says and how it ends, run in this process."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(arguments)
    said = capsys.readouterr()
    code = end.value.code
    assert isinstance(code, int)
    return Ran(code, said.out, said.err)


class Process:
    """A command as a process, in a group of its own; its output in files."""

    def __init__(self, directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        self.out = directory / f"{arguments[0]}-{time.monotonic_ns()}.out"
        self.err = self.out.with_suffix(".err")
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.popen = start(*arguments, env=env, stdout=out, stderr=err, cwd=directory)

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send it a signal; its exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(PATIENCE)

    def lines(self) -> list[str]:
        return self.out.read_text().splitlines()

    def until_line(self, number: int) -> list[str]:
        """Its output once it has so many lines."""
        until(lambda: len(self.lines()) >= number, lambda: f"{self.lines()}\n{self.err.read_text()}")
        return self.lines()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It does nothing while the block runs."""
        self.popen.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.popen.send_signal(signal.SIGCONT)


@contextmanager
def running(directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> Iterator[Process]:
    process = Process(directory, *arguments, env=env)
    try:
        yield process
    finally:
        process.popen.kill()
        process.popen.wait()


def start(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    stdin: int | IO[bytes] | None = subprocess.DEVNULL,
    stdout: int | IO[bytes] | None = None,
    stderr: int | IO[bytes] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "pulse_radar.cli", *arguments],
        env={**os.environ, **(env or {})},
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd=cwd,
        start_new_session=True,
        # Whoever runs the tests in the background of a shell ignores Ctrl-C, and so would this process.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # there are no threads here
    )


def until(is_so: Callable[[], bool], otherwise: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.02)


def until_served(port: int, path: str = "/health") -> None:
    """Return when a server answers there."""
    until(lambda: answers(port, path), lambda: f"nobody answers on {port}")


def answers(port: int, path: str = "/health") -> bool:
    # Asked many times: not by a client that reads the certificates of all authorities first.
    connection = HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 500
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def heard(port: int, feed: str, count: int) -> list[dict[str, Any]]:
    """The first events of a feed, from the oldest that is kept."""
    with connect(f"ws://127.0.0.1:{port}/ws?topics={feed}&lastSeq={feed}:0") as client:
        events: list[dict[str, Any]] = []
        while len(events) < count:
            frame = json.loads(client.recv(timeout=PATIENCE))
            if "_seq" in frame:
                events.append(frame)
        return events


def heard_of(port: int, feed: str, name: str) -> dict[str, Any]:
    """The first event of this name, from the oldest of its feed that is kept."""
    with connect(f"ws://127.0.0.1:{port}/ws?topics={feed}&lastSeq={feed}:0") as client:
        while True:
            frame: dict[str, Any] = json.loads(client.recv(timeout=PATIENCE))
            if frame.get("event") == name:
                return frame


class System(NamedTuple):
    """A running `serve` and `worker` on an embedded broker, and how commands reach them."""

    directory: Path
    port: int
    broker: tuple[str, ...]
    worker: Process

    @property
    def url(self) -> tuple[str, str]:
        return ("--url", f"http://127.0.0.1:{self.port}")


@contextmanager
def system(directory: Path) -> Iterator[System]:
    port = free_port()
    broker = ("--broker", "embedded://", "--data-dir", str(directory / "data"))
    with (
        running(directory, "serve", "--port", str(port), *broker) as api,
        running(directory, "worker", *broker) as worker,
    ):
        until_served(port)
        yield System(directory, port, broker, worker)
        assert worker.end(signal.SIGTERM) == 0, worker.err.read_text()
        # When all is put away the signal is passed on, as a service manager expects.
        assert api.end(signal.SIGTERM) == -signal.SIGTERM, api.err.read_text()
