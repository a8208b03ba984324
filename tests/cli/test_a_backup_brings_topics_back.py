"""`topics backup` and `restore`: a lost disk costs nothing that was saved, and no client mistakes an event."""

import asyncio
import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from pulse_radar import Pulse
from pulse_radar.testing.nats_server import NatsServer
from tests.cli.runs import Ran, ran_here
from tests.server.serving import Client, app_with, serving

APP = """
from pulse_radar import Pulse

pulse = Pulse()
pulse.topic("knowledge")
pulse.topic("messages", kind="state")
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "kept", raising=False)
    (tmp_path / "kept.py").write_text(APP)
    return "kept:pulse"


async def topics(capsys: pytest.CaptureFixture[str], server: NatsServer, *arguments: str) -> Ran:
    return await asyncio.to_thread(ran_here, capsys, "topics", *arguments, "--broker", server.url)


async def test_what_a_lost_disk_held_comes_back_in_order_under_numbers_that_nobody_has_seen(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    saved = tmp_path / "saved.jsonl"
    async with NatsServer(tmp_path / "store") as server:
        await publish_all(server.url)
        backup = await topics(capsys, server, "backup", app, "-o", str(saved))
        assert (backup.code, backup.err) == (0, "knowledge: 1,200 events\nmessages: 1 event\n")
        lines = [json.loads(line) for line in saved.read_text().splitlines()]
        await server.kill()
        shutil.rmtree(server.data)
        await server.start()
        pulse = made(server.url)
        async with (
            serving(app_with(pulse)) as api,
            Client(api.port, f"?topics=knowledge&lastSeq=knowledge:{lines[1_199]['_seq']}") as client,
        ):
            told = await client.until("gap")
            assert told["data"]["reason"] == "reset"
            restore = await topics(capsys, server, "restore", str(saved), app)
            assert (restore.code, restore.err) == (0, backup.err)
            frames = [await event(client) for _ in range(1_200)]
            [state] = [entry async for entry in newest(pulse, "messages")]
    assert [same(frame) for frame in frames] == [same(line) for line in lines[:1_200]]
    assert min(frame["_seq"] for frame in frames) > max(line["_seq"] for line in lines)
    assert same(state) == same(lines[1_200])


async def test_a_topic_that_holds_events_is_left_alone_unless_told_otherwise(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    saved, broken = tmp_path / "saved.jsonl", tmp_path / "broken.jsonl"
    saved.write_text('{"topic":"knowledge","event":"x","data":{"a":1},"_seq":7,"id":"one","ts":5}\n')
    broken.write_text(saved.read_text() + "{\n")
    async with NatsServer(tmp_path / "store") as server:
        refused = await topics(capsys, server, "restore", str(broken), app)
        assert "line 2 is no event" in refused.err
        assert (await topics(capsys, server, "restore", str(saved), app)).code == 0
        again = await topics(capsys, server, "restore", str(saved), app)
        assert again.code == 1
        assert f"`pulse-radar topics replace knowledge {app}`" in again.err
        # With its id it is known again.
        assert (await topics(capsys, server, "restore", str(saved), app, "--append")).code == 0
        printed = await topics(capsys, server, "backup", app)
    assert [same(json.loads(line)) for line in printed.out.splitlines()] == [
        same(json.loads(saved.read_text()))
    ]


async def test_a_backup_with_an_event_that_is_too_large_is_refused_before_anything_is_written(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved = tmp_path / "saved.jsonl"
    line = '{"topic":"knowledge","event":"x","data":"%s","_seq":7,"id":"%s"}\n'
    saved.write_text(line % ("small", "one") + line % ("x" * 300_000, "two"))
    async with NatsServer(tmp_path / "store") as server:
        refused = await topics(capsys, server, "restore", str(saved), app)
        assert refused.code == 2
        assert "line 2, knowledge/x, has 300002 bytes of data" in refused.err
        assert "PULSE_MAX_EVENT_BYTES=300002" in refused.err
        monkeypatch.setenv("PULSE_MAX_EVENT_BYTES", "300002")
        monkeypatch.delitem(sys.modules, "kept")
        restored = await topics(capsys, server, "restore", str(saved), app)
        assert (restored.code, restored.err) == (0, "knowledge: 2 events\n")


async def test_what_others_wrote_without_us_comes_back_as_it_was(
    app: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Integers beyond 2^53 we would refuse to publish; who writes to NATS itself may, and readers get them."""
    saved = tmp_path / "saved.jsonl"
    line = '{"topic":"knowledge","event":"x","data":%s,"_seq":7,"id":"%s"}\n'
    saved.write_text(
        line % ('{"id":9007199254740993}', "one")
        + line % ("18446744073709551616", "two")
        + line % ('{"price":1.10}', "three")
    )
    async with NatsServer(tmp_path / "store") as server:
        restored = await topics(capsys, server, "restore", str(saved), app)
        assert (restored.code, restored.err) == (0, "knowledge: 3 events\n")
        printed = await topics(capsys, server, "backup", app)
    assert [same_text(text) for text in printed.out.splitlines()] == [
        same_text(text) for text in saved.read_text().splitlines()
    ]


def made(url: str) -> Any:
    pulse = Pulse(url)
    pulse.topic("knowledge")
    pulse.topic("messages", kind="state")
    return pulse


async def publish_all(url: str) -> None:
    async with made(url) as pulse:
        for first in range(0, 1_200, 100):
            await asyncio.gather(
                *(
                    pulse.publish("knowledge", "x", {"n": n, "text": "ключ"}, key=f"k{n % 3}")
                    for n in range(first, first + 100)
                )
            )
        await pulse.publish("messages", "m", {"v": 1}, key="gone")
        await pulse.publish("messages", "m", {"v": 1}, key="a")
        await pulse.publish("messages", "m", {"v": 2}, key="a")
        await pulse.delete("messages", "gone")


async def newest(pulse: Any, topic: str) -> Any:
    page = await pulse.broker.read(topic, after=0, limit=10)
    for entry in page.entries:
        yield json.loads(entry.text)


async def event(client: Client) -> dict[str, Any]:
    while "_seq" not in (frame := await client.next()):
        pass
    return frame


def same(frame: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in frame.items() if name != "_seq"}


def same_text(line: str) -> str:
    return re.sub('"_seq":[0-9]+', "", line)
