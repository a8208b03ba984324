"""`codegen` and `asyncapi`: files for clients, and a check for CI."""

import json
from pathlib import Path

import pytest

from tests.cli.runs import ran_here

SHOP = "tests.catalogue.shop"


@pytest.mark.parametrize("name", ["app", "pulse", "create_app"])
def test_an_app_a_pulse_and_what_makes_one_are_taken(capsys: pytest.CaptureFixture[str], name: str) -> None:
    ran = ran_here(capsys, "codegen", f"{SHOP}:{name}")
    assert ran.code == 0
    assert "export interface OrderPlaced {" in ran.out


def test_the_application_itself_is_typed(capsys: pytest.CaptureFixture[str]) -> None:
    ran = ran_here(capsys, "codegen", "pulse_radar.radar.app:create_app")
    for line in (
        "    readonly atom_created: AtomCreated;",
        "    readonly ingestion_progress: IngestionProgress;",
        "    readonly job_failed: JobFailed;",
        "  readonly status: "
        '"queued" | "counting" | "running" | "finding_topics" | "paused" | "completed" | "failed" | "cancelled";',
    ):
        assert line in ran.out.splitlines()


def test_a_file_is_written_and_then_up_to_date(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "events.ts"
    command = ("codegen", f"{SHOP}:app", "-o", str(path))
    assert ran_here(capsys, *command) == (0, f"{path} is written\n", "")
    assert ran_here(capsys, *command) == (0, f"{path} is up to date\n", "")
    assert ran_here(capsys, *command, "--check") == (0, f"{path} is up to date\n", "")


@pytest.mark.parametrize("command", ["codegen", "asyncapi"])
def test_a_dash_is_standard_output(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ran_here(capsys, command, f"{SHOP}:app", "-o", "-") == ran_here(capsys, command, f"{SHOP}:app")
    assert not list(tmp_path.iterdir())


def test_what_breaks_clients_fails_the_check_and_what_adds_does_not(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "events.ts"
    command = ("codegen", f"{SHOP}:app", "-o", str(path))
    ran_here(capsys, *command)
    now = path.read_text()
    former = now.replace('"load":{"type":"number"}', '"load":{"type":"string"}')
    path.write_text(former)
    breaks = ran_here(capsys, *command, "--check")
    assert breaks.code == 1
    assert breaks.out == "breaks  loads.load.measured.load: may be a number, and was a text\n"
    assert breaks.err.startswith(f"error: 1 of 1 changes break clients that have {path}: ")
    assert path.read_text() == former
    path.write_text(
        now.replace('"load":{"type":"number"}', '"load":{"anyOf":[{"type":"number"},{"type":"null"}]}')
    )
    adds = ran_here(capsys, *command, "--check")
    assert adds.code == 0
    assert adds.out.splitlines()[0] == "adds  loads.load.measured.load: is no longer null"
    written = ran_here(capsys, *command)
    assert written.out.splitlines()[-1] == f"{path} is written"
    assert path.read_text() == now


def test_a_document_is_checked_in_the_same_way(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "asyncapi.json"
    command = ("asyncapi", f"{SHOP}:app", "-o", str(path))
    ran_here(capsys, *command)
    assert ran_here(capsys, *command, "--check") == (0, f"{path} is up to date\n", "")
    document = json.loads(path.read_text())
    schemas = document["components"]["schemas"]
    (load,) = [each for each in schemas.values() if "load" in each.get("properties", {})]
    load["properties"]["load"] = {"type": "string"}
    path.write_text(json.dumps(document))
    breaks = ran_here(capsys, *command, "--check")
    assert (breaks.code, breaks.out) == (
        1,
        "breaks  loads.load.measured.load: may be a number, and was a text\n",
    )
    del document["channels"]["orders"]
    load["properties"]["load"] = {"type": "number"}
    path.write_text(json.dumps(document))
    adds = ran_here(capsys, *command, "--check")
    assert (adds.code, adds.out.splitlines()[0]) == (0, "adds  orders: a new topic")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["codegen", "nowhere:app"], "there is no app 'nowhere:app'"),
        (["codegen", "os:path"], "os:path has no live layer"),
        (["codegen", f"{SHOP}:app", "--check"], "--check needs the file to compare with"),
        (
            ["codegen", f"{SHOP}:app", "--check", "-o", "/nowhere/events.ts"],
            "write it with pulse-radar codegen",
        ),
        (["codegen", f"{SHOP}:app", "--check", "-o", __file__], "was it written by codegen?"),
        (["asyncapi", f"{SHOP}:app", "--check", "-o", __file__], "no document that asyncapi wrote"),
        (["asyncapi", f"{SHOP}:app", "--url", "ftp://x"], "is no address"),
    ],
)
def test_misuse_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    ran = ran_here(capsys, *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert text in ran.err


def test_a_document_is_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "asyncapi.json"
    ran = ran_here(capsys, "asyncapi", f"{SHOP}:app", "--title", "A shop", "-o", str(path))
    assert ran == (0, f"{path} is written\n", "")
    assert json.loads(path.read_text())["info"]["title"] == "A shop"
    assert json.loads(ran_here(capsys, "asyncapi", f"{SHOP}:app").out)["asyncapi"] == "3.1.0"
