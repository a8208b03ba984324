"""The example of docs/JOBS.md, run as it stands."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import httpx

from pulse_radar.jobs.events import JOB_EVENTS
from pulse_radar.testing import connect

DOCUMENT = (Path(__file__).parents[2] / "docs" / "JOBS.md").read_text()


async def test_the_example_shows_a_job_from_its_start_to_its_end() -> None:
    module = ModuleType("app")
    names: dict[str, Any] = module.__dict__
    # TaskIQ looks for the module of a task.
    with mock.patch.dict(sys.modules, {"app": module}):
        exec(re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL)[0], names)
    transport = httpx.ASGITransport(names["app"])
    async with (
        connect(names["app"], topics=["monitoring"]) as page,
        httpx.AsyncClient(transport=transport, base_url="http://localhost") as http,
    ):
        task_id = (await http.post("/count/30")).json()
        done: Any = (await page.next("job_completed", timeout=10)).data
        assert done["task_id"] == task_id
        assert (done["progress"]["done"], done["progress"]["message"]) == (29, "counting")
        assert (await http.post(f"/jobs/{task_id}/retry")).status_code == 202
        again: Any = (await page.next("job_completed", timeout=10)).data
        assert again["attempt"] == 2


def test_all_events_are_named() -> None:
    table = set(re.findall(r"`(job_\w+)`", DOCUMENT))
    assert table == {event.NAME for event in JOB_EVENTS}
