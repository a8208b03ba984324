"""What the commands do, as processes or in this one, to a real `serve` and `worker` on an embedded broker."""

import asyncio
import io
import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import nats
import pytest
from websockets.asyncio.client import connect

from pulse_radar.brokers.embedded import attach
from pulse_radar.radar.topics import TOPICS
from pulse_radar.testing.telegram_exports import write_export
from tests.cli.runs import PATIENCE, System, heard, heard_of, ran_here, running, start, system

COUNT = 120


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with system(tmp_path_factory.mktemp("system")) as running_system:
        yield running_system


def export(directory: Path, *, seed: int, messages: int = COUNT) -> str:
    path = directory / f"export-{seed}.json"
    with path.open("wb") as out:
        write_export(out, messages=messages, seed=seed)
    return str(path)


def test_the_application_has_its_page_and_all_topics(at: System) -> None:
    page = httpx.get(f"http://127.0.0.1:{at.port}/")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Pulse Radar" in page.text

    async def topics() -> list[str]:
        async with connect(f"ws://127.0.0.1:{at.port}/ws") as client:
            found: list[str] = json.loads(await client.recv())["data"]["topics"]
            return found

    assert asyncio.run(topics()) == [spec.name for spec in TOPICS]


def test_publish_says_the_position_and_the_same_id_is_stored_once(
    capsys: pytest.CaptureFixture[str], at: System
) -> None:
    publish = ("publish", "agents", "agent_created", '{"id": 7}', "--key", "a7", "--id", "once", *at.broker)
    first, second = ran_here(capsys, *publish), ran_here(capsys, *publish, "--json")
    assert first.code == second.code == 0
    topic, _, sequence = first.out.strip().partition(":")
    assert json.loads(second.out) == {"topic": topic, "_seq": int(sequence)}


def test_publish_reads_its_data_from_standard_input(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, at: System
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"from": "stdin"}')))
    ran = ran_here(capsys, "publish", "providers", "provider_updated", "-", *at.broker)
    assert ran.out.startswith("providers:")
    [event] = heard(at.port, "providers", 1)
    assert event["data"] == {"from": "stdin"}


def test_topics_shows_what_is_kept(capsys: pytest.CaptureFixture[str], at: System) -> None:
    # Where nobody else tells of itself.
    quiet = (*at.broker, "--namespace", "quiet")
    ran_here(capsys, "topics", "apply", *quiet)
    for number in range(3):
        ran_here(capsys, "publish", "tasks", "task_changed", f'{{"n": {number}}}', *quiet)
    for number in range(5):
        ran_here(capsys, "publish", "metrics", "load", "{}", "--key", "abc"[number % 3], *quiet)
    ran_here(capsys, "delete", "metrics", "c", *quiet)
    ran = ran_here(capsys, "topics", "--json", *quiet)
    found = {topic["topic"]: topic for topic in map(json.loads, ran.out.splitlines())}
    assert list(found) == [spec.name for spec in TOPICS]
    assert found["tasks"]["events"] == 3
    assert found["tasks"]["last"] - found["tasks"]["first"] == 2
    assert found["metrics"]["events"] == 2
    assert "10,000 events, 7 days" in ran_here(capsys, "topics", *quiet).out


def test_topics_apply_creates_them(capsys: pytest.CaptureFixture[str], at: System) -> None:
    other = (*at.broker, "--namespace", "other")
    assert "not created" in ran_here(capsys, "topics", *other).out
    applied = ran_here(capsys, "topics", "apply", *other)
    assert applied.code == 0
    assert "not created" not in applied.out
    assert all(
        json.loads(line)["exists"] for line in ran_here(capsys, "topics", "--json", *other).out.splitlines()
    )


APP = """
from fastapi import FastAPI
from pulse_radar import Pulse

pulse = Pulse()
pulse.topic("tasks", retain={retain})
pulse.topic("news", max_age="2h")
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)
"""


def test_topics_of_an_app_are_its_own_and_apply_leaves_all_others_alone(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, at: System, tmp_path: Path
) -> None:
    place = (*at.broker, "--namespace", "theirs")
    ran_here(capsys, "topics", "apply", *place)
    (tmp_path / "their_app.py").write_text(APP.format(retain=77))
    monkeypatch.syspath_prepend(tmp_path)
    assert "not created" in ran_here(capsys, "topics", "their_app:app", *place).out
    applied = ran_here(capsys, "topics", "apply", "their_app:app", "--json", *place)
    found = {topic["topic"]: topic for topic in map(json.loads, applied.out.splitlines())}
    assert {name: (topic["retain"], topic["exists"]) for name, topic in found.items()} == {
        "tasks": (77, True),
        "news": (10_000, True),
    }
    kept = asyncio.run(_retained(at, "theirs"))
    assert (kept["tasks"], kept["agents"], kept["knowledge"]) == (77, 10_000, 100_000)


