"""Ingestion: an export by upload, watched, paused, gone on with and cancelled."""

from pathlib import Path

import pytest
from playwright.async_api import Locator, expect

from pulse_radar.jobs.events import JobCancelling, JobLost, JobStarted
from pulse_radar.radar.events import IngestionProgress
from tests.dashboard.news import job, progress, unique
from tests.dashboard.stack import Screen
from tests.radar.knowledge.provider.local_provider import completion, http, local_provider

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]


def ingestion(at: Screen, name: str) -> Locator:
    listed = at.page.get_by_role("list", name="Ingestions, newest first").get_by_role("listitem")
    return listed.filter(has_text=name)


async def test_an_export_that_is_uploaded_is_read_to_its_end(at: Screen) -> None:
    await at.go("Ingestion")
    path = at.stack.export(300, f"{unique('upload')}.json")
    await at.page.get_by_label("Export to upload").set_input_files(path)
    await at.shows(at.page.get_by_text(f"{path.name} is uploaded"))
    row = ingestion(at, path.name)
    await at.says(row, "Completed")
    await at.says(row, "300 of 300 messages")


async def test_what_is_no_export_is_refused_in_words(at: Screen, tmp_path: Path) -> None:
    await at.go("Ingestion")
    path = tmp_path / "holiday.json"
    path.write_text("this is no export")
    await at.page.get_by_label("Export to upload").set_input_files(path)
    await at.shows(at.page.get_by_text("It was not taken"))
    await at.look("ingestion-refused")
    at.forgive("422")


async def test_an_ingestion_is_paused_gone_on_with_and_cancelled(at: Screen) -> None:
    await at.go("Ingestion")
    path = at.stack.export(3_000, f"{unique('long')}.json")
    await at.stack.ingest(path, pace=50)
    row = ingestion(at, path.name)
    await at.says(row, "Reading")
    await at.look("ingestion")
    await row.get_by_role("button", name="Pause").click()
    await at.says(row, "Paused")
    await expect(row.get_by_role("button", name="Cancel")).to_be_visible()
    await row.get_by_role("button", name="Resume").click()
    await at.says(row, "Reading")
    await row.get_by_role("button", name="Cancel").click()
    await row.get_by_role("button", name="Really?").click()
    await at.says(row, "Cancelled")
    await expect(row.get_by_role("button")).to_have_count(0)


async def test_what_it_does_is_said_beside_how_far_it_is(at: Screen) -> None:
    await at.go("Ingestion")
    name, ingestion_id = f"{unique('said')}.json", unique("ingestion")
    row = ingestion(at, name)
    await at.stack.publish(progress(ingestion_id, 0, file=name, status="queued", total=None))
    await at.says(row, "It waits for a worker")
    await at.stack.publish(progress(ingestion_id, 900, file=name))
    await at.says(row, "Reading")
    await at.stack.publish(job(ingestion_id, JobCancelling, "ingest_export"))
    await at.says(row, "Stopping…")
    await expect(row.get_by_role("button")).to_have_count(0)
    await at.stack.publish(job(ingestion_id, JobLost, "ingest_export", attempt=2))
    await at.says(row, "Worker lost")
    await at.stack.publish(
        job(ingestion_id, JobStarted, "ingest_export", attempt=3),
        progress(ingestion_id, 1_000, file=name, status="finding_topics"),
    )
    await at.says(row, "Finding topics")
    # One word of any length, and an upload that cannot run again.
    failed = progress(ingestion_id, 1_000, file=name, status="failed", error="W" * 5_000, is_gone=True)
    await at.stack.publish(failed)
    await at.says(row, "Failed")
    await expect(row.get_by_role("button")).to_have_count(0)
    await at.look("ingestion-long-word")


async def test_an_agent_that_is_chosen_reads_once_its_provider_lets_it(at: Screen) -> None:
    name = unique("Reader")
    path = at.stack.export(60, f"{unique('read')}.json")
    refusal = http(401)
    async with local_provider(lambda _: refusal) as provider:
        place = provider.url.replace("provider.example", "127.0.0.1")
        await keep_agent(at, name, place)
        await at.go("Ingestion")
        await at.page.get_by_label("Knowledge is found by").select_option(label=name)
        await at.shows(at.page.get_by_text("Each message goes to the provider of this agent"))
        await at.page.get_by_label("Export to upload").set_input_files(path)
        row = ingestion(at, path.name)
        await at.says(row, "Failed")
        await at.says(row, "status 401")
        await at.look("ingestion-agent-refused")
        refusal = completion()
        await row.get_by_role("button", name="Run again").click()
        await at.says(row, "Completed")
        await at.says(row, "60 new")


async def test_a_bot_that_reads_along_is_there_and_is_no_job(at: Screen) -> None:
    await at.go("Ingestion")
    await at.shows(at.page.get_by_text("It does not see"))
    name = f"@{unique('radar')}_bot"
    told = IngestionProgress(
        ingestion_id=unique("telegram-bot"),
        status="running",
        done=12,
        added=11,
        skipped=1,
        chat="Team",
        file=name,
        is_live=True,
    )
    await at.stack.publish(told)
    row = ingestion(at, name)
    await at.says(row, "Reading along")
    await at.says(row, "12 messages · 11 new · 1 known")
    await expect(row.get_by_role("button")).to_have_count(0)
    await at.look("ingestion-bot")
    waits = "the Bot API is not to be reached (ConnectError)"
    await at.stack.publish(told.model_copy(update={"error": waits}))
    await at.says(row, waits)


async def keep_agent(at: Screen, name: str, base_url: str) -> None:
    api = f"{at.stack.url}api"
    kept = {"name": name, "base_url": base_url, "model": "small"}
    provider = await (await at.page.request.post(f"{api}/providers", data=kept)).json()
    agent = {"name": name, "provider_id": provider["id"]}
    assert (await at.page.request.post(f"{api}/agents", data=agent)).ok
