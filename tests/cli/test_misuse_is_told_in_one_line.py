"""Everything that a person can get wrong on the command line: one line on stderr, and what to do."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from websockets.http11 import Request
from websockets.sync.server import ServerConnection, serve

import pulse_radar
from pulse_radar.cli import extras, main
from pulse_radar.cli.commands import app
from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import CommandSettings, Settings
from pulse_radar.testing.nats_server import free_port
from tests.cli.runs import ran_here

NOBODY = f"nats://127.0.0.1:{free_port()}"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nocommand"], "No such command 'nocommand'"),
        (["--nothing"], "No such option: --nothing"),
        (["publish"], "Missing argument"),
        (["publish", "knowledge"], "Missing argument"),
        (["publish", "Knowledge", "atom_created"], "invalid topic 'Knowledge'"),
        (["publish", "knowledge", "atom created"], "invalid event name 'atom created'"),
        (["publish", "knowledge", "x", "{id: 7}"], "the data is not JSON"),
        (["publish", "knowledge", "x", "{} {}"], "the data is not JSON"),
        (["publish", "knowledge", "x", '"\udcff"'], "the data is not JSON"),
        (["publish", "knowledge", "x", '{"id": 9007199254740993}'], "beyond 2^53"),
        (["publish", "knowledge", "x", "--key", "a b"], "invalid key 'a b'"),
        (["publish", "metrics", "load", "--key", "a", "--ttl", "soon"], "'soon' is no duration"),
        (["publish", "metrics", "load", "--ttl", "5m"], "only an event with a key"),
        (["delete", "metrics"], "Missing argument"),
        (["delete", "metrics", "a b"], "invalid key 'a b'"),
        (["publish", "knowledge", "x", "--broker", "redis://x"], "'redis://x' (PULSE_BROKER) is none"),
        (["publish", "knowledge", "x", "--broker", "nats://"], "invalid broker URL"),
        (["publish", "knowledge", "x", "--namespace", "a.b"], "PULSE_NAMESPACE"),
        (
            ["publish", "knowledge", "x", "--broker", "memory://"],
            "memory:// keeps events inside one API process",
        ),
        (["worker", "--broker", "memory://"], "memory:// keeps events inside one API process"),
        (["topics", "--broker", "memory://"], "memory:// keeps events inside one API process"),
        (["topics", "apply", "--broker", "memory://"], "memory:// keeps events inside one API process"),
        (["topics", "nowhere:app"], "there is no app 'nowhere:app'"),
        (["topics", "--json", "apply"], "there is no app 'apply'"),
        (["topics", "apply", "os:path"], "os:path has no live layer: app.include_router(pulse.router)"),
        (["topics", "tests.server.busy_app:app"], "memory:// keeps events inside one API process"),
        (["tail", "Messages"], "invalid topic 'Messages'"),
        (["tail", "messages/a b"], "invalid key 'a b'"),
        (["tail", "--since", "soon"], "invalid cursor 'soon'"),
        (["tail", "--since", "messages:soon"], "invalid cursor 'messages:soon'"),
        (["tail", "--since", "99"], "99 is a position in one topic"),
        (["tail", "a", "b", "--since", "99"], "99 is a position in one topic"),
        (["tail", "--since", "0", "--last", "3"], "not both"),
        (["tail", "--last", "-1"], "Invalid value for '--last'"),
        (["tail", "--url", "ftp://x"], "'ftp://x' is no address of a server (PULSE_URL"),
        (["tail", "--header", "Cookie"], "'Cookie' is no header: write --header 'Name: value'"),
        (["ingest"], "Missing argument"),
        (["ingest", "/nowhere/result.json"], "does not exist"),
        (["ingest", "/"], "is a directory"),
        (["ingest", __file__, "--pace", "0"], "Invalid value for '--pace'"),
        (["serve", "--port", "99999"], "port (PULSE_PORT): Input should be less than or equal to 65535"),
        (["serve", "--host", ""], "host (PULSE_HOST): String should have at least 1 character"),
        (["serve", "--port", "http"], "Invalid value for '--port'"),
        (["serve", "--broker", "redis://x"], "'redis://x' (PULSE_BROKER) is none"),
        (["serve", "--host", "0.0.0.0"], "PULSE_INSECURE=1"),
        (["serve", "--insecure", "--host", "no such host"], "is no address"),
        (["demo", "--file", "/nowhere.json"], "does not exist"),
        (
            ["demo", "--data-dir", f"{__file__}/data", "--port", str(free_port())],
            "cannot be made: Not a directory",
        ),
    ],
)
def test_misuse_ends_with_2_and_its_text(
    capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    ran = ran_here(capsys, *arguments)
    assert ran.code == 2, ran
    assert text in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n") == 1
    assert ran.out == ""


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["publish", "knowledge", "x", "--broker", NOBODY], "127.0.0.1"),
        (["topics", "--broker", NOBODY], "127.0.0.1"),
        (["tail", "--url", NOBODY.replace("nats", "ws")], "nobody answers at ws://127.0.0.1"),
        (["ingest", __file__, "--broker", NOBODY], "Telegram Desktop"),
    ],
)
def test_what_the_environment_lacks_ends_with_1_and_its_text(
    capsys: pytest.CaptureFixture[str], arguments: list[str], text: str
) -> None:
    ran = ran_here(capsys, *arguments)
    assert ran.code == 1, ran
    assert text in ran.err
    assert ran.err.startswith("error: ")
    assert "Traceback" not in ran.err


def test_an_embedded_broker_that_nobody_runs_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    ran = ran_here(capsys, "publish", "knowledge", "x", "--data-dir", str(tmp_path))
    assert ran.code == 1
    assert "no embedded server runs in" in ran.err
    assert "pulse-radar serve" in ran.err


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_taken_is_told_before_anything_starts(
    capsys: pytest.CaptureFixture[str], command: str, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ran = ran_here(capsys, command, "--port", str(port), "--data-dir", str(tmp_path / "data"))
    assert ran.code == 1
    assert f"port {port} on 127.0.0.1 is taken: choose another with --port" in ran.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("arguments", [["worker"], ["demo"], ["serve"], ["topics"], ["ingest", __file__]])
def test_a_missing_extra_is_told_with_how_to_install_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda _name: None)
    ran = ran_here(capsys, *arguments)
    assert (ran.code, 'pip install "pulse-radar[radar]"' in ran.err) == (1, True)


def test_a_bad_setting_names_its_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_OUTBOX_LIMIT", "many")
    ran = ran_here(capsys, "publish", "knowledge", "x")
    assert ran.code == 2
    assert "PULSE_OUTBOX_LIMIT" in ran.err


def test_an_option_can_be_given_as_an_environment_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_BROKER", "memory://")
    monkeypatch.setenv("PULSE_URL", "nonsense://")
    assert "memory://" in ran_here(capsys, "publish", "knowledge", "x").err
    assert "PULSE_URL" in ran_here(capsys, "tail").err


def test_every_variable_of_the_command_line_is_a_documented_setting() -> None:
    def variables(command: Any) -> Iterator[str]:
        yield from (parameter.envvar for parameter in command.params if parameter.envvar)
        for inner in getattr(command, "commands", {}).values():
            yield from variables(inner)

    found = set(variables(get_command(app)))
    assert {"PULSE_PORT", "PULSE_BROKER", "PULSE_URL"} <= found
    settings = Settings.model_fields | CommandSettings.model_fields
    assert found <= {f"PULSE_{name.upper()}" for name in settings}


def test_a_time_zone_that_does_not_exist_is_told(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    export = tmp_path / "result.json"
    export.write_text('{"id": 1, "type": "private_group", "name": "x", "messages": []}')
    ran = ran_here(capsys, "ingest", str(export), "--timezone", "Mars/Olympus")
    assert (ran.code, "no time zone 'Mars/Olympus'" in ran.err) == (2, True)


def test_debug_shows_where_an_error_came_from() -> None:
    with pytest.raises(InvalidSetting):
        main(["--debug", "publish", "knowledge", "x", "--broker", "memory://"])


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    ran = ran_here(capsys, "--version")
    assert (ran.code, ran.out) == (0, f"pulse-radar {pulse_radar.__version__}\n")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    ran = ran_here(capsys, "--help")
    assert ran.code == 0
    for command in ("serve", "worker", "demo", "ingest", "publish", "tail", "topics", "codegen", "asyncapi"):
        assert command in ran.out


def test_serve_says_where_events_of_an_app_of_ones_own_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    words = ran_here(capsys, "serve", "--help").out.replace("│", " ").split()
    assert "embedded://; memory:// for your own app" in " ".join(words)


def test_a_tail_that_lacks_credentials_is_told_which_options_show_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[Request] = []

    def refuse(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(connection.request)
        connection.close(4401, "unauthenticated")

    with serve(refuse, "127.0.0.1", 0) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        url = f"http://127.0.0.1:{server.socket.getsockname()[1]}/live"
        ran = ran_here(capsys, "tail", "--url", url, "--header", "Cookie: session=7")
        server.shutdown()
        serving.join()
    assert ran.code != 0
    assert "--token (PULSE_TOKEN) or --header" in ran.err
    assert (asked[0].path, asked[0].headers["Cookie"]) == ("/live/ws", "session=7")


def test_the_help_of_topics_says_how_to_name_an_app(capsys: pytest.CaptureFixture[str]) -> None:
    assert "topics main:app" in ran_here(capsys, "topics", "--help").out
