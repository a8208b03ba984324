"""Whatever ends a job ends its ingestion: in the list, on the page, and on the disk."""

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import pytest

from pulse_radar.errors import BrokerUnavailable
from pulse_radar.radar.api import ingestions
from pulse_radar.radar.ingestion import Ingestion
from pulse_radar.radar.telegram import ExportError, read_export
from pulse_radar.radar.uploads import uploads_of
from pulse_radar.settings import Settings
from tests.radar.api import application
from tests.radar.station import Station, station, working
from tests.radar.test_an_export_is_uploaded import left
from tests.radar.test_each_message_is_ingested_once import cut_after_message
from tests.radar.test_jobs_end_as_they_should import app
from tests.waiting import eventually

COUNT = 60


async def upload(http: httpx.AsyncClient, content: bytes, name: str) -> str:
    answer = await http.post("/api/ingestions", params={"name": name}, content=content)
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["id"]
    return job_id


async def row(http: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    rows = (await http.get("/api/ingestions")).json()["items"]
    [found] = [each for each in rows if each["id"] == job_id]
    return dict(found)


def uploads(at: Station) -> list[Path]:
    return left(uploads_of(at.settings).parent)


async def told(at: Station, job_id: str, status: str) -> dict[str, Any]:
    return await at.until("messages", job_id, "ingestion_progress", status=status)


async def test_one_that_waits_is_cancelled_or_paused_and_gone_on_with_at_once(tmp_path: Path) -> None:
    async with station(tmp_path) as at, app(at) as http:
        export = at.export(COUNT).read_bytes()
        dropped, kept = await upload(http, export, "dropped.json"), await upload(http, export, "kept.json")
        for job_id, name in ((dropped, "dropped.json"), (kept, "kept.json")):
            assert (await told(at, job_id, "queued"))["file"] == name

        assert (await http.post(f"/jobs/{dropped}/cancel")).json()["state"] == "cancelled"
        assert (await told(at, dropped, "cancelled"))["file"] == "dropped.json"
        assert (await row(http, dropped))["status"] == "cancelled"
        await eventually(lambda: len(uploads(at)) == 1)
        refused = await http.post(f"/jobs/{dropped}/retry")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "cannot_retry")

        assert (await http.post(f"/ingestions/{kept}/pause")).status_code == 202
        assert (await told(at, kept, "paused"))["file"] == "kept.json"
        assert (await row(http, kept))["status"] == "paused"
        given_up = await upload(http, export, "given-up.json")
        assert (await http.post(f"/ingestions/{given_up}/pause")).status_code == 202
        await told(at, given_up, "paused")
        assert (await http.post(f"/ingestions/{given_up}/cancel")).status_code == 202
        await told(at, given_up, "cancelled")
        assert len(uploads(at)) == 1
        assert (await http.post(f"/ingestions/{given_up}/resume")).status_code == 409

        assert (await http.post(f"/ingestions/{kept}/resume")).status_code == 202
        # No worker is there yet.
        assert (await at.until("monitoring", kept, "job_queued", attempt=2))["attempt"] == 2
        async with working(at):
            done = await told(at, kept, "completed")
        assert (done["file"], done["done"], done["added"]) == ("kept.json", COUNT, COUNT)
        await eventually(lambda: uploads(at) == [])


async def test_an_upload_that_breaks_off_is_told_by_its_name_and_cannot_run_again(tmp_path: Path) -> None:
    async with station(tmp_path) as at, working(at), app(at) as http:
        broken = await upload(http, cut_after_message(at.export(COUNT), 20), "broken.json")
        failed = await told(at, broken, "failed")
        assert failed["error"].startswith("broken.json: ")
        assert failed["is_gone"] is True
        await eventually(lambda: uploads(at) == [])
        refused = await http.post(f"/jobs/{broken}/retry")
        assert refused.status_code == 409
        assert "upload it again" in refused.json()["error"]["message"]
        assert (await row(http, broken))["error"] == failed["error"]


async def test_one_whose_job_fails_as_nobody_foresaw_has_failed_and_can_run_again(tmp_path: Path) -> None:
    async with station(tmp_path) as at, working(at), app(at) as http:
        with mock.patch.object(Ingestion, "run", side_effect=OverflowError("too large")):
            job_id = await upload(http, at.export(COUNT).read_bytes(), "odd.json")
            failed = await told(at, job_id, "failed")
        assert (failed["error"], failed["file"]) == ("OverflowError: too large", "odd.json")
        assert failed["is_gone"] is False
        assert (await row(http, job_id))["status"] == "failed"
        assert len(uploads(at)) == 1
        assert (await http.post(f"/jobs/{job_id}/retry")).status_code == 202
        await told(at, job_id, "completed")


@pytest.mark.parametrize(
    ("of_chat", "of_message"),
    [
        ({"id": 2**63 + 5}, {}),
        ({"type": "g" * 41}, {}),
        ({}, {"id": 2**63}),
        ({}, {"from_id": "u" * 81}),
        ({}, {"reply_to_message_id": 2**63}),
    ],
)
def test_what_no_database_has_room_for_is_no_export(
    of_chat: dict[str, Any], of_message: dict[str, Any]
) -> None:
    message = {"id": 1, "type": "message", "date": "2024-03-04T20:33:07", "from": "A", "text": "Hello"}
    chat = {"name": "x", "type": "private_group", "id": 1, "messages": [message | of_message], **of_chat}
    with pytest.raises(ExportError):
        list(read_export(io.BytesIO(json.dumps(chat).encode())))


@pytest.mark.parametrize("is_queued", [True, False])
async def test_an_upload_has_its_name_before_a_worker_can_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_queued: bool
) -> None:
    async with application(tmp_path) as (_, http):
        seen: list[dict[str, Any]] = []

        class Queue:
            async def ingest(self, *_path: Path, **_options: object) -> None:
                seen.extend((await http.get("/ingestions")).json()["items"])
                if not is_queued:
                    raise BrokerUnavailable("it does not answer")

        @asynccontextmanager
        async def open_queue(_settings: Settings) -> AsyncIterator[Queue]:
            yield Queue()

        monkeypatch.setattr(ingestions, "open_job_queue", open_queue)
        content = json.dumps({"name": "x", "type": "private_group", "id": 1, "messages": []})
        answer = await http.post("/ingestions", params={"name": "a.json"}, content=content)
        assert [(each["file"], each["status"]) for each in seen] == [("a.json", "queued")]
        after = (await http.get("/ingestions")).json()["items"]
        assert (answer.status_code, len(after), len(left(tmp_path))) == (
            (202, 1, 1) if is_queued else (503, 0, 0)
        )
