"""Knowledge: as it is found, by kind, by words; links in it lead to the web and nowhere else."""

import re

import httpx
import pytest
from playwright.async_api import expect

from tests.dashboard.news import atom, unique
from tests.dashboard.stack import PATIENCE_MS, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]

LIVE, FOUND = "Atoms, newest first", "Atoms found"


async def test_atoms_come_in_live_and_are_told_apart_by_kind(at: Screen) -> None:
    await at.go("Knowledge")
    question, decision = unique("Who brings the ladder"), unique("We take the train")
    await at.stack.publish(atom(question, kind="question"), atom(decision))
    await at.shows(at.rows(LIVE).filter(has_text=decision))
    await at.look("knowledge")
    await at.page.get_by_role("button", name=re.compile("^question")).click()
    await at.shows(at.rows(LIVE).filter(has_text=question))
    await expect(at.rows(LIVE).filter(has_text=decision)).to_have_count(0)


async def test_what_was_ingested_is_found_by_its_words(at: Screen) -> None:
    await at.go("Ingestion")
    path = at.stack.export(200, f"{unique('searched')}.json")
    await at.page.get_by_label("Export to upload").set_input_files(path)
    listed = at.page.get_by_role("listitem").filter(has_text=path.name)
    await at.says(listed, "Completed")
    async with httpx.AsyncClient() as http:
        kept = (await http.get(f"{at.stack.url}api/atoms")).json()["items"]
    word = max(kept[0]["title"].split(), key=len).strip(".,!?…:;«»\"'()")
    await at.go("Knowledge")
    await at.page.get_by_label("Search the knowledge").fill(word)
    await at.says(at.rows(FOUND).first, word)
    await at.rows(FOUND).first.get_by_role("button").click()
    await expect(at.page.get_by_role("dialog")).to_contain_text(re.compile(r"Messages?-?\d+"))
    await at.page.keyboard.press("Escape")
    await at.page.get_by_label("Search the knowledge").fill("no such words anywhere")
    await at.shows(at.page.get_by_text("Nothing was found"))


async def test_links_lead_to_the_web_and_nowhere_else(at: Screen) -> None:
    await at.go("Knowledge")
    text = "See https://example.org/notes?a=1 and javascript:alert(1) and <a href='data:text/html,x'>this</a>"
    await at.stack.publish(atom(text, kind="link"))
    row = at.rows(LIVE).filter(has_text="https://example.org/notes").first
    await row.get_by_role("button").click(timeout=PATIENCE_MS)
    sheet = at.page.get_by_role("dialog")
    links = sheet.get_by_role("link")
    await expect(links).to_have_count(1)
    assert await links.first.get_attribute("href") == "https://example.org/notes?a=1"
    assert "noopener" in (await links.first.get_attribute("rel") or "")
    await at.look("knowledge-one")
