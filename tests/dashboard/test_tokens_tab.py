"""Dashboard: Projects, Tokens Tab, sentence by sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.projects import make_project

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

TOKENS = """query($slug: String!) { project(slug: $slug) { tokens(first: 50) { nodes {
  name limits { mode rules { metric value window rolling { length unit } } } } } } }"""
VALUE = re.compile(r"^sk-lr-\S{40,}$")


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    return make_project(console, "Tokens")


@pytest.fixture
def tokens(page: Page, slug: str) -> Page:
    page.goto(f"/projects/{slug}/tokens")
    page.wait_for_load_state("networkidle")
    return page


def create(page: Page, name: str) -> str:
    """Make a token without limits of its own; its value."""
    page.get_by_role("button", name="New Token").first.click()
    page.get_by_role("textbox", name="Name").fill(name)
    return agreed(page, "Create")


def agreed(page: Page, button: str, more: str = "") -> str:
    """Create or re-generate, and take the value from the dialog that shows it once."""
    page.get_by_role("button", name=f"{button}{more}", exact=True).click()
    review = page.get_by_role("dialog").filter(has=page.get_by_label("Differences"))
    review.get_by_label("Reason").fill("For an application")
    review.get_by_role("button", name=button, exact=True).click()
    shown = page.get_by_test_id("shown-once")
    expect(shown).to_have_text(VALUE)
    return shown.inner_text()


def copied(page: Page) -> None:
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_token_value_is_shown_once_copy_it_immediately(tokens: Page, product: Product) -> None:
    value = create(tokens, "production")
    tokens.get_by_role("button", name="Copy", exact=True).click()
    assert tokens.evaluate("navigator.clipboard.readText()") == value
    copied(tokens)
    expect(tokens.get_by_role("row").filter(has_text="production")).to_contain_text(value[:10])
    assert value not in tokens.content()
    tokens.reload()
    expect(tokens.get_by_role("row").filter(has_text="production")).to_be_visible()
    assert value not in tokens.content()
    assert product.ask(token=value).status_code == 200


def test_optionally_configure_per_token_limits_metric_limit_value_window_type_mode(
    tokens: Page, console: Console, slug: str
) -> None:
    tokens.get_by_role("button", name="New Token").first.click()
    dialog = tokens.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("limited")
    limits = dialog.get_by_role("group", name="Limits of this token", exact=True)
    choose(tokens, limits, "Mode", "These and the inherited hold (extend)")
    for _ in range(2):
        limits.get_by_role("button", name="Add a limit").click()
    first, second = limits.get_by_role("group", name="Limit 1"), limits.get_by_role("group", name="Limit 2")
    first.get_by_label("At most").fill("2.50")
    choose(tokens, second, "What is limited", re.compile("calls", re.IGNORECASE))
    second.get_by_label("At most").fill("100")
    choose(tokens, second, "In which window", "In the last …")
    second.get_by_label("Length of the window").fill("6")
    agreed(tokens, "Create")
    copied(tokens)
    assert stored(console, slug)["limited"] == {
        "mode": "EXTEND",
        "rules": [
            {"metric": "COST", "value": "2.5", "window": "DAILY", "rolling": None},
            {"metric": "CALLS", "value": "100", "window": None, "rolling": {"length": 6, "unit": "HOURS"}},
        ],
    }


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        pytest.param("REPLACE", "Only these hold (replace)", id="replace: per-token limit overrides the project limit"),
        pytest.param("EXTEND", "These and the inherited hold (extend)", id="extend: both must pass"),
        pytest.param("DISABLE", "None hold from here outward (disable)", id="disable: no budget check for this token"),
    ],
)
def test_the_mode_field(tokens: Page, console: Console, slug: str, mode: str, words: str) -> None:
    tokens.get_by_role("button", name="New Token").first.click()
    dialog = tokens.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill(f"mode {mode}")
    limits = dialog.get_by_role("group", name="Limits of this token", exact=True)
    if mode != "DISABLE":
        limits.get_by_role("button", name="Add a limit").click()
        limits.get_by_label("At most").fill("3")
    if mode != "REPLACE":
        choose(tokens, limits, "Mode", words)
    agreed(tokens, "Create")
    copied(tokens)
    assert stored(console, slug)[f"mode {mode}"]["mode"] == mode


def test_regenerate_stops_the_previous_token_immediately(tokens: Page, product: Product) -> None:
    former = create(tokens, "regenerated")
    copied(tokens)
    assert product.ask(token=former).status_code == 200
    tokens.get_by_role("button", name="Re-generate regenerated").click()
    value = agreed(tokens, "Re-generate", "…")
    assert value != former
    assert product.ask(token=former).status_code == 401
    assert product.ask(token=value).status_code == 200


def choose(page: Page, within: Any, label: str, option: str | re.Pattern[str]) -> None:
    """Pick an option of a select."""
    within.get_by_role("textbox", name=label, exact=True).click()
    page.get_by_role("option", name=option).click()


def stored(console: Console, slug: str) -> dict[str, Any]:
    """The limits of each token, by name."""
    return {token["name"]: token["limits"] for token in console.ask(TOKENS, slug=slug)["project"]["tokens"]["nodes"]}