def test_a_topic_becomes_of_the_other_kind_by_a_command_and_only_by_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, at: System, tmp_path: Path
) -> None:
    place = (*at.broker, "--namespace", "changing")
    (tmp_path / "before.py").write_text(APP.format(retain=77))
    (tmp_path / "after.py").write_text(APP.format(retain=77).replace("retain=77", 'kind="state"'))
    monkeypatch.syspath_prepend(tmp_path)
    ran_here(capsys, "topics", "apply", "before:app", *place)
    ran_here(capsys, "publish", "tasks", "task_changed", "--key", "a", *place)
    refused = ran_here(capsys, "topics", "apply", "after:app", *place)
    assert refused.code == 1
    assert "`pulse-radar topics replace tasks` makes it anew" in refused.err
    unknown = ran_here(capsys, "topics", "replace", "nope", "after:app", "--yes", *place)
    assert (unknown.code, unknown.err) == (2, "error: unknown topic 'nope': declared are tasks, news\n")
    assert ran_here(capsys, "topics", "replace", "tasks", "after:app", "--yes", *place).code == 0
    applied = ran_here(capsys, "topics", "apply", "after:app", "--json", *place)
    assert json.loads(applied.out.splitlines()[0])["kind"] == "state"
    assert ran_here(capsys, "delete", "tasks", "a", *place).out.startswith("tasks:")


async def _retained(at: System, namespace: str) -> dict[str, int]:
    """How many events the broker itself keeps of each topic, at most."""
    client = await nats.connect(await attach(at.directory / "data"))
    try:
        prefix = f"{namespace.upper()}_PULSE_"
        streams = [stream.config for stream in await client.jetstream().streams_info()]
        return {
            str(config.name).removeprefix(prefix): config.max_msgs or 0
            for config in streams
            if str(config.name).startswith(prefix)
        }
    finally:
        await client.close()


def test_tail_of_a_topic_that_does_not_exist_ends_with_2_and_the_servers_words(
    capsys: pytest.CaptureFixture[str], at: System
) -> None:
    ran = ran_here(capsys, "tail", "agents", "nope", *at.url)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: unknown topic 'nope': the topics here are agents, ")
    assert ran.err.count("\n") == 1


def test_ingest_shows_progress_and_says_what_was_added(
    capsys: pytest.CaptureFixture[str], at: System
) -> None:
    path = export(at.directory, seed=1)
    first = ran_here(capsys, "ingest", path, *at.broker)
    assert first.code == 0
    assert f"{COUNT} messages, {COUNT} added, 0 were there already" in first.out
    second = ran_here(capsys, "ingest", path, "--json", *at.broker)
    job, *events = [json.loads(line) for line in second.out.splitlines()]
    assert {event["key"] for event in events} == {job["job"]}
    last = [event["data"] for event in events if event["event"] == "ingestion_progress"][-1]
    assert (last["status"], last["added"], last["skipped"]) == ("completed", 0, COUNT)


def test_ingest_of_a_broken_file_fails_with_the_place_where_it_broke(
    capsys: pytest.CaptureFixture[str], at: System
) -> None:
    whole = Path(export(at.directory, seed=2))
    broken = at.directory / "broken.json"
    broken.write_bytes(whole.read_bytes()[:30_000])
    ran = ran_here(capsys, "ingest", str(broken), *at.broker)
    assert ran.code == 1
    assert "at byte" in ran.err
    assert "ingest the mended file, and only what is missing is added" in ran.err
    assert ran_here(capsys, "ingest", str(whole), *at.broker).code == 0


def test_ingest_that_does_not_wait_says_where_to_follow(
    capsys: pytest.CaptureFixture[str], at: System
) -> None:
    ran = ran_here(capsys, "ingest", export(at.directory, seed=3), "--no-wait", "--json", *at.broker)
    assert ran.code == 0
    job = json.loads(ran.out)["job"]
    assert {event["key"] for event in heard(at.port, f"messages/{job}", 1)} == {job}


def test_ctrl_c_leaves_the_job_running_and_says_so(at: System) -> None:
    path = export(at.directory, seed=4, messages=4 * COUNT)
    with running(at.directory, "ingest", path, "--pace", "120", "--json", *at.broker) as process:
        job = json.loads(process.until_line(1)[0])["job"]
        # However late the signal is heeded, the job is not over.
        with at.worker.frozen():
            assert process.end(signal.SIGINT) == 130
        assert f"pulse-radar tail messages/{job}" in process.err.read_text()
    assert heard_of(at.port, f"monitoring/{job}", "job_completed")["data"]["task_id"] == job


def test_tail_into_head_ends_quietly(capsys: pytest.CaptureFixture[str], at: System) -> None:
    for number in range(4):
        ran_here(capsys, "publish", "agents", "agent_changed", f'{{"n": {number}}}', *at.broker)
    tail = start("tail", "agents", "--since", "0", *at.url, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    head = subprocess.Popen(["head", "-n", "1"], stdin=tail.stdout, stdout=subprocess.PIPE)
    assert tail.stdout is not None
    assert tail.stderr is not None
    tail.stdout.close()
    assert b"agents" in head.communicate(timeout=PATIENCE)[0]
    # The next event finds nobody who reads.
    ran_here(capsys, "publish", "agents", "agent_changed", *at.broker)
    assert tail.wait(PATIENCE) == 0
    assert tail.stderr.read() == b""
    tail.stderr.close()
