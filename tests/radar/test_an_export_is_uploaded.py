"""An export comes over HTTP, is ingested by a worker, and shows in every list."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from pulse_radar.radar.app import create_app
from pulse_radar.radar.uploads import uploads_of
from pulse_radar.testing.app_lifespan import running
from tests.radar.api import application
from tests.radar.station import PATIENCE, station, working
from tests.radar.test_each_message_is_ingested_once import expected_atoms

COUNT = 300


def left(directory: Path) -> list[Path]:
    return list(directory.glob("**/uploads/*"))


async def test_an_uploaded_export_is_ingested_and_shows_in_every_list(tmp_path: Path) -> None:
    async with station(tmp_path) as at, working(at):
        export = at.export(COUNT)
        app = create_app(at.settings)
        transport = httpx.ASGITransport(app)
        async with (
            running(app),
            httpx.AsyncClient(transport=transport, base_url="http://localhost/api") as http,
        ):
            queued = await http.post("/ingestions?name=../chat.json", content=export.read_bytes())
            assert queued.status_code == 202
            job_id = queued.json()["id"]
            await at.until("messages", job_id, "ingestion_progress", status="completed", added=COUNT)
            await at.until("monitoring", job_id, "job_completed")
            [ingestion] = (await http.get("/ingestions", params={"status": "completed"})).json()["items"]
            messages = (await http.get("/messages", params={"ingestion_id": job_id, "limit": 500})).json()
            atoms = (await http.get("/atoms", params={"limit": 500})).json()
            word = atoms["items"][0]["title"].split()[0]
            found = (await http.get("/atoms", params={"q": word.upper(), "limit": 500})).json()["items"]
            topics = (await http.get("/topics")).json()
            async with asyncio.timeout(PATIENCE):
                while left(uploads_of(at.settings).parent):
                    await asyncio.sleep(0.02)
        assert (ingestion["id"], ingestion["file"], ingestion["done"]) == (job_id, "chat.json", COUNT)
        assert len(messages["items"]) == COUNT
        assert messages["items"][0]["chat_id"].lstrip("-").isdigit()
        assert {atom["id"] for atom in atoms["items"]} == expected_atoms(export).keys()
        assert atoms["items"][0] in found
        assert all(word.casefold() in f"{atom['title']}\n{atom['text']}".casefold() for atom in found)
        assert topics["items"]
        assert all(topic["name"] and topic["atoms"] > 0 for topic in topics["items"])


@pytest.mark.parametrize("says_its_length", [True, False])
async def test_an_upload_that_is_too_large_is_413_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says_its_length: bool
) -> None:
    monkeypatch.setenv("PULSE_UPLOAD_LIMIT_BYTES", "2000")

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b" " * 1_000

    async with application(tmp_path) as (_, client):
        content = b" " * 3_000 if says_its_length else parts()
        refused = await client.post("/ingestions", content=content)
    assert refused.status_code == 413
    assert "PULSE_UPLOAD_LIMIT_BYTES" in refused.json()["detail"]
    assert left(tmp_path) == []


async def test_what_is_no_export_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    async with application(tmp_path) as (_, client):
        refused = await client.post("/ingestions", content=b'{"messages": 7}')
        assert refused.status_code == 422
        foreign = await client.post("/ingestions", content=b"{}", headers={"Origin": "https://evil.example"})
        assert foreign.status_code == 403
        assert (await client.get("/ingestions")).json()["items"] == []
    assert left(tmp_path) == []
