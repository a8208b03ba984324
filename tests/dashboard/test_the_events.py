"""The live tap: every event, filters, pause, an event as JSON."""

import json
import re

import pytest
from playwright.async_api import expect

from tests.dashboard.news import atom, progress, unique
from tests.dashboard.stack import PATIENCE_MS, Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]

TABLE = "Events, newest first"


async def go_where_it_is_quiet(at: Screen) -> None:
    """To the events, without those that each process tells of itself every second."""
    await at.go("Events")
    topics = at.page.get_by_role("list", name="Topics")
    await topics.get_by_role("button", name=re.compile("^metrics")).click()


async def test_it_says_that_it_listens_before_anything_comes(at: Screen) -> None:
    await at.go("Events")
    # Until a process tells of itself, which is a second at most.
    while not await at.page.get_by_text("Listening").is_visible():
        await at.page.get_by_role("button", name="Clear").click()
    await at.look("events-empty")


async def test_every_event_is_there_and_filters_narrow_it_down(at: Screen) -> None:
    await go_where_it_is_quiet(at)
    word = unique("harbour")
    await at.stack.publish(atom(f"A {word} is found"), progress(unique("ingestion"), 5))
    await at.says(at.rows(TABLE).first, "ingestion_progress")
    await at.look("events")
    await at.page.get_by_label("Filter events").fill(f"atom_created {word}")
    await expect(at.rows(TABLE)).to_have_count(1, timeout=PATIENCE_MS)
    await at.page.get_by_role("button", name=re.compile("^knowledge")).click()
    await at.shows(at.page.get_by_text("No event fits the filter"))


async def test_a_pause_holds_the_list_and_counts_what_comes_meanwhile(at: Screen) -> None:
    await go_where_it_is_quiet(at)
    await at.stack.publish(atom("Before the pause"))
    await at.says(at.rows(TABLE).first, "Before the pause")
    await at.page.get_by_label("Filter events").fill("the pause")
    await at.page.get_by_role("button", name="Pause").click()
    # What a filter hides is not counted.
    await at.stack.publish(*(atom("During the pause") for _ in range(3)), atom("Unheard"))
    go_on = at.page.get_by_role("button", name="Go on (3)", exact=True)
    await at.shows(go_on)
    await expect(at.rows(TABLE).first).to_contain_text("Before the pause")
    await go_on.click()
    await at.says(at.rows(TABLE).first, "During the pause")


async def test_an_event_is_copied_as_json(at: Screen) -> None:
    await at.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await go_where_it_is_quiet(at)
    told = atom("To be copied")
    await at.stack.publish(told)
    await at.says(at.rows(TABLE).first, "To be copied")
    await at.rows(TABLE).first.get_by_role("button").click()
    await at.look("events-one")
    await at.page.get_by_role("button", name="Copy as JSON").click()
    await at.shows(at.page.get_by_role("button", name="Copied"))
    copied = json.loads(await at.page.evaluate("navigator.clipboard.readText()"))
    assert copied["topic"] == "knowledge"
    assert copied["data"]["id"] == told.id


async def test_whoever_reads_further_down_is_not_moved(at: Screen) -> None:
    await go_where_it_is_quiet(at)
    await at.stack.publish(*(atom(f"Line {number}") for number in range(60)))
    await at.says(at.rows(TABLE).first, "Line 59")
    scroller = at.page.get_by_role("rowgroup", name=re.compile("Events"))
    await scroller.evaluate("e => e.scrollTo(0, 960)")
    line = at.rows(TABLE).filter(has_text='"Line 38"')
    await expect(line).to_be_visible()
    before = await line.bounding_box()
    await at.stack.publish(*(atom("Above") for _ in range(10)))
    await expect(at.page.get_by_role("table", name=TABLE)).to_have_attribute(
        "aria-rowcount", re.compile(r"^(7[1-9]|[89]\d|\d{3,})$"), timeout=PATIENCE_MS
    )
    await at.page.wait_for_timeout(300)
    assert await line.bounding_box() == before


async def test_a_count_of_several_digits_stays_on_one_line(at: Screen) -> None:
    await go_where_it_is_quiet(at)
    cards = at.page.get_by_role("list", name="Topics").get_by_role("button")
    quiet, busy = cards.filter(has_text="agents"), cards.filter(has_text="knowledge")
    await at.stack.publish(*(atom("Counted") for _ in range(12)))
    await at.says(busy, re.compile(r"\d\d"))
    of_one_digit, of_several = await quiet.bounding_box(), await busy.bounding_box()
    assert of_one_digit is not None
    assert of_several is not None
    assert of_several["height"] == of_one_digit["height"]
