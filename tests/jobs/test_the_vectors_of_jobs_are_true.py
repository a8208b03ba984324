"""protocol/vectors/jobs.json: what clients are shown of jobs is what is sent of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from pulse_radar.jobs.events import event_of, job_of

STORIES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "protocol" / "vectors" / "jobs.json").read_text()
)["stories"]


@pytest.mark.parametrize("story", STORIES, ids=lambda story: str(story["name"]))
def test_each_event_of_a_story_is_what_is_sent(story: dict[str, Any]) -> None:
    for told, state in zip(story["events"], story["shown"], strict=True):
        job = job_of(told["event"], told["data"])
        assert job is not None
        assert job.state == state
        event = event_of(job)
        assert (event.NAME, event.model_dump(mode="json")) == (told["event"], told["data"])
