"""`serve --workers`: processes behind one port, of which any may die, and that end as one does."""

import errno
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from pulse_radar.cli import crew as crew_module
from pulse_radar.testing.nats_server import free_port
from tests.cli.runs import PATIENCE, Process, ran_here, running, until, until_served

APP = """
import os

from fastapi import FastAPI
from pulse_radar import Pulse

pulse = Pulse()
pulse.topic("news")
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)


@app.get("/process")
async def process() -> tuple[int, int]:
    return os.getpid(), pulse.stats().hub.connections


@app.post("/say/{number}")
async def say(number: int) -> None:
    await pulse.publish("news", "happened", {"number": number})
"""


class Crew(NamedTuple):
    """A running `serve --workers 2`."""

    process: Process
    port: int

    def ask(self, method: str, path: str) -> Any:
        # Asked many times: not by a client that reads the certificates of all authorities first.
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with closing(connection):
            connection.request(method, path)
            return json.loads(connection.getresponse().read())

    def seen(self) -> tuple[int, int]:
        """The process that answers this time, and how many connections it has."""
        pid, connections = self.ask("GET", "/process")
        return pid, connections

    def pids(self) -> set[int]:
        """Those of both, once both answer."""
        pids: set[int] = set()

        def both_answered() -> bool:
            pids.add(self.seen()[0])
            return len(pids) == 2

        until(both_answered, lambda: self.told)
        return pids

    def say(self, numbers: range) -> None:
        for number in numbers:
            self.ask("POST", f"/say/{number}")

    def follow(self, last_seq: str = "") -> ClientConnection:
        return connect(f"ws://127.0.0.1:{self.port}/ws?topics=news{last_seq}", proxy=None)

    @property
    def told(self) -> str:
        return self.process.err.read_text()


@contextmanager
def a_crew(folder: Path) -> Iterator[Crew]:
    (folder / "mine.py").write_text(APP)
    port = free_port()
    options = ("--workers", "2", "--port", str(port), "--broker", "embedded://", "--data-dir", "data")
    with running(folder, "serve", "mine:app", *options) as process:
        until_served(port)
        crew = Crew(process, port)
        crew.pids()
        try:
            yield crew
        finally:
            process.popen.terminate()
            process.popen.wait(PATIENCE)


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    with a_crew(tmp_path_factory.mktemp("crew")) as crew:
        yield crew


def heard(client: ClientConnection, count: int) -> list[int]:
    """The numbers of the next events."""
    numbers: list[int] = []
    while len(numbers) < count:
        frame = json.loads(client.recv(timeout=PATIENCE))
        if "_seq" in frame:
            numbers.append(frame["data"]["number"])
    return numbers


def close_code(client: ClientConnection) -> int | None:
    """What the connection is closed with, whatever comes before."""
    with suppress(ConnectionClosed):
        while True:
            client.recv(timeout=PATIENCE)
    return client.close_code


def test_clients_of_each_process_hear_each_event_once_and_a_killed_one_is_replaced(crew: Crew) -> None:
    with ExitStack() as clients:
        followers: list[ClientConnection] = []
        filled: set[int] = set()

        def both_have_somebody() -> bool:
            pid, connections = crew.seen()
            if connections:
                filled.add(pid)
            elif len(followers) < 50:
                followers.append(clients.enter_context(crew.follow("&lastSeq=news:0")))
            return len(filled) == 2

        until(both_have_somebody)
        crew.say(range(3))
        assert all(heard(client, 3) == [0, 1, 2] for client in followers)
        killed = crew.seen()[0]
        os.kill(killed, signal.SIGKILL)
        # Before that it may have accepted what is said.
        until(lambda: "another takes its place" in crew.told)
        crew.say(range(3, 6))
        for client in followers:
            try:
                assert heard(client, 3) == [3, 4, 5]
            except ConnectionClosed:
                with crew.follow("&lastSeq=news:0") as again:
                    assert heard(again, 6) == [0, 1, 2, 3, 4, 5]
    assert killed not in crew.pids()


def test_a_signal_ends_all_of_them_as_it_ends_one(crew: Crew) -> None:
    with crew.follow() as client:
        assert crew.process.end(signal.SIGTERM) == -signal.SIGTERM
        # It was drained.
        assert close_code(client) == 4002
    assert "Traceback" not in crew.told
    assert crew.told.count("Application shutdown complete.") == 2


def test_they_end_with_the_command_however_it_ends(tmp_path: Path) -> None:
    with a_crew(tmp_path) as crew:
        crew.process.end(signal.SIGKILL)
        until(lambda: crew.told.count("Application shutdown complete.") == 2, lambda: crew.told)


def test_a_worker_that_does_not_start_ends_the_command(tmp_path: Path) -> None:
    # The second one of memory:// does not.
    (tmp_path / "mine.py").write_text(APP)
    process = Process(tmp_path, "serve", "mine:app", "--workers", "2", "--port", str(free_port()))
    assert process.popen.wait(PATIENCE) == 1
    told = process.err.read_text()
    assert "memory:// serves one process" in told
    assert "did not start (exit code 1)" in told
    assert "Traceback" not in told


def test_one_that_is_reloaded_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    ran = ran_here(capsys, "serve", "mine:app", "--workers", "2", "--reload")
    assert (ran.code, "--reload is for one process" in ran.err) == (2, True)


def test_a_worker_that_cannot_start_is_told_also_where_it_left_a_child(tmp_path: Path) -> None:
    (tmp_path / "left.py").write_text(
        "import pathlib, subprocess\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "pathlib.Path(f'{child.pid}.child').touch()\n"
        "raise RuntimeError('no database')\n"
    )
    try:
        with running(tmp_path, "serve", "left:app", "--workers", "2", "--port", str(free_port())) as process:
            assert process.popen.wait(PATIENCE) == 1
    finally:
        for child in tmp_path.glob("*.child"):
            os.kill(int(child.stem), signal.SIGKILL)
    assert "did not start" in process.err.read_text()


async def test_where_no_process_can_be_started_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew_module, "_PAUSE_SECONDS", 0.01)
    tries: list[int] = []

    class Reluctant(crew_module.Crew):
        """Its first worker has served and died; then there is no memory, and then somebody asks it to end."""

        async def _live(self) -> tuple[Any, bool]:
            tries.append(len(tries))
            if len(tries) == 2:
                raise OSError(errno.ENOMEM, "no memory")
            if len(tries) == 3:
                self._ended_by = signal.SIGTERM
            return SimpleNamespace(pid=1, returncode=-9), True

    with socket.socket() as listener:
        assert await Reluctant(1, [], listener).work() is signal.SIGTERM
    assert tries == [0, 1, 2]
