"""Windows narrow and wide: nothing is scrolled sideways but what shows that it can be, and what saves a form is in sight."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import visit
from tests.dashboard.projects import change, make_project

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console

MODEL = """mutation($input: ModelCloneInput!) { modelClone(input: $input) { __typename } }"""
# Of what can be scrolled sideways, whether a shadow says so.
HIDDEN_BEYOND = """[...document.querySelectorAll('main *')]
  .filter((each) => ['auto', 'scroll'].includes(getComputedStyle(each).overflowX) && each.scrollWidth > each.clientWidth + 1)
  .filter((each) => each.tagName !== 'PRE' && getComputedStyle(each).backgroundImage === 'none')
  .map((each) => each.className)"""


@pytest.mark.parametrize("width", [390, 800])
def test_a_narrow_window_is_not_scrolled_sideways_and_a_wide_table_shows_that_there_is_more(
    page: Page, addresses: dict[str, str], width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for name in ("trace", "docs", "project-logs", "project-tokens", "project-general", "project-routing", "projects", "change"):
        visit(page, addresses[name])
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        assert page.evaluate(HIDDEN_BEYOND) == [], name


@pytest.mark.parametrize("name", ["project-general", "project-routing", "model", "settings"])
def test_what_saves_a_long_form_is_in_sight(page: Page, addresses: dict[str, str], name: str) -> None:
    visit(page, addresses[name])
    expect(page.get_by_role("button", name="Save…")).to_be_in_viewport(ratio=1)


def test_a_name_of_100_letters_leaves_the_other_columns_in_the_window(page: Page, console: Console) -> None:
    make_project(console, "longest" + "x" * 93)
    page.set_viewport_size({"width": 1440, "height": 900})
    visit(page, "/projects?search=longest")
    expect(page.get_by_role("columnheader", name="7 days")).to_be_in_viewport(ratio=1)
    expect(page.get_by_role("link", name="longestx")).to_have_attribute("title", "longest" + "x" * 93)


def test_a_model_that_many_projects_use_names_some_of_them(page: Page, console: Console) -> None:
    change(console, MODEL, source="sim-fast", modelId="much-used")
    for number in range(7):
        make_project(console, f"User {number}", models=("much-used",))
    visit(page, "/models/much-used")
    users = page.get_by_role("main").get_by_role("link", name="user-")
    expect(page.get_by_text("Used by 7 projects")).to_be_visible()
    expect(users).to_have_count(5)
    page.get_by_role("button", name="2 more").click()
    expect(users).to_have_count(7)
