"""Agents, tasks and providers over REST: each change is announced once, as the list shows it."""

from pathlib import Path

import pytest

from tests.radar.api import announced, application, data_of, names


async def test_each_change_is_announced_as_it_is_listed(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, client):
        created = (await client.post("/agents", json={"name": "Archivist"})).json()
        place = f"/agents/{created['id']}"
        changed = (await client.patch(place, json={"name": "Librarian"})).json()
        assert (await client.patch(place, json={"name": "Librarian"})).json() == changed
        assert (await client.get(place)).json() == changed
        listed = (await client.get("/agents")).json()
        assert listed["items"] == [changed]
        assert (await client.delete(place)).status_code == 204
        assert (await client.get(place)).status_code == 404
        events = await announced(app, "agents", 3)
    # The change that changed nothing is none.
    assert names(events) == ["agent_created", "agent_updated", "agent_deleted"]
    assert [data_of(event) for event in events] == [created, changed, {"id": created["id"]}]
    assert [event.key for event in events] == [created["id"]] * 3
    assert (created["version"], changed["version"]) == (1, 2)


async def test_a_list_says_from_where_to_follow_and_is_cut_into_pages(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, client):
        for number in range(5):
            await client.post(
                "/tasks", json={"title": f"Task {number}", "status": "done" if number else "open"}
            )
        events = await announced(app, "tasks", 5)
        first = (await client.get("/tasks", params={"limit": 2, "status": "done"})).json()
        second = (
            await client.get("/tasks", params={"limit": 2, "status": "done", "before": first["next"]})
        ).json()
        last = (await client.get("/tasks", params={"before": second["next"], "status": "done"})).json()
    assert first["lastSeq"] == f"tasks:{events[-1].sequence}"
    titles = [item["title"] for page in (first, second, last) for item in page["items"]]
    assert titles == ["Task 4", "Task 3", "Task 2", "Task 1"]
    assert last["next"] is None


async def test_of_two_who_change_the_same_version_the_second_is_told(tmp_path: Path) -> None:
    async with application(tmp_path) as (_, client):
        response = await client.post("/tasks", json={"title": "Move the meeting"})
        place, version = f"/tasks/{response.json()['id']}", {"If-Match": response.headers["ETag"]}
        assert (await client.patch(place, json={"status": "done"}, headers=version)).status_code == 200
        late = await client.patch(place, json={"status": "cancelled"}, headers=version)
        assert late.status_code == 412
        assert "version 2" in late.json()["detail"]
        assert (await client.delete(place, headers=version)).status_code == 412
        assert (await client.get(place)).json()["status"] == "done"


async def test_what_is_referred_to_is_not_deleted_and_nothing_is_announced(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, client):
        agent = (await client.post("/agents", json={"name": "Archivist"})).json()
        await client.post("/tasks", json={"title": "Look it up", "agent_id": agent["id"]})
        assert (await client.delete(f"/agents/{agent['id']}")).status_code == 409
        assert (await client.post("/tasks", json={"title": "x", "agent_id": "nobody"})).status_code == 409
        await client.patch(f"/agents/{agent['id']}", json={"is_enabled": False})
        assert names(await announced(app, "agents", 2)) == ["agent_created", "agent_updated"]


@pytest.mark.parametrize(
    "foreign", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}]
)
async def test_a_foreign_page_changes_nothing(tmp_path: Path, foreign: dict[str, str]) -> None:
    async with application(tmp_path) as (_, client):
        assert (await client.post("/agents", json={"name": "x"}, headers=foreign)).status_code == 403
        assert (await client.get("/agents")).json()["items"] == []


async def test_the_document_of_the_routes_shows_examples_and_no_key(tmp_path: Path) -> None:
    async with application(tmp_path) as (app, _):
        document = app.openapi()
    shown = document["components"]["schemas"]["ProviderShown"]["properties"]
    assert "has_key" in shown
    assert not {"api_key", "secret"} & shown.keys()
    assert document["components"]["schemas"]["NewTask"]["properties"]["title"]["examples"]
