"""Dashboard: Projects, General Tab, sentence by sentence: it shows and lets one edit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit
from tests.dashboard.projects import make_project, make_token

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

PROJECT = """query($slug: String!) { project(slug: $slug) {
  name timeouts { timeoutMs } limits { rules { metric value window } } } }"""


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    return make_project(console, "General")


@pytest.fixture
def general(page: Page, slug: str) -> Page:
    page.goto(f"/projects/{slug}/general")
    return page


def stored(console: Console, slug: str) -> dict[str, Any]:
    project: dict[str, Any] = console.ask(PROJECT, slug=slug)["project"]
    return project


def save(page: Page, reason: str) -> None:
    page.get_by_role("button", name="Save…").click()
    commit(page, reason)


def test_name_display_name_for_the_project(general: Page, console: Console, slug: str) -> None:
    general.get_by_role("textbox", name="Name", exact=True).fill("General, renamed")
    save(general, "A better name")
    expect(general.get_by_role("heading", level=1)).to_have_text("General, renamed")
    assert stored(console, slug)["name"] == "General, renamed"
    general.get_by_role("button", name="Who set “Name”?").click()
    expect(general.get_by_role("link", name="A better name")).to_be_visible()


def test_slug_is_read_only_after_creation(general: Page, slug: str) -> None:
    field = general.get_by_role("textbox", name="Slug")
    expect(field).to_have_value(slug)
    expect(field).not_to_be_editable()


def test_default_timeout_per_request_in_milliseconds(general: Page, console: Console, slug: str) -> None:
    general.get_by_role("textbox", name="Default timeout").fill("45000")
    general.get_by_role("button", name="Save…").click()
    dialog = general.get_by_role("dialog")
    expect(dialog.get_by_label("Differences")).to_contain_text("timeout_ms: 45000")
    dialog.get_by_role("button", name="Commit", exact=True).click()
    expect(dialog.get_by_text("Say why")).to_be_visible()  # nothing is committed without a reason
    commit(general, "Answers that take longer help nobody")
    assert stored(console, slug)["timeouts"]["timeoutMs"] == 45_000


def test_the_default_timeout_overrides_the_global_one(page: Page, console: Console, product: Product) -> None:
    slug = make_project(console, "Impatient")
    token = make_token(console, slug)
    assert product.ask(token=token).status_code == 200
    page.goto(f"/projects/{slug}/general")
    field = page.get_by_role("textbox", name="Default timeout")
    expect(field).to_have_accessible_description(re.compile("600,000 ms, as for all projects"))
    field.fill("1")
    save(page, "Nothing is so fast")
    answer = product.ask(token=token)
    assert (answer.status_code, answer.json()["error"]["code"]) == (504, "timeout")


def test_connection_info_base_url_and_masked_token_snippet_ready_to_copy(general: Page, product: Product) -> None:
    expect(general.get_by_text(f"{product.made.proxy_url}/v1", exact=True)).to_be_visible()
    for kind, said in (("OpenAI SDK", "OpenAI("), ("Anthropic SDK", "Anthropic("), ("curl", "curl http")):
        general.get_by_role("tab", name=kind).click()
        general.get_by_role("button", name="Copy the code").click()
        copied = general.evaluate("navigator.clipboard.readText()")
        assert said in copied
        assert product.made.proxy_url in copied
        (masked,) = re.findall(r"sk-lr-[\w-]+", copied)
        assert product.ask(token=masked).status_code == 401  # the product's own answer to code that is run as it was copied
        assert product.token not in copied


def test_budget_project_level_cost_limit_daily_and_monthly(general: Page, console: Console, slug: str) -> None:
    general.get_by_role("textbox", name="Daily budget").fill("5.25")
    general.get_by_role("textbox", name="Monthly budget").fill("80")
    save(general, "What the project may cost")
    rules = {rule["window"]: (rule["metric"], float(rule["value"])) for rule in stored(console, slug)["limits"]["rules"]}
    assert rules == {"DAILY": ("COST", 5.25), "MONTHLY": ("COST", 80.0)}
    expect(general.get_by_role("textbox", name="Daily budget")).to_have_value("5.25")
    expect(general.get_by_role("progressbar")).to_have_count(2)


@pytest.mark.parametrize("kind", ["OpenAI SDK", "Anthropic SDK", "curl"])
def test_the_snippet_works_in_an_sdk_once_the_token_is_filled_in(general: Page, product: Product, kind: str) -> None:
    general.get_by_role("tab", name=kind).click()
    general.get_by_role("button", name="Copy the code").click()
    code = re.sub(r"sk-lr-[^\s\"']*", product.token, general.evaluate("navigator.clipboard.readText()"))
    command = ["sh", "-c", f"{code} --silent --fail"] if kind == "curl" else [sys.executable, "-c", code]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ, "NO_PROXY": "127.0.0.1"})
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()


def test_the_budget_is_a_limit_on_the_project_as_a_whole(page: Page, console: Console, product: Product) -> None:
    slug = make_project(console, "Thrifty")
    one, other = make_token(console, slug), make_token(console, slug)
    page.goto(f"/projects/{slug}/general")
    page.get_by_role("textbox", name="Daily budget").fill("0.000001")
    save(page, "Nearly nothing")
    for token in (one, other):
        refused = product.ask(token=token)
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "budget_exceeded")


@pytest.mark.parametrize("budget", ["Daily budget", "Monthly budget"])
def test_a_budget_that_is_no_number_is_told_at_its_field(general: Page, budget: str) -> None:
    field = general.get_by_role("textbox", name=budget)
    field.fill("plenty")
    expect(field).to_have_accessible_description(re.compile("Give a number"))
    general.get_by_role("button", name="Save…").click()
    expect(general.get_by_text("This is not written as Waybill reads it.")).to_be_visible()
    expect(general.get_by_label("Differences")).to_have_count(0)
