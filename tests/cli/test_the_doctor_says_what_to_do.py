"""`pulse-radar doctor` on apps as people write them, on each kind of broker, well and ill."""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from pulse_radar import Pulse, Settings
from pulse_radar.brokers.nats.broker import NatsBroker
from pulse_radar.cli.checks import of_delivery
from pulse_radar.cli.checks.finding import Verdict
from pulse_radar.cli.checks.of_facts import judge_server
from pulse_radar.hub.inputs import Arrived
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Gap
from pulse_radar.testing.nats_server import NatsServer, free_port
from tests.cli.runs import Ran, ran_here
from tests.server.serving import app_with, make_pulse, serving
from tests.waiting import eventually

APP = """
from fastapi import FastAPI
from pulse_radar import Pulse

pulse = Pulse()
pulse.topic("knowledge", retain=5_000)
pulse.topic("metrics", kind="state", ttl="1m")
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of an app in the working directory, read anew by each test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "patient", raising=False)
    # As many files as any machine allows.
    monkeypatch.setenv("PULSE_MAX_CONNECTIONS", "1000")
    (tmp_path / "patient.py").write_text(APP)
    return "patient:pulse"


class Diagnosis:
    """What the doctor found."""

    def __init__(self, ran: Ran) -> None:
        self.code = ran.code
        self.found = [json.loads(line) for line in ran.out.splitlines()]
        assert ran.err == ""

    def of(self, check: str, verdict: str) -> list[str]:
        """What was said, and advised, in findings of this kind."""
        return [
            f"{each['said']} → {each['advice']}"
            for each in self.found
            if (each["check"], each["verdict"]) == (check, verdict)
        ]

    @property
    def bad(self) -> dict[str, str]:
        return {
            each["check"]: each["verdict"] for each in self.found if each["verdict"] in ("failed", "warning")
        }


def examined(capsys: pytest.CaptureFixture[str], *arguments: str) -> Diagnosis:
    return Diagnosis(ran_here(capsys, "doctor", "--json", *arguments))


def test_an_app_on_memory_is_well(app: str, capsys: pytest.CaptureFixture[str]) -> None:
    diagnosis = examined(capsys, app)
    assert (diagnosis.code, diagnosis.bad) == (0, {})
    assert "delivered" in diagnosis.of("delivery", "ok")[0]
    assert "knowledge, metrics" in diagnosis.of("app", "ok")[0]


def test_people_read_what_was_found_and_what_to_do(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_BROKR", "nats://somewhere:4222")
    monkeypatch.setenv("COLUMNS", "80")
    ran = ran_here(capsys, "doctor", app)
    assert ran.code == 0
    assert "→ did you mean PULSE_BROKER?" in ran.out
    assert ran.out.endswith("nothing failed, 1 warning\n")
    assert max(map(len, ran.out.splitlines())) <= 80


def test_several_processes_on_memory_are_found_before_they_start(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    diagnosis = examined(capsys, app)
    assert diagnosis.code == 1
    assert "embedded://" in diagnosis.of("settings", "failed")[0]


def test_a_variable_that_is_no_setting_is_named_and_those_of_kubernetes_are_not(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_PING_INTERVALL", "20")
    monkeypatch.setenv("PULSE_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("PULSE_PORT_8000_TCP_ADDR", "10.0.0.1")
    diagnosis = examined(capsys, app)
    assert diagnosis.code == 0
    [said] = diagnosis.of("settings", "warning")
    assert "PULSE_PING_INTERVAL?" in said


def test_a_setting_that_cannot_be_ends_no_examination(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_PING_INTERVAL", "often")
    diagnosis = examined(capsys, app)
    assert diagnosis.code == 1
    assert "PULSE_PING_INTERVAL" in diagnosis.of("settings", "failed")[0]
    assert diagnosis.of("app", "failed")


def test_what_is_served_to_others_has_names_and_asks_who_is_there(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_HOST", "0.0.0.0")
    told = examined(capsys, app).of("settings", "warning")
    assert ["PULSE_ALLOWED_HOSTS" in said for said in told] == [True, False]
    assert "authenticate" in told[1]


def test_an_app_that_cannot_be_imported_is_told_with_its_own_error(
    app: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("patient.py").write_text('import os\npulse = os.environ["DATABASE_OF_MINE"]\n')
    diagnosis = examined(capsys, app)
    assert diagnosis.code == 1
    [said] = diagnosis.of("app", "failed")
    assert "patient.py:2: KeyError: 'DATABASE_OF_MINE'" in said
    assert "has it variables where it runs" in said
    assert "module:name" in examined(capsys, "nobody:app").of("app", "failed")[0]


def test_a_setting_that_only_an_app_finds_wrong_is_not_taken_for_a_wrong_name(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_ALLOWED_HOSTS", "https://app.example.com")
    [said] = examined(capsys, app).of("app", "failed")
    assert "app.example.com" in said
    assert said.endswith("docs/OPERATIONS.md has the table of settings")


def test_all_hosts_are_a_warning(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_ALLOWED_HOSTS", "*")
    [said] = examined(capsys, app).of("settings", "warning")
    assert "DNS rebinding" in said


def test_a_directory_in_which_nothing_can_be_kept_is_named(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    diagnosis = examined(capsys, app, "--broker", "embedded://", "--data-dir", str(tmp_path / "file"))
    assert (diagnosis.code, diagnosis.bad) == (1, {"disk": "failed"})
    assert "PULSE_DATA_DIR" in diagnosis.of("disk", "failed")[0]


async def test_replicas_that_a_lonely_server_cannot_keep_are_a_warning(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_REPLICAS", "3")
    async with NatsServer(tmp_path / "store") as server:
        diagnosis = await away(examined, capsys, app, "--broker", server.url)
    assert "PULSE_REPLICAS is 3" in diagnosis.of("broker", "warning")[0]


def test_what_is_wrong_with_credentials_is_told_of_the_credentials(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_NATS_CREDENTIALS", "/nowhere.creds")
    [said] = examined(capsys, app, "--broker", "nats://127.0.0.1:4222").of("broker", "failed")
    assert "/nowhere.creds" in said
    assert "memory://" not in said


def test_few_open_files_are_few_connections(app: str, capsys: pytest.CaptureFixture[str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    try:
        diagnosis = examined(capsys, app)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    [said] = diagnosis.of("open files", "warning")
    assert "1,000 connections (PULSE_MAX_CONNECTIONS) may want 2,512" in said
    assert "LimitNOFILE" in said


def test_an_embedded_broker_that_nobody_runs_yet_is_tried_and_leaves_nothing(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    diagnosis = examined(capsys, app, "--broker", "embedded://")
    assert (diagnosis.code, diagnosis.bad) == (0, {})
    assert diagnosis.of("delivery", "ok")
    assert "no server runs" in diagnosis.of("broker", "ok")[0]
    assert not (tmp_path / ".pulse").exists()


async def test_an_embedded_broker_that_runs_is_attached_to(
    app: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_BROKER", "embedded://")
    serving_app = Pulse()
    serving_app.topic("knowledge", retain=5_000)
    serving_app.topic("metrics", kind="state", ttl="1m")
    async with serving_app:
        await serving_app.publish("knowledge", "atom_created")
        diagnosis = await away(examined, capsys, app)
    assert (diagnosis.code, diagnosis.bad) == (0, {})
    assert ["1 event," in said for said in diagnosis.of("streams", "ok")] == [True, False]
    assert diagnosis.of("delivery", "ok")


def test_a_broker_that_is_away_is_told_with_its_place(app: str, capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    diagnosis = examined(capsys, app, "--broker", f"nats://ada:secret@127.0.0.1:{port}")
    assert diagnosis.code == 1
    [said] = diagnosis.of("broker", "failed")
    assert f"127.0.0.1:{port}" in said
    assert "secret" not in said
    assert "nats-server -js" in said
    assert diagnosis.of("delivery", "skipped")


async def test_streams_are_compared_with_what_is_declared(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with NatsServer(tmp_path / "store") as server:
        fresh = await away(examined, capsys, app, "--broker", server.url)
        assert (fresh.code, fresh.bad) == (0, {})
        assert "topics apply" in fresh.of("streams", "skipped")[0]
        assert fresh.of("delivery", "ok")
        assert fresh.of("clock", "ok")
        # As somebody else's version of the app declared them.
        other = Pulse(server.url)
        other.topic("knowledge", retain=9_000)
        other.topic("metrics")
        async with other:
            await other.publish("knowledge", "atom_created")
        ill = await away(examined, capsys, app, "--broker", server.url)
        assert ill.code == 1
        assert "1 event," in ill.of("streams", "warning")[0]
        assert "max_msgs is 9000, not 5000" in ill.of("streams", "warning")[0]
        assert "topics replace metrics" in ill.of("streams", "failed")[0]


async def test_a_server_of_a_cluster_that_is_away_and_too_small_messages_are_warnings(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    nowhere = f"nats://127.0.0.1:{free_port()}"
    async with NatsServer(tmp_path / "store", settings="max_payload: 100000") as server:
        diagnosis = await away(examined, capsys, app, "--broker", f"{server.url},{nowhere}")
    assert diagnosis.code == 0
    assert nowhere.removeprefix("nats://") in diagnosis.of("broker", "warning")[0]
    assert "max_payload" in diagnosis.of("limits", "warning")[0]


async def test_clocks_that_differ_are_told(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    behind = SimpleNamespace(time=lambda: time.time() - 60, monotonic=time.monotonic)
    monkeypatch.setattr(of_delivery, "time", behind)
    async with NatsServer(tmp_path / "store") as server:
        diagnosis = await away(examined, capsys, app, "--broker", server.url)
    assert diagnosis.code == 1
    assert "ahead of this machine's" in diagnosis.of("clock", "failed")[0]


@pytest.mark.parametrize("is_direct", [True, False])
async def test_a_server_that_runs_is_asked_whether_it_can_do_what_ours_can(
    app: str, capsys: pytest.CaptureFixture[str], is_direct: bool
) -> None:
    async with serving(app_with(make_pulse()), is_direct=is_direct) as server:
        url = f"http://127.0.0.1:{server.port}"
        diagnosis = await away(examined, capsys, app, "--url", url)
        elsewhere = await away(examined, capsys, app, "--url", f"{url}/prefix")
    assert diagnosis.code == 0
    warned = diagnosis.of("server", "warning")
    assert ["--http" in said or "--ws" in said for said in warned] == [True] * (0 if is_direct else 2)
    assert "include_router" in elsewhere.of("server", "failed")[0]
    gone = await away(examined, capsys, app, "--url", url)
    assert "nobody answers" in gone.of("server", "failed")[0]


async def test_a_topic_for_which_a_server_is_not_ready_is_named(
    app: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pulse = make_pulse()
    pulse.topic("jobs", kind="state")
    async with serving(app_with(pulse)) as server:
        runner = pulse._runner()
        await eventually(lambda: runner.probe.is_fresh)
        runner.tell(Arrived("jobs", (Gap(None, 5, GapReason.RESET),)))
        diagnosis = await away(examined, capsys, app, "--url", f"http://127.0.0.1:{server.port}")
    assert diagnosis.code == 0
    assert "not for jobs" in diagnosis.of("server", "warning")[0]


async def away(examine: Any, *arguments: Any) -> Diagnosis:
    """In a thread, while this loop serves."""
    diagnosis: Diagnosis = await asyncio.to_thread(examine, *arguments)
    return diagnosis


async def test_a_server_of_a_version_that_stalls_is_named(tmp_path: Path) -> None:
    # Of this version we bring no server.
    async with NatsServer(tmp_path) as server, NatsBroker(server.url) as broker:
        facts = msgspec.structs.replace(await broker.server_facts(), version="2.12.1")
        found = list(judge_server(facts, Settings.load(broker=server.url), None))
    [said] = [finding for finding in found if finding.verdict is Verdict.DOUBT]
    assert "2.12.2" in said.advice
