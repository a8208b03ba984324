"""What a person and a program see of a job while it runs."""

import asyncio
import json

import pytest

from pulse_radar import Settings
from pulse_radar.brokers.memory import MemoryBroker
from pulse_radar.brokers.publish_queue import PublishQueue
from pulse_radar.cli.job_display import make_display
from pulse_radar.cli.job_follower import JobFollower, Outcome
from pulse_radar.jobs import JobCancelled, JobLost
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.publishing import draft_event
from pulse_radar.radar.events import IngestionProgress
from pulse_radar.radar.topics import TOPICS


def progress(**more: object) -> EventFrame:
    told = IngestionProgress.model_validate({"ingestion_id": "job", "status": "running", **more})
    return EventFrame("messages", IngestionProgress.NAME, told.model_dump(mode="json"), 7, "job")


def test_a_person_is_told_when_no_worker_takes_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    display = make_display("result.json", as_json=False)
    display.queued("job")
    display.heard(progress(status="queued"), "")
    display.nobody()
    assert "start one with `pulse-radar worker`" in capsys.readouterr().err
    display.heard(progress(), "")
    display.nobody()
    assert "worker" not in capsys.readouterr().err


def test_the_bar_moves_and_names_of_chats_are_only_text(capsys: pytest.CaptureFixture[str]) -> None:
    display = make_display("result.json", as_json=False)
    with display:
        display.queued("job")
        display.heard(progress(total=10, done=4, rate=3.2, eta_seconds=2.0, chat="[bold]team[/x]"), "")
    assert "[bold]team[/x]" in capsys.readouterr().err


def test_the_result_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    told = IngestionProgress(
        ingestion_id="job", status="completed", total=1_200, done=1_200, added=1_000, skipped=200
    )
    make_display("result.json", as_json=False).ended(Outcome(None, told))
    assert capsys.readouterr().out.startswith(
        "result.json: 1,200 messages, 1,000 added, 200 were there already"
    )


def test_a_pause_and_a_lost_worker_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    display = make_display("result.json", as_json=False)
    with display:
        display.queued("job")
        display.heard(EventFrame("monitoring", JobLost.NAME, {}, 7, "job"), "")
    assert "result.json: its worker is gone" in capsys.readouterr().err
    with display:
        display.heard(progress(total=10, done=4, chat="team", status="paused"), "")
    assert "result.json: paused" in capsys.readouterr().err


async def test_a_cancelled_job_is_an_end_and_a_paused_one_is_not() -> None:
    async with MemoryBroker() as broker:
        await broker.declare(TOPICS)
        follower = await JobFollower.ready(broker)
        heard: list[str] = []
        following = asyncio.create_task(follower.follow("job", lambda frame, _: heard.append(frame.name)))
        queue = PublishQueue.from_settings(broker, Settings.load())
        for reason in ("paused", "wrong file"):
            told = JobCancelled(task_id="job", name="ingest_export", transitions=[], reason=reason)
            assert not following.done()
            await queue.publish(draft_event(told, None, {}, key=None, event_id=None))
            await asyncio.sleep(0.01)
        assert (await following).error == "the job was cancelled: wrong file"
        assert heard == ["job_cancelled"] * 2


async def test_a_paused_job_that_is_given_up_is_an_end() -> None:
    async with MemoryBroker() as broker:
        await broker.declare(TOPICS)
        follower = await JobFollower.ready(broker)
        following = asyncio.create_task(follower.follow("job", lambda _frame, _text: None))
        queue = PublishQueue.from_settings(broker, Settings.load())
        for status in ("paused", "cancelled"):
            told = IngestionProgress.model_validate({"ingestion_id": "job", "status": status})
            await queue.publish(draft_event(told, None, {}, key=None, event_id=None))
        assert (await following).error == "the job was cancelled"


def test_a_program_gets_the_id_and_every_event_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    display = make_display("result.json", as_json=True)
    with display:
        display.queued("job")
        display.heard(progress(done=4), '{"_seq":7}')
        display.ended(Outcome())
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"job": "job"},
        {"_seq": 7},
    ]


def test_whoever_leaves_before_anything_is_queued_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    make_display("result.json", as_json=True).leave()
    assert capsys.readouterr().err == ""
