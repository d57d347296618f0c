"""Dashboard: Projects, Logs Tab: click any row to open the Trace view which shows the full routing decision."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.logs import Logs, look, usd
from tests.dashboard.projects import ROUTE, change, make_project, make_token

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

MODELS = [{"id": "sim-fast"}, {"id": "sim-smart"}]
POLICIES = [{"kind": "capability"}, {"kind": "cheapest"}]


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    made = make_project(console, "Decisions")
    change(console, ROUTE, project=made, models=MODELS, policies=POLICIES)
    return made


@pytest.fixture(scope="module")
def fell_back(product: Product, console: Console, slug: str) -> dict[str, Any]:
    """The row of a request whose first model failed."""
    answer = product.ask("please fail", make_token(console, slug))
    return console.row(answer.headers["x-waybill-trace-id"])


@pytest.fixture(scope="module")
def looked(product: Product, console: Console, slug: str, fell_back: dict[str, Any]) -> dict[str, Any]:
    """The row of a request that not every model could answer: the newest of the project."""
    answer = look(product, make_token(console, slug))
    return console.row(answer.headers["x-waybill-trace-id"])


@pytest.fixture
def trace(page: Page, slug: str, looked: dict[str, Any]) -> Locator:
    """The newest request, opened by a click on its row."""
    return Logs(page, slug).open(0)


@pytest.fixture
def fallback(page: Page, slug: str, looked: dict[str, Any]) -> Locator:
    """The request before it."""
    return Logs(page, slug).open(1)


def test_click_any_row_to_open_the_trace_view(page: Page, slug: str, looked: dict[str, Any]) -> None:
    logs = Logs(page, slug)
    for number, row in enumerate((looked["traceId"], None)):
        trace = logs.open(number)
        if row:
            expect(trace).to_contain_text(row)
        page.keyboard.press("Escape")
        expect(trace).to_have_count(0)
    logs.rows.first.get_by_role("button").focus()
    page.keyboard.press("ArrowDown")
    expect(logs.rows.nth(1).get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Trace").get_by_role("heading", name="Decision")).to_be_visible()
    page.reload()  # the address says which one is open
    expect(page.get_by_role("dialog", name="Trace").get_by_role("heading", name="Decision")).to_be_visible()


def test_which_policies_ran_with_weights_and_scores_as_a_readable_table_and_bars(
    fallback: Locator, fell_back: dict[str, Any]
) -> None:
    policies = fell_back["trace"]["policies"]
    assert [policy["kind"] for policy in policies] == ["capability", "cheapest"]
    scores = fallback.get_by_role("table").filter(has_text="Total")
    assert scores.get_by_role("columnheader").all_inner_texts() == ["Model", "capability × 2", "cheapest × 1", "Total"]
    for model in ("sim-fast", "sim-smart"):
        cells = scores.get_by_role("row").filter(has_text=model).get_by_role("cell")
        said = [next(each["score"] for each in policy["models"] if each["model"] == model) for policy in policies]
        total = 2 * said[0] + said[1]
        shown = [re.findall(r"\d\.\d+", text) for text in cells.all_inner_texts()]
        assert [float(figures[0]) for figures in shown] == pytest.approx([*said, total], abs=6e-4)
        bar = cells.last.get_by_role("progressbar")
        assert float(bar.get_attribute("aria-valuenow") or "") == pytest.approx(100 * total / 3, abs=0.1)


def test_which_models_were_considered_and_why_others_were_left_out(trace: Locator) -> None:
    left_out = trace.get_by_role("table").filter(has_text="Why").get_by_role("row").filter(has_text="sim-fast")
    name, by, why = left_out.get_by_role("cell").all_inner_texts()
    assert (name, by) == ("sim-fast", "capability")
    assert "vision" in why
    scores = trace.get_by_role("table").filter(has_text="Total")
    expect(scores.get_by_role("rowheader")).to_have_text(["sim-smart", "sim-fast"])
    expect(scores.get_by_role("row").filter(has_text="sim-fast")).to_contain_text("left out")
    expect(trace.get_by_text("needs vision")).to_be_visible()


def test_why_the_final_model_was_chosen(trace: Locator, fallback: Locator) -> None:
    order = fallback.get_by_role("heading", name="Order").locator("xpath=following-sibling::ol").get_by_role("listitem")
    expect(order).to_have_text(["1. sim-fast", "2. sim-smart"])
    expect(fallback.locator("dl")).to_contain_text("sim-smart (simulated)")


def test_attempts_on_a_time_line(fallback: Locator) -> None:
    attempts = fallback.get_by_role("region", name="Attempts").get_by_role("listitem")
    expect(attempts).to_have_count(2)
    expect(attempts.nth(0)).to_contain_text(re.compile(r"1\. sim-fast\s*simulated\s*error\s*HTTP 503\s*began .* ended"))
    expect(attempts.nth(1)).to_contain_text(re.compile(r"2\. sim-smart\s*simulated\s*success\s*HTTP 200\s*began .* first byte"))
    first, second = (attempts.nth(place).locator("[aria-hidden=true] > div").first.bounding_box() for place in range(2))
    assert first
    assert second
    assert first["x"] < second["x"], "the second begins after the first on the time line"


def test_cost(fallback: Locator, fell_back: dict[str, Any]) -> None:
    cost = fallback.locator("dl > div").filter(has=fallback.page.locator("dt", has_text=re.compile("^Cost$")))
    shown = float(cost.locator("dd").inner_text().removeprefix("US$"))
    assert shown == pytest.approx(usd(fell_back, 3.00, 15.00), abs=5e-7)
    assert shown == pytest.approx(float(fell_back["cost"]), abs=5e-7)


def test_the_commit_that_decided_with_a_link_to_its_difference(trace: Locator, looked: dict[str, Any]) -> None:
    link = trace.get_by_role("link", name="(its difference)")
    expect(link).to_contain_text(looked["revision"][:8])
    link.click()
    expect(trace.page).to_have_url(re.compile(f"/changes/{looked['revision']}$"))
    expect(trace.page.get_by_label("Differences").first).to_contain_text("sha256")  # the token's file came with it


def test_what_todays_configuration_would_do(page: Page, console: Console, slug: str, fell_back: dict[str, Any]) -> None:
    page.goto(f"/requests/{fell_back['traceId']}")
    section = page.get_by_role("region", name="What today’s configuration would do")
    section.get_by_role("button", name="Decide again").click()
    expect(section.get_by_text("The same: sim-fast first.")).to_be_visible()
    change(console, ROUTE, project=slug, models=MODELS[::-1], policies=[])
    try:
        section.get_by_role("button", name="Decide again").click()
        expect(section.get_by_text("Another: sim-smart first, instead of sim-fast.")).to_be_visible()
        expect(section.get_by_text("No policy ran: models are tried in the project’s order.")).to_be_visible()
    finally:
        change(console, ROUTE, project=slug, models=MODELS, policies=POLICIES)
