"""Providers, agents and tasks: made, changed and deleted, and seen by everybody who looks."""

import pytest
from playwright.async_api import Browser, expect

from tests.dashboard.news import unique
from tests.dashboard.stack import PATIENCE_MS, Screen, Stack, screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="session")]


async def test_a_list_that_is_empty_says_what_it_is_for(at: Screen) -> None:
    await at.go("Tasks")
    await at.shows(at.page.get_by_text("Write down what is to be done"))
    await at.look("tasks-empty")


async def test_a_provider_an_agent_and_a_task_are_kept_and_the_key_is_not_shown(at: Screen) -> None:
    provider, agent, task = unique("Provider"), unique("Agent"), unique("Task")
    await at.go("Providers")
    await at.page.get_by_role("button", name="New provider").click()
    await at.page.get_by_label("Name").fill(provider)
    await at.page.get_by_label("Address").fill("https://1.1.1.1/v1")
    await at.page.get_by_label("Key").fill("sk-very-secret")
    await at.look("providers-form")
    await at.page.get_by_role("button", name="Save").click()
    row = at.rows("All providers").filter(has_text=provider)
    await at.says(row, "kept")
    assert "sk-very-secret" not in await at.page.content()
    await at.look("providers")

    await at.go("Agents")
    await at.page.get_by_role("button", name="New agent").click()
    await at.page.get_by_label("Name").fill(agent)
    await at.page.get_by_label("Provider").select_option(label=provider)
    await at.page.get_by_role("button", name="Save").click()
    await at.says(at.rows("All agents").filter(has_text=agent), provider)
    await at.look("agents")

    await at.go("Tasks")
    await at.page.get_by_role("button", name="New task").click()
    await at.page.get_by_label("What is to be done").fill(task)
    await at.page.get_by_label("Agent").select_option(label=agent)
    await at.page.get_by_role("button", name="Save").click()
    await at.says(at.rows("All tasks").filter(has_text=task), agent)
    await at.look("tasks")


async def test_a_change_is_seen_at_once_by_another_page(at: Screen, browser: Browser, stack: Stack) -> None:
    title = unique("Shared")
    async with screen(browser, stack) as other:
        await other.go("Tasks")
        await at.go("Tasks")
        await at.page.get_by_role("button", name="New task").click()
        await at.page.get_by_label("What is to be done").fill(title)
        await at.page.get_by_role("button", name="Save").click()
        row = other.rows("All tasks").filter(has_text=title)
        await other.says(row, "Open")
        await row.get_by_role("button").click()
        await other.page.get_by_label("Status").select_option(label="Done")
        await other.page.get_by_role("button", name="Save").click()
        await at.says(at.rows("All tasks").filter(has_text=title), "Done")
        await at.rows("All tasks").filter(has_text=title).get_by_role("button").click()
        await at.page.get_by_role("button", name="Delete").click()
        await at.page.get_by_role("button", name="Really?").click()
        await expect(row).to_have_count(0, timeout=PATIENCE_MS)


async def test_who_saves_over_a_newer_version_is_told_and_overwrites_nothing(
    at: Screen, browser: Browser, stack: Stack
) -> None:
    title = unique("Contested")
    await at.go("Tasks")
    await at.page.get_by_role("button", name="New task").click()
    await at.page.get_by_label("What is to be done").fill(title)
    await at.page.get_by_role("button", name="Save").click()
    await at.rows("All tasks").filter(has_text=title).get_by_role("button").click(timeout=PATIENCE_MS)
    await at.page.get_by_label("More about it").fill("typed here, and not lost")
    async with screen(browser, stack) as other:
        await other.go("Tasks")
        await other.rows("All tasks").filter(has_text=title).get_by_role("button").click(timeout=PATIENCE_MS)
        await other.page.get_by_label("Status").select_option(label="Done")
        await other.page.get_by_role("button", name="Save").click()
        await other.says(other.rows("All tasks").filter(has_text=title), "Done")
    await at.page.get_by_role("button", name="Save").click()
    await at.shows(at.page.get_by_text("It was not saved"))
    await expect(at.page.get_by_label("More about it")).to_have_value("typed here, and not lost")
    at.forgive("412")


async def test_an_address_that_is_not_allowed_is_refused_in_words(at: Screen) -> None:
    await at.go("Providers")
    await at.page.get_by_role("button", name="New provider").click()
    await at.page.get_by_label("Name").fill("Elsewhere")
    await at.page.get_by_label("Address").fill("ftp://models.example.com/v1")
    await at.page.get_by_role("button", name="Save").click()
    await at.shows(at.page.get_by_text("It was not saved"))
    at.forgive("422")


async def test_a_list_that_cannot_be_loaded_says_so_and_is_tried_again(at: Screen) -> None:
    await at.page.route("**/api/agents*", lambda route: route.fulfill(status=503, body="{}"))
    await at.go("Agents")
    await at.shows(at.page.get_by_text("The agents cannot be loaded"))
    await expect(at.page.get_by_text("No agents yet")).to_have_count(0)
    await at.look("agents-error")
    await at.page.unroute("**/api/agents*")
    await at.page.get_by_role("button", name="Try again").click()
    await expect(at.page.get_by_text("The agents cannot be loaded")).to_have_count(0, timeout=PATIENCE_MS)
    at.forgive("503")
