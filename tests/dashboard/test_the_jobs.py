"""The jobs: all of them live, found by state and name, each with its story."""

import re

import pytest
from playwright.async_api import expect

from pulse_radar.jobs.events import JobCompleted, JobFailed, JobQueued, JobRetrying, JobStarted
from tests.dashboard.news import job, progress, unique
from tests.dashboard.stack import PATIENCE_MS, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]

TABLE = "Jobs, newest first"


async def test_a_job_is_followed_from_its_beginning_to_its_end(at: Screen) -> None:
    await at.go("Jobs")
    task = unique("task")
    row = at.rows(TABLE).filter(has_text=task)
    for state, word in ((JobQueued, "Queued"), (JobStarted, "Running"), (JobRetrying, "Retrying")):
        await at.stack.publish(job(task, state))
        await at.says(row, word)
    await at.stack.publish(job(task, JobCompleted, attempt=2))
    await at.says(row, "Completed")


async def test_jobs_are_found_by_state_and_by_name(at: Screen) -> None:
    await at.go("Jobs")
    broken, fine = unique("broken"), unique("fine")
    await at.stack.publish(
        job(broken, JobFailed, error_type="ValueError", error="the file is cut short"),
        job(fine, JobCompleted),
    )
    await at.shows(at.rows(TABLE).filter(has_text=fine))
    await at.look("jobs")
    await at.page.get_by_role("button", name="Failed").click()
    await expect(at.rows(TABLE).filter(has_text=fine)).to_have_count(0, timeout=PATIENCE_MS)
    await at.says(at.rows(TABLE).filter(has_text=broken), "the file is cut short")
    await at.page.get_by_label("Search jobs").fill("nothing is called so")
    await at.shows(at.page.get_by_text("No job fits the filter"))


async def test_a_running_job_is_cancelled_and_run_again(at: Screen) -> None:
    job_id = await at.stack.ingest(at.stack.export(2_000, f"{unique('export')}.json"), pace=20)
    await at.go("Jobs")
    row = at.rows(TABLE).filter(has_text=job_id)
    await at.says(row, "Running")
    await row.get_by_role("button").click()
    sheet = at.page.get_by_role("dialog")
    await sheet.get_by_role("button", name="Cancel").click()
    await sheet.get_by_role("button", name="Really?").click()
    await at.says(sheet.get_by_role("listitem").last, "Cancelled")
    await sheet.get_by_role("button", name="Run again").click()
    await at.says(sheet, "attempt 2")
    await sheet.get_by_role("button", name="Cancel").click()
    await sheet.get_by_role("button", name="Really?").click()
    await at.says(sheet.get_by_role("listitem").last, "Cancelled")


async def test_a_job_whose_worker_is_killed_is_lost_and_comes_back_and_each_message_is_there_once(
    at: Screen,
) -> None:
    job_id = await at.stack.ingest(at.stack.export(300, f"{unique('killed')}.json"), pace=20)
    await at.go("Jobs")
    row = at.rows(TABLE).filter(has_text=job_id)
    await at.says(row, re.compile(r"Running\D*[1-9]"))
    await row.get_by_role("button").click()
    sheet = at.page.get_by_role("dialog")
    async with at.stack.worker_killed():
        await at.says(sheet.get_by_role("listitem").last, "Lost")
    await at.says(sheet, "attempt 2")
    await at.says(sheet.get_by_role("listitem").last, "Completed")
    found = (await (await at.page.request.get(f"{at.stack.url}api/ingestions")).json())["items"]
    [ingestion] = [each for each in found if each["id"] == job_id]
    assert (ingestion["done"], ingestion["added"]) == (300, 300)


async def test_a_job_of_an_ingestion_is_called_by_its_file(at: Screen) -> None:
    await at.go("Jobs")
    upload, local = unique("upload"), unique("local")
    called: dict[str, object] = {"args": [f"/somewhere/{local}.json", None], "kwargs": {}, "withheld": None}
    await at.stack.publish(
        progress(upload, 5, file=f"{upload}-family.json"),
        job(upload, JobStarted, "ingest_export"),
        job(unique("task"), JobStarted, "ingest_export", arguments=called),
    )
    for file in (f"{upload}-family.json", f"{local}.json"):
        await at.page.get_by_label("Search jobs").fill(file)
        await at.says(at.rows(TABLE).first, file)


async def test_a_failed_job_says_why(at: Screen) -> None:
    await at.go("Jobs")
    task = unique("task")
    await at.stack.publish(job(task, JobFailed, error_type="ValueError", error="the disk is full"))
    await at.rows(TABLE).filter(has_text=task).get_by_role("button").click()
    sheet = at.page.get_by_role("dialog")
    await at.says(sheet, "the disk is full")
    await at.look("jobs-one")
    await at.page.keyboard.press("Escape")
    await expect(sheet).to_have_count(0)
    await expect(at.rows(TABLE).filter(has_text=task).get_by_role("button")).to_be_focused()
