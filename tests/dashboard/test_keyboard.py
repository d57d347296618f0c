"""The dashboard by keyboard alone: into the content, along tabs, into a dialog and back, and to where one wants to go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit, visit
from tests.dashboard.projects import make_project

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.e2e.console import Console


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    return make_project(console, "Keyboard")


def main(page: Page) -> Locator:
    return page.get_by_role("main")


def tab_until(page: Page, wanted: Locator, most: int = 60) -> None:
    """Press Tab until the focus is there."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("(element) => element === document.activeElement"):
            return
    raise AssertionError(f"{most} times Tab do not reach {wanted}")


def test_the_first_tab_stop_skips_the_navigation(page: Page) -> None:
    visit(page, "/projects")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="To the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(main(page)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox", name="Search projects")).to_be_focused()


def test_a_way_to_another_page_leads_to_its_content_and_its_title(page: Page) -> None:
    visit(page, "/projects")
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Models").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")
    expect(main(page)).to_be_focused()
    expect(page).to_have_title("Models · Waybill")


def test_a_page_is_seen_from_its_top(page: Page) -> None:
    visit(page, "/settings")
    page.get_by_role("link", name="its history").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Changes")
    assert page.evaluate("scrollY") == 0


def test_along_the_tabs_with_arrows_and_into_one_with_the_space_bar(page: Page, slug: str) -> None:
    visit(page, f"/projects/{slug}/general")
    page.get_by_role("tab", name="General").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Tokens")).to_be_focused()
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(f"/projects/{slug}/tokens$"))
    expect(page.get_by_role("tab", name="Tokens", selected=True)).to_be_focused()  # and not torn away from them


def test_a_dialog_takes_the_focus_keeps_it_and_gives_it_back(page: Page) -> None:
    visit(page, "/projects")
    button = page.get_by_role("button", name="New project")
    button.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("textbox", name="Name")).to_be_focused()
    for _ in range(12):  # more often than it has controls
        page.keyboard.press("Tab")
        assert dialog.evaluate("(element) => element.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(button).to_be_focused()


def test_a_project_is_renamed_without_a_mouse(page: Page, console: Console, slug: str) -> None:
    visit(page, f"/projects/{slug}/general")
    tab_until(page, page.get_by_role("textbox", name="Name", exact=True))
    page.keyboard.press("Control+a")
    page.keyboard.type("By keyboard")
    tab_until(page, page.get_by_role("button", name="Save…"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_label("Reason")).to_be_focused()  # the difference is before it
    page.keyboard.type("No mouse at hand")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert").filter(has_text="Committed as")).to_be_visible()
    assert console.ask("query($slug: String!) { project(slug: $slug) { name } }", slug=slug)["project"]["name"] == "By keyboard"


def test_a_policy_is_added_and_moved_without_a_mouse(page: Page, slug: str) -> None:
    visit(page, f"/projects/{slug}/routing")
    palette = page.get_by_role("region", name="Available policies")
    palette.get_by_role("listitem").filter(has_text="fairness").get_by_role("button", name="Add").press("Enter")
    policies = page.get_by_role("list", name="Active policies").get_by_role("listitem")
    expect(policies.last).to_contain_text("fairness")
    policies.last.get_by_role("button", name="Move policy fairness", exact=True).focus()
    page.keyboard.press("Space")
    expect(page.get_by_text("is over position 2")).to_have_count(1)
    page.keyboard.press("ArrowUp")
    expect(page.get_by_text("is over position 1")).to_have_count(1)
    page.keyboard.press("Space")
    expect(policies.nth(1)).to_contain_text("fairness")
    page.get_by_role("button", name="Save…").press("Enter")
    commit(page, "Shares alike")


def test_letters_lead_to_pages_and_to_the_search_but_not_while_one_types(page: Page) -> None:
    visit(page, "/")
    page.keyboard.press("g")
    page.keyboard.press("p")
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
    page.keyboard.press("/")
    search = page.get_by_role("searchbox", name="Search projects")
    expect(search).to_be_focused()
    page.keyboard.type("gm/")
    expect(search).to_have_value("gm/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Projects")
