"""axe-core finds no violation in what pages open: dialogs, menus, forms; in both themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.axe import AXE, passes
from tests.dashboard.pages import visit
from tests.dashboard.projects import CREATE, UPDATE, change, make_project

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console

pytestmark = pytest.mark.skipif(not AXE.exists(), reason="needs the dashboard's packages, as `make dashboard` brings them")
# What opens a form: an address and a button there.
FORMS = {
    "New project": "/projects",
    "New Token": "/projects/demo/tokens",
    "Add a model": "/models",
    "Add a provider": "/providers",
    "New user": "/people/users",
    "New role": "/people/roles",
    "New API key": "/profile",
    "Who set a field?": "/changes",
    "Clone": "/models/sim-fast",
}


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    return make_project(console, "Dialogs")


@pytest.fixture
def edited(page: Page, slug: str) -> Page:
    """The General tab with an edit that is not saved."""
    visit(page, f"/projects/{slug}/general")
    page.get_by_role("textbox", name="Default timeout").fill("45000")
    return page


@pytest.mark.parametrize("button", FORMS)
def test_a_form_that_makes_something(page: Page, button: str) -> None:
    visit(page, FORMS[button])
    page.get_by_role("button", name=button, exact=True).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    passes(page)


def test_a_token_with_limits_and_its_value_that_is_shown_once(page: Page, slug: str) -> None:
    visit(page, f"/projects/{slug}/tokens")
    page.get_by_role("button", name="New Token", exact=True).first.click()
    form = page.get_by_role("dialog")
    form.get_by_role("button", name="Add a limit").click()
    form.get_by_role("textbox", name="Name").fill("spoken for")
    passes(page)
    form.get_by_label("At most").fill("5")
    form.get_by_role("button", name="Create", exact=True).click()
    review = page.get_by_role("dialog").filter(has=page.get_by_label("Differences"))
    review.get_by_label("Reason").fill("For an application")
    review.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_test_id("shown-once")).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(1)  # the one before it has gone
    passes(page)


def test_a_difference_with_its_reason_and_what_is_said_without_one(edited: Page) -> None:
    edited.get_by_role("button", name="Save…").click()
    dialog = edited.get_by_role("dialog")
    expect(dialog.get_by_label("Differences")).to_be_visible()
    passes(edited)
    dialog.get_by_role("button", name="Commit", exact=True).click()
    expect(dialog.get_by_text("Say why")).to_be_visible()
    passes(edited)


def test_a_conflict_with_both_versions(edited: Page, console: Console, slug: str) -> None:
    change(console, UPDATE, slug=slug, description="Somebody else was here")
    edited.get_by_role("button", name="Save…").click()
    expect(edited.get_by_label("What you meant to write (yours)")).to_be_visible()
    passes(edited)


def test_the_warning_before_edits_are_lost(edited: Page) -> None:
    edited.get_by_role("link", name="Models", exact=True).click()
    expect(edited.get_by_role("dialog")).to_contain_text("Leave without saving?")
    passes(edited)


def test_a_change_that_is_refused_says_so_next_to_its_field(page: Page) -> None:
    visit(page, "/projects")
    page.get_by_role("button", name="New project").first.click()
    page.get_by_role("textbox", name="Name").fill("Wrong")
    page.get_by_role("textbox", name="Slug").fill("Not A Slug")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("textbox", name="Slug")).to_have_attribute("aria-invalid", "true")
    passes(page)


def test_who_set_it_and_a_menu(page: Page, slug: str) -> None:
    visit(page, f"/projects/{slug}/general")
    page.get_by_role("button", name="Who set “Name”?").click()
    expect(page.get_by_role("link", name="For a test")).to_be_visible()
    passes(page)
    visit(page, "/people/users")
    page.get_by_role("button", name="What can be done with").first.click()
    expect(page.get_by_role("menuitem", name="Name and role")).to_be_focused()
    passes(page)


def test_every_policy_opened_to_its_parameters(page: Page, slug: str) -> None:
    visit(page, f"/projects/{slug}/routing")
    palette = page.get_by_role("region", name="Available policies")
    for button in palette.get_by_role("button", name="Add").all():
        button.click()
    policies = page.get_by_role("list", name="Active policies")
    kinds = policies.get_by_role("listitem").count()
    assert kinds > 9
    for row in range(kinds):
        settings = policies.get_by_role("button", name="Settings of policy").nth(row)
        settings.click()
        expect(settings).to_have_attribute("aria-expanded", "true")
        passes(page, "dark" if row % 2 else "light", within="[aria-labelledby=policies-title]")


def test_a_decision_made_again(page: Page, addresses: dict[str, str]) -> None:
    visit(page, addresses["trace"])
    page.get_by_role("button", name="Decide again").click()
    again = page.get_by_role("region", name="What today’s configuration would do")
    expect(again.get_by_role("table").first).to_be_visible()
    passes(page)


def test_lists_without_anything(page: Page, console: Console) -> None:
    slug = change(console, CREATE, name="Nothing yet")["project"]["slug"]
    for tab in ("routing", "tokens", "users", "logs"):
        visit(page, f"/projects/{slug}/{tab}")
        passes(page, "light")
    visit(page, "/models")
    page.get_by_role("searchbox", name="Search models").fill("no such model")
    expect(page.get_by_text("No model matches")).to_be_visible()
    passes(page, "light")


def test_what_the_playground_says_of_a_routing(page: Page, slug: str) -> None:
    assert slug
    visit(page, "/playground")
    page.get_by_role("switch", name="Compare two models").press(" ")
    expect(page.get_by_text("Choose the project above")).to_be_visible()
    passes(page)
    page.get_by_role("textbox", name="Project", exact=True).click()
    page.get_by_role("option", name="Dialogs").click()
    expect(page.get_by_role("link", name="Add model-preference")).to_be_visible()
    passes(page)


def test_the_sign_in_over_a_page(edited: Page) -> None:
    edited.context.clear_cookies()
    edited.get_by_role("button", name="Save…").click()
    expect(edited.get_by_role("dialog", name="Sign in to go on")).to_be_visible()
    passes(edited)
