"""The overview: what is going on, how the connection is, and what becomes of a wire that is cut."""

import json
import re

import pytest
from playwright.async_api import expect

from tests.dashboard.news import atom, progress, unique
from tests.dashboard.stack import ARTIFACTS, PATIENCE_MS, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]


async def test_a_cut_wire_costs_nothing_and_the_page_says_what_was_replayed(at: Screen) -> None:
    await at.page.get_by_role("button", name="Cut the wire").click()
    await at.says(at.page.get_by_label("Connection", exact=True), "Cut off")
    await at.stack.publish(*(atom(f"While it was cut, {number}") for number in range(37)))
    await expect(at.page.get_by_text("While it was cut, 36")).to_have_count(0)
    await at.page.get_by_role("button", name="Mend the wire").click()
    await at.shows(at.page.get_by_text("While it was cut, 36"))
    # And what the processes told of themselves meanwhile.
    told = re.compile(r"Replayed (3[7-9]|[4-9]\d) events after \d+(\.\d)? s offline")
    await at.says(at.page.get_by_role("region", name="Interruptions"), told)
    await at.shows(at.page.get_by_text("Nothing was lost."))
    await at.until_live()
    await at.look("overview-mended")


async def test_it_counts_what_is_read_and_shows_what_is_found(at: Screen) -> None:
    begun = unique("ingestion")
    await at.stack.publish(progress(begun, 1), atom("We begin on Monday"))
    await at.shows(at.page.get_by_text("We begin on Monday"))
    before = int((await at.figure("Messages read").inner_text()).replace(",", ""))
    await at.stack.publish(progress(begun, 750), atom("We ship on Friday"))
    await at.shows(at.page.get_by_text("We ship on Friday"))
    await expect(at.figure("Messages read")).to_have_text(f"{before + 749:,}", timeout=PATIENCE_MS)
    await at.look("overview")


async def test_nothing_moves_while_events_stream_in(at: Screen) -> None:
    await at.page.emulate_media(reduced_motion="no-preference")
    await at.stack.publish(*(atom(f"One of many, {number}") for number in range(40)))
    await at.shows(at.page.get_by_text("One of many, 39"))
    before = await at.shifted()
    for number in range(40, 120, 10):
        await at.stack.publish(*(atom(f"One of many, {one}") for one in range(number, number + 10)))
        await at.shows(at.page.get_by_text(f"One of many, {number + 9}"))
    assert await at.shifted() - before < 0.01


async def test_an_event_of_somebody_else_takes_no_screen_along(at: Screen) -> None:
    await at.stack.publish(atom("Before the odd one"))
    for topic, name, key in (("monitoring", "job_failed", "odd"), ("messages", "ingestion_progress", "odd")):
        await at.stack.publish_plainly(topic, name, None, key=key)
    await at.stack.publish_plainly("knowledge", "atom_created", {"id": 7})
    await at.stack.publish(atom("Behind the odd one"))
    await at.shows(at.page.get_by_text("Behind the odd one"))
    await at.page.reload()
    await at.until_live()
    await at.shows(at.page.get_by_text("Behind the odd one"))


async def test_a_title_is_text_and_reads_in_its_own_direction(at: Screen) -> None:
    await at.stack.publish(atom("<img src=x onerror=alert(1)>"), atom("نسخه‌ی تازه را کی منتشر می‌کنیم؟"))
    await at.shows(at.page.get_by_text("<img src=x onerror=alert(1)>"))
    persian = at.page.get_by_text("نسخه‌ی تازه").first
    assert await persian.evaluate("e => getComputedStyle(e).direction") == "rtl"


async def test_every_screen_is_reached_by_the_keyboard(at: Screen) -> None:
    await at.page.keyboard.press("Tab")
    await expect(at.page.get_by_role("button", name="Skip to the content")).to_be_focused()
    links = at.page.get_by_role("navigation").get_by_role("link")
    for place in range(await links.count()):
        await at.page.keyboard.press("Tab")
        await expect(links.nth(place)).to_be_focused()
    name = await links.last.inner_text()
    await at.page.keyboard.press("Enter")
    await expect(at.page.get_by_role("heading", level=1)).to_be_focused()
    await expect(at.page.get_by_role("heading", level=1)).to_have_text(name)


async def test_the_chosen_colours_stay_over_a_reload(at: Screen) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = await at.page.evaluate(ground)
    await at.page.get_by_role("button", name="Change to light").click()
    await at.page.get_by_role("button", name="Change to dark").click()
    assert await at.page.evaluate(ground) != light
    await at.page.reload()
    await at.until_live()
    assert await at.page.evaluate(ground) != light


async def test_the_menu_of_a_narrow_screen_leads_everywhere(at: Screen) -> None:
    await at.page.set_viewport_size({"width": 360, "height": 740})
    await at.page.get_by_role("button", name="Menu").click()
    await at.page.get_by_role("dialog").get_by_role("link", name="Jobs").click()
    await expect(at.page.get_by_role("heading", level=1)).to_have_text("Jobs")
    await expect(at.page.get_by_role("dialog")).to_have_count(0)


async def test_when_the_page_is_painted_is_measured(at: Screen) -> None:
    await at.page.reload()
    await at.until_live()
    # A paint may be told after the page is live: it is measured when it is on the screen.
    await at.page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length > 0")
    paints = "performance.getEntriesByType('paint').map(({name, startTime}) => [name, Math.round(startTime)])"
    painted = dict(await at.page.evaluate(paints))
    (ARTIFACTS / "first-paint.json").write_text(json.dumps(painted))
    assert painted["first-contentful-paint"] > 0
