"""What a person and a program see of a job while it runs."""

import json

import pytest

from pulse_radar.cli.job_display import make_display
from pulse_radar.cli.job_follower import Outcome
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.radar.events import IngestionProgress


def progress(**more: object) -> EventFrame:
    told = IngestionProgress.model_validate({"ingestion_id": "job", "status": "running", **more})
    return EventFrame("messages", IngestionProgress.NAME, told.model_dump(mode="json"), 7, "job")


def test_a_person_is_told_when_no_worker_takes_the_job(capsys: pytest.CaptureFixture[str]) -> None:
    display = make_display("result.json", as_json=False)
    display.queued("job")
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
