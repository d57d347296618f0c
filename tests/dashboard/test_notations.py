"""The dashboard of readers whose numbers are written with other signs: it shows and takes them so, and keeps what is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit, visit
from tests.dashboard.people import Admin
from tests.dashboard.projects import make_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

OF_PROJECT = """query($slug: String!) { project(slug: $slug) {
  defaultMaxOutputTokens timeouts { timeoutMs } limits { rules { window value } } } }"""


@pytest.fixture
def german(product: Product, open_as: Callable[..., Page]) -> Page:
    """A window of the admin's, whose browser is German."""
    return open_as(Admin.of(product), locale="de-DE")


def field(page: Page, label: str) -> Any:
    return page.get_by_role("textbox", name=label, exact=True)


def test_what_a_form_says_in_german_notation_is_what_is_committed(german: Page, console: Console) -> None:
    slug = make_project(console, "Notation")
    visit(german, f"/projects/{slug}/general")
    expect(german.get_by_text("600.000 ms, as for all projects")).to_be_visible()
    timeout, budget = field(german, "Default timeout"), field(german, "Daily budget")
    timeout.press_sequentially("120000")
    expect(timeout).to_have_value("120.000 ms")
    field(german, "Output to reckon with").fill("4096")
    expect(field(german, "Output to reckon with")).to_have_value("4.096")
    budget.press_sequentially("2,50")
    expect(budget).to_have_value("2,50")
    german.get_by_role("button", name="Save…").click()
    commit(german, "As Germans write it")
    kept = console.ask(OF_PROJECT, slug=slug)["project"]
    assert kept["timeouts"]["timeoutMs"] == 120_000
    assert kept["defaultMaxOutputTokens"] == 4096
    assert [(rule["window"], float(rule["value"])) for rule in kept["limits"]["rules"]] == [("DAILY", 2.5)]
    expect(budget).to_have_value("2,5")
    german.evaluate("navigator.clipboard.writeText('90.000')")
    timeout.focus()
    german.keyboard.press("Control+A")
    german.keyboard.press("Control+V")
    expect(timeout).to_have_value("90.000 ms")


def test_settings_and_models_are_there_in_german_notation(german: Page) -> None:
    visit(german, "/settings")
    expect(german.get_by_role("heading", level=1)).to_have_text("Settings")
    visit(german, "/models/sim-fast")
    expect(field(german, "Context window")).to_be_visible()
    field(german, "Input").first.fill("0,25")
    expect(field(german, "Input").first).to_have_value("0,25")
    expect(german.get_by_text("Give a number")).to_have_count(0)
