"""Dashboard: two people at the same project, and edits that are not saved: nothing is overwritten unseen, nothing is lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit
from tests.dashboard.projects import make_project, make_token

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.e2e.console import Console

PROJECT = "query($slug: String!) { project(slug: $slug) { name description timeouts { timeoutMs } } }"
TITLES = ("What you had read", "What is there now (theirs)", "What you meant to write (yours)")


@pytest.fixture
def slug(console: Console, request: pytest.FixtureRequest) -> str:
    return make_project(console, request.node.name[5:60])


def stored(console: Console, slug: str) -> dict[str, Any]:
    project: dict[str, Any] = console.ask(PROJECT, slug=slug)["project"]
    return project


def field(page: Page, label: str) -> Locator:
    return page.get_by_role("textbox", name=label, exact=True)


def save(page: Page) -> None:
    page.get_by_role("button", name="Save…").click()


def collide(page: Page, other_page: Page, slug: str) -> Locator:
    """Both open the General tab; the other one commits a timeout first, then the person saves a name. The dialog."""
    for each in (page, other_page):
        each.goto(f"/projects/{slug}/general")
    field(page, "Name").fill(f"Mine {slug[:20]}")
    field(other_page, "Default timeout").fill("41000")
    save(other_page)
    commit(other_page, "Theirs")
    save(page)
    dialog = page.get_by_role("dialog", name=re.compile("somebody was faster"))
    expect(dialog).to_be_visible()
    return dialog


def test_the_second_of_two_people_sees_both_versions_of_the_file(page: Page, other_page: Page, slug: str) -> None:
    dialog = collide(page, other_page, slug)
    read, theirs, mine = (dialog.get_by_label(title) for title in TITLES)
    expect(dialog.get_by_text(f"projects/{slug}/project.yaml")).to_be_visible()
    expect(read).not_to_contain_text("41000")
    expect(theirs).to_contain_text("timeout_ms: 41000")
    expect(theirs).not_to_contain_text("Mine")
    expect(mine).to_contain_text("name: Mine")
    expect(mine).not_to_contain_text("41000")


def test_who_chooses_mine_sees_the_difference_to_theirs_and_both_changes_stay(
    page: Page, other_page: Page, console: Console, slug: str
) -> None:
    collide(page, other_page, slug).get_by_role("button", name="Apply mine again").click()
    shown = page.get_by_role("dialog").get_by_label("Differences")
    expect(shown).to_contain_text("+name: Mine")
    expect(shown).not_to_contain_text("-  timeout_ms")
    commit(page, "Mine all the same")
    after = stored(console, slug)
    assert after["name"].startswith("Mine")
    assert after["timeouts"]["timeoutMs"] == 41_000
    expect(field(page, "Default timeout")).to_have_value("41,000 ms")
    expect(page.get_by_text("Unsaved edits")).to_have_count(0)


def test_who_chooses_theirs_gets_theirs_and_drops_their_own(page: Page, other_page: Page, console: Console, slug: str) -> None:
    before = stored(console, slug)["name"]
    collide(page, other_page, slug).get_by_role("button", name="Take theirs").click()
    expect(field(page, "Name")).to_have_value(before)
    expect(field(page, "Default timeout")).to_have_value("41,000 ms")
    expect(page.get_by_text("Unsaved edits")).to_have_count(0)
    after = stored(console, slug)
    assert (after["name"], after["timeouts"]["timeoutMs"]) == (before, 41_000)


def test_where_both_changed_the_same_field_mine_replaces_theirs_only_when_it_is_chosen(
    page: Page, other_page: Page, console: Console, slug: str
) -> None:
    for each in (page, other_page):
        each.goto(f"/projects/{slug}/general")
    field(page, "Description").fill("What I say")
    field(other_page, "Description").fill("What they say")
    save(other_page)
    commit(other_page, "Theirs")
    expect(page.get_by_text("Somebody changed this while you were editing")).to_be_visible()
    save(page)
    page.get_by_role("dialog", name=re.compile("somebody was faster")).get_by_role("button", name="Apply mine again").click()
    shown = page.get_by_role("dialog").get_by_label("Differences")
    expect(shown).to_contain_text("-description: What they say")
    expect(shown).to_contain_text("+description: What I say")
    assert stored(console, slug)["description"] == "What they say"
    commit(page, "Mine")
    assert stored(console, slug)["description"] == "What I say"


def test_a_conflict_that_is_closed_keeps_the_edit_and_writes_nothing(
    page: Page, other_page: Page, console: Console, slug: str
) -> None:
    before = stored(console, slug)["name"]
    collide(page, other_page, slug)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(field(page, "Name")).to_have_value(f"Mine {slug[:20]}")
    expect(page.get_by_text("Unsaved edits")).to_be_visible()
    assert stored(console, slug)["name"] == before


def test_people_who_edit_different_files_never_see_a_conflict(
    page: Page, other_page: Page, console: Console, slug: str
) -> None:
    page.goto(f"/projects/{slug}/general")
    other_page.goto(f"/projects/{slug}/routing")
    field(page, "Name").fill(f"General {slug[:20]}")
    other_page.get_by_role("button", name="Remove sim-cheap").click()
    save(other_page)
    commit(other_page, "Another file")
    save(page)
    expect(page.get_by_role("dialog").get_by_label("Differences")).to_be_visible()
    commit(page, "This file")
    assert stored(console, slug)["name"].startswith("General")


def test_unsaved_edits_are_asked_about_before_the_page_is_left(page: Page, console: Console, slug: str) -> None:
    page.goto(f"/projects/{slug}/general")
    field(page, "Description").fill("Half a thought")
    page.get_by_role("tab", name="Routing").click()
    asked = page.get_by_role("dialog", name="Leave without saving?")
    asked.get_by_role("button", name="Stay").click()
    expect(field(page, "Description")).to_have_value("Half a thought")
    # The window too: the browser asks in its own words where a page prevents its unloading.
    assert page.evaluate("!window.dispatchEvent(new Event('beforeunload', { cancelable: true }))")
    page.get_by_role("tab", name="Routing").click()
    asked.get_by_role("button", name="Leave").click()
    expect(page).to_have_url(re.compile("/routing$"))
    assert stored(console, slug)["description"] == ""


def test_the_difference_comes_first_then_a_reason_is_asked_for(page: Page, console: Console, slug: str) -> None:
    page.goto(f"/projects/{slug}/general")
    field(page, "Description").fill("With a reason")
    save(page)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_label("Differences")).to_contain_text("+description: With a reason")
    dialog.get_by_role("button", name="Commit", exact=True).click()
    expect(dialog.get_by_role("textbox", name="Reason")).to_have_accessible_description(re.compile("Say why"))
    assert stored(console, slug)["description"] == ""
    dialog.get_by_role("button", name="Back", exact=True).click()
    expect(field(page, "Description")).to_have_value("With a reason")  # back to the form, with what was typed
    save(page)
    commit(page, "Because")
    page.get_by_role("button", name="Who set “Description”?").click()
    # Who set it, when, why: beside the setting.
    said = page.get_by_role("dialog", name="Who set “Description”")
    expect(said.get_by_role("link", name="Because")).to_be_visible()
    expect(said).to_contain_text(re.compile(r"(second|minute)s? ago|now"))
    expect(said).to_contain_text(console.ask("{ viewer { name } }")["viewer"]["name"])


@pytest.mark.parametrize("tab", ["general", "routing", "tokens"])
def test_beside_each_setting_is_who_set_it_when_and_why(page: Page, console: Console, slug: str, tab: str) -> None:
    make_token(console, slug)
    page.goto(f"/projects/{slug}/{tab}")
    asked = page.get_by_role("button", name=re.compile("^Who set “"))
    expect(asked).not_to_have_count(0)
    for number in range(asked.count()):
        asked.nth(number).click()
        said = page.get_by_role("dialog", name=re.compile("^Who set “"))
        # Of what nobody set it says so; of all else the name, the time and the reason, which leads to the change.
        expect(said.get_by_text("Not set").or_(said.get_by_role("link", name="For a test"))).to_be_visible()
        page.keyboard.press("Escape")
        expect(said).to_have_count(0)
