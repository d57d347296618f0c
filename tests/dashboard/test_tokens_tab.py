"""Dashboard: Projects, Tokens Tab, sentence by sentence: manage Bearer tokens for this project."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit
from tests.dashboard.projects import UPDATE, change, make_project
from tests.dashboard.tokens import Tokens

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

REPLACE = "Only these hold (replace)"
EXTEND = "These and the inherited hold (extend)"
DISABLE = "None hold from here outward (disable)"


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    return make_project(console, "Tokens")


@pytest.fixture
def tokens(page: Page, console: Console, slug: str) -> Tokens:
    return Tokens(page, console, slug)


def test_click_new_token_enter_a_name_click_create(tokens: Tokens) -> None:
    tokens.page.get_by_role("button", name="New Token", exact=True).first.click()
    form = tokens.page.get_by_role("dialog")
    form.get_by_role("textbox", name="Name").fill("ci")
    form.get_by_role("button", name="Create", exact=True).click()
    review = tokens.page.get_by_role("dialog").filter(has=tokens.page.get_by_label("Differences"))
    expect(review.get_by_label("Differences")).to_contain_text("name: ci")
    tokens.agree("Create")
    expect(tokens.row("ci")).to_be_visible()


def test_the_token_value_is_shown_once_copy_it_immediately(tokens: Tokens, product: Product) -> None:
    tokens.fill("production")
    value = tokens.create(close=False)
    tokens.page.get_by_role("button", name="Copy", exact=True).click()
    assert tokens.page.evaluate("navigator.clipboard.readText()") == value
    tokens.close()
    expect(tokens.row("production")).to_contain_text(value[:10])
    assert value not in tokens.page.content()
    tokens.page.reload()
    expect(tokens.row("production")).to_be_visible()
    assert value not in tokens.page.content()
    assert product.ask(token=value).status_code == 200


def test_optionally_configure_per_token_limits_metric_limit_value_window_type_mode(tokens: Tokens) -> None:
    tokens.fill("limited")
    tokens.choose("Mode", EXTEND)
    tokens.limit(1, metric="Cost (USD)", value="2.50", window="In a day, UTC")
    second = tokens.limit(2, metric="Calls", value="100", window="In the last …")
    second.get_by_label("Length of the window").fill("6")
    tokens.create()
    assert tokens.stored("limited") == {
        "mode": "EXTEND",
        "rules": [
            {"metric": "COST", "value": "2.5", "window": "DAILY", "rolling": None},
            {"metric": "CALLS", "value": "100", "window": None, "rolling": {"length": 6, "unit": "HOURS"}},
        ],
    }
    expect(tokens.row("limited")).to_contain_text("extend: US$2.50 a day, 100 calls in 6 hours")


def test_per_token_limits_cap_spending_for_individual_applications_sharing_the_same_project(
    tokens: Tokens, product: Product
) -> None:
    tokens.fill("capped")
    tokens.limit(1, metric="Calls", value="2", window="In a day, UTC")
    capped = tokens.create()
    tokens.fill("free")
    free = tokens.create()
    assert [product.ask(token=capped).status_code for _ in range(3)] == [200, 200, 429]
    assert product.ask(token=free).status_code == 200
    tokens.page.reload()
    row = tokens.row("capped")
    expect(row).to_contain_text("2 of 2")
    expect(row.get_by_role("progressbar")).to_have_accessible_name(re.compile("100% used"))


@pytest.mark.parametrize(
    ("mode", "meaning", "answers"),
    [
        # Three requests at a project that allows one call a day, with a token that allows two.
        pytest.param(REPLACE, "override the project’s for this token", [200, 200, 429], id="replace"),
        pytest.param(EXTEND, "Both the token’s and the project’s limits must pass", [200, 429, 429], id="extend"),
        pytest.param(DISABLE, "No budget check for this token", [200, 200, 200], id="disable"),
    ],
)
def test_the_mode_controls_how_the_per_token_limit_interacts_with_the_project_level_limit(
    page: Page, console: Console, product: Product, mode: str, meaning: str, answers: list[int]
) -> None:
    slug = make_project(console, f"Mode {mode[-10:-1]}")
    change(console, UPDATE, slug=slug, limits={"rules": [{"metric": "CALLS", "window": "DAILY", "value": "1"}]})
    tokens = Tokens(page, console, slug)
    tokens.fill("moded")
    tokens.limit(1, metric="Calls", value="2", window="In a day, UTC")
    tokens.choose("Mode", mode)
    expect(tokens.form.get_by_text(meaning)).to_be_visible()
    value = tokens.create()
    assert [product.ask(token=value).status_code for _ in range(3)] == answers


def test_regenerate_invalidates_the_current_token_and_the_previous_one_stops_working_immediately(
    tokens: Tokens, product: Product
) -> None:
    tokens.fill("rolled")
    former = tokens.create()
    assert product.ask(token=former).status_code == 200
    tokens.page.get_by_role("button", name="Re-generate rolled").click()
    value = tokens.regenerate()
    assert value != former
    assert product.ask(token=former).status_code == 401
    assert product.ask(token=value).status_code == 200


def test_with_a_grace_period_the_previous_token_works_on_for_a_while(tokens: Tokens, product: Product) -> None:
    tokens.fill("graceful")
    former = tokens.create()
    tokens.page.get_by_role("button", name="Re-generate graceful").click()
    tokens.page.get_by_role("textbox", name="The former value").click()
    tokens.page.get_by_role("option", name="Works on for an hour").click()
    value = tokens.regenerate()
    expect(tokens.row("graceful")).to_contain_text(re.compile("former value ends in (1 hour|60 minutes|59 minutes)"))
    assert [product.ask(token=each).status_code for each in (former, value)] == [200, 200]


def test_a_revoked_token_stops_working(tokens: Tokens, product: Product) -> None:
    tokens.fill("revoked")
    value = tokens.create()
    assert product.ask(token=value).status_code == 200
    tokens.page.get_by_role("button", name="Revoke revoked").click()
    commit(tokens.page, "The application is gone", button="Revoke")
    expect(tokens.row("revoked")).to_have_count(0)
    assert product.ask(token=value).status_code == 401


def test_labels_are_shown_and_copied_to_log_rows(tokens: Tokens, product: Product, console: Console) -> None:
    tokens.fill("labelled")
    tokens.form.get_by_role("combobox", name="Labels").or_(tokens.form.get_by_role("textbox", name="Labels")).fill(
        "team: search"
    )
    tokens.page.keyboard.press("Enter")
    value = tokens.create()
    expect(tokens.row("labelled")).to_contain_text("team: search")
    served = product.ask(token=value)
    assert console.row(served.headers["x-waybill-trace-id"])["labels"] == [{"key": "team", "value": "search"}]


def test_a_token_expires(tokens: Tokens, product: Product) -> None:
    tokens.fill("expiring")
    tokens.form.get_by_label("Expires").fill("2100-01-31T12:00")
    value = tokens.create()
    expect(tokens.row("expiring")).to_contain_text(re.compile(r"in \d+ years"))
    assert product.ask(token=value).status_code == 200
    tokens.page.get_by_role("button", name="Edit expiring").click()
    tokens.form.get_by_label("Expires").fill("2020-01-31T12:00")
    tokens.form.get_by_role("button", name="Save…").click()
    commit(tokens.page, "It was to end long ago")
    expect(tokens.row("expiring")).to_contain_text(re.compile(r"\d+ years ago"))
    assert product.ask(token=value).status_code == 401


def test_what_is_wrong_is_said_next_to_its_field(tokens: Tokens) -> None:
    tokens.fill("wrong")
    tokens.limit(1, metric="Calls", value="many", window="In a day, UTC")
    tokens.form.get_by_role("button", name="Create", exact=True).click()
    field = tokens.form.get_by_label("At most")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_accessible_description(re.compile(r"\S"))
    tokens.form.get_by_role("textbox", name="Name").fill("x" * 300)
    field.fill("5")
    tokens.form.get_by_role("button", name="Create", exact=True).click()
    expect(tokens.form.get_by_role("textbox", name="Name")).to_have_attribute("aria-invalid", "true")
