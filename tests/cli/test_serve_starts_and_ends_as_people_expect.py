"""`serve` as a process: what it says when it cannot start, and how soon it ends whatever hangs on it."""

import asyncio
import json
import signal
from pathlib import Path

import httpx
import pytest

from pulse_radar import Publisher
from pulse_radar.testing.nats_server import NatsServer, free_port
from tests.cli.runs import PATIENCE, Process, ran_here, running, until_served

APP = """
from fastapi import FastAPI
from pulse_radar import Pulse

pulse = Pulse({hooks})
pulse.topic("news")
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)
"""


@pytest.mark.parametrize(
    ("hooks", "options", "env"),
    [("authenticate=lambda _: 'me'", (), {}), ("", ("--reload",), {"PULSE_INSECURE": "1"})],
    ids=["an app that asks who is there", "an insecure one that is reloaded"],
)
def test_an_app_that_asks_or_an_insecure_one_may_be_open_to_everybody(
    tmp_path: Path, hooks: str, options: tuple[str, ...], env: dict[str, str]
) -> None:
    (tmp_path / "mine.py").write_text(APP.format(hooks=hooks))
    port = free_port()
    address = ("--host", "0.0.0.0", "--port", str(port))
    with running(tmp_path, "serve", "mine:app", *address, *options, env=env) as process:
        until_served(port)
        assert process.end(signal.SIGINT) == 0, process.err.read_text()
        assert "Traceback" not in process.err.read_text()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--broker", "nats://127.0.0.1:1"), "127.0.0.1:1"),
        (("nowhere:app",), 'Could not import module "nowhere"'),
    ],
)
def test_what_keeps_it_from_starting_is_told_without_a_traceback(
    tmp_path: Path, arguments: tuple[str, ...], text: str
) -> None:
    process = Process(tmp_path, "serve", "--port", str(free_port()), *arguments)
    assert process.popen.wait(PATIENCE) in {1, 2}
    told = process.err.read_text()
    assert text in told
    assert "Traceback" not in told


def test_what_an_app_raises_is_told_with_its_place_and_with_debug_whole(tmp_path: Path) -> None:
    # What raises is a library's: the place is where the app called it.
    (tmp_path / "mine.py").write_text('import json\n\npulse = json.loads("{")\n')
    for options, is_whole in (((), False), (("--debug",), True)):
        process = Process(tmp_path, *options, "serve", "mine:pulse", "--port", str(free_port()))
        assert process.popen.wait(PATIENCE) in {1, 2}
        told = process.err.read_text()
        assert (
            f"mine:pulse raises when it is imported, in {tmp_path / 'mine.py'}:3: json.decoder.JSON" in told
        )
        assert ("Traceback" in told) is is_whole


def test_an_app_that_asks_nobody_who_they_are_stays_on_this_machine(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open_app.py").write_text(APP.format(hooks=""))
    monkeypatch.syspath_prepend(tmp_path)
    ran = ran_here(capsys, "serve", "open_app:app", "--host", "0.0.0.0", "--port", "0")
    assert ran.code == 2
    assert "no `authenticate`" in ran.err
    ran = ran_here(capsys, "serve", "no_such_app:app", "--host", "0.0.0.0")
    assert "there is no app 'no_such_app:app'" in ran.err


TWO = """
from fastapi import FastAPI
from pulse_radar import Pulse

inner, outer = Pulse({inner}), Pulse(authenticate=lambda _: "me")
app = FastAPI()
app.include_router(outer.router)
app.include_router(inner.router, prefix="/inner")
"""


@pytest.mark.parametrize(("inner", "is_served"), [("", False), ("authenticate=lambda _: 'me'", True)])
def test_one_live_layer_that_asks_does_not_vouch_for_another_that_does_not(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    inner: str,
    is_served: bool,
) -> None:
    monkeypatch.setattr("pulse_radar.cli.serving.run_server", lambda *_args, **_options: None)
    (tmp_path / f"two_{is_served}.py").write_text(TWO.format(inner=inner))
    monkeypatch.syspath_prepend(tmp_path)
    ran = ran_here(capsys, "serve", f"two_{is_served}:app", "--host", "0.0.0.0", "--port", "0")
    assert (ran.code, "no `authenticate`" in ran.err) == ((0, False) if is_served else (2, True))


FAILING = (
    APP.format(hooks="")
    + """
@app.get("/fail")
async def fail() -> None:
    await pulse.publish("news", "happened", {"n": 2**60})
"""
)


def test_a_developer_sees_the_broker_the_requests_and_what_an_endpoint_raised(tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    port = free_port()
    with running(tmp_path, "serve", "failing:app", "--port", str(port)) as process:
        until_served(port)
        assert httpx.get(f"http://127.0.0.1:{port}/fail?n=1").status_code == 500
        assert process.end(signal.SIGINT) == 0
    told, requests = process.err.read_text(), process.out.read_text()
    assert "live on memory://: news" in told
    assert '"GET /fail?n=1 HTTP/1.1" 500' in requests
    assert "Traceback" in told
    assert 'await pulse.publish("news"' in told
    assert "InvalidEvent: " in told
    assert "2^53" in told


async def test_tail_misses_nothing_when_the_api_process_is_killed(tmp_path: Path) -> None:
    async with NatsServer(tmp_path / "nats") as server:
        port = free_port()
        serve = ("serve", "--port", str(port), "--broker", server.url)
        with running(tmp_path, *serve) as first:
            await asyncio.to_thread(until_served, port)
            async with Publisher(server.url) as publisher:

                async def publish(numbers: range) -> None:
                    for number in numbers:
                        await publisher.publish("tasks", "task_changed", {"n": number})

                await publish(range(3))
                url = f"http://127.0.0.1:{port}"
                with running(tmp_path, "tail", "tasks", "--since", "0", "--json", "--url", url) as tail:
                    await asyncio.to_thread(tail.until_line, 3)
                    first.end(signal.SIGKILL)
                    await publish(range(3, 6))
                    with running(tmp_path, *serve):
                        await asyncio.to_thread(until_served, port)
                        await publish(range(6, 9))
                        lines = await asyncio.to_thread(tail.until_line, 9)
    assert [json.loads(line)["data"]["n"] for line in lines] == list(range(9))


def test_what_is_there_at_the_start_is_not_looked_through_for_garbage(tmp_path: Path) -> None:
    frozen = (
        'import gc\n\n\n@app.get("/frozen")\nasync def frozen() -> int:\n    return gc.get_freeze_count()\n'
    )
    (tmp_path / "mine.py").write_text(APP.format(hooks="") + frozen)
    port = free_port()
    with running(tmp_path, "serve", "mine:app", "--port", str(port)):
        until_served(port)
        assert httpx.get(f"http://127.0.0.1:{port}/frozen").json() > 10_000
