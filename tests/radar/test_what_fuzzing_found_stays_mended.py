"""Defects of the application's routes that a fuzzer found, each as the smallest thing that brought it out."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pulse_radar.radar.store import engine
from tests.radar.api import application


@pytest.mark.parametrize(
    "asked",
    [
        "atoms?before=15766282622629973073",
        "messages?chat_id=-9223372036854775809",
        "jobs?after=9007199254740992",
    ],
)
async def test_a_number_larger_than_any_is_422_and_no_error_of_ours(tmp_path: Path, asked: str) -> None:
    async with application(tmp_path) as (_, client):
        base = "http://localhost" if asked.startswith("jobs") else "http://localhost/api"
        assert (await client.get(f"{base}/{asked}")).status_code == 422


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_that_no_database_has_is_422(tmp_path: Path, moment: str) -> None:
    async with application(tmp_path) as (_, client):
        assert (await client.post("/tasks", json={"title": "a", "due_at": moment})).status_code == 422
        kept = (await client.post("/tasks", json={"title": "a"})).json()
        assert (await client.patch(f"/tasks/{kept['id']}", json={"due_at": moment})).status_code == 422


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "../etc/passwd", "x" * 5_000])
async def test_a_time_zone_that_is_none_is_422_before_anything_is_kept(tmp_path: Path, timezone: str) -> None:
    async with application(tmp_path) as (_, client):
        asked = client.post("/ingestions", params={"timezone": timezone}, content=b"{}")
        assert (await asked).status_code == 422
        assert (await client.get("/ingestions")).json()["items"] == []


async def test_a_database_that_is_locked_is_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_BUSY_SECONDS", 0.05)
    async with application(tmp_path) as (_, client):
        with closing(sqlite3.connect(tmp_path / "radar.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = await client.post("/tasks", json={"title": "a"})
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "2")
