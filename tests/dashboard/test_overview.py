"""Dashboard: the overview's figures are those of the requests; by period, by model, by project; alerts as they come."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.projects import TOKEN, change, make_project, make_token

if TYPE_CHECKING:
    from playwright.sync_api import Page, Request

    from tests.e2e.console import Console
    from tests.e2e.product import Product

MEASURES = ("Cost", "Calls", "Errors", "Tokens")
PERIODS = {
    "24 hours": (timedelta(days=1), "HOUR"),
    "7 days": (timedelta(days=7), "HOUR"),
    "30 days": (timedelta(days=30), "DAY"),
    "90 days": (timedelta(days=90), "DAY"),
    "12 months": (timedelta(days=365), "DAY"),
}
GROUPS = """query($from: DateTime!, $by: [UsageDimension!]) { usage(from: $from, interval: HOUR, groupBy: $by) {
  groups(first: 6, order: COST) { model project } } }"""
ONE_CALL = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "1"}]}


def figures(page: Page) -> dict[str, float]:
    """The sum of each measure, as its chart says it."""
    shown = {}
    for measure in MEASURES:
        words = page.get_by_role("img", name=f"{measure} over time").get_attribute("aria-label") or ""
        shown[measure] = float(words.rpartition(": ")[2].removesuffix(" in all").removeprefix("US$").replace(",", ""))
    return shown


@pytest.fixture
def overview(page: Page, trace: str) -> Page:
    """Opened, with charts: something was requested before."""
    assert trace
    page.clock.install()
    page.goto("/")
    expect(page.get_by_role("img", name="Tokens over time")).to_be_visible()
    return page


def test_figures_after_requests_by_themselves_within_half_a_minute(overview: Page, product: Product, console: Console) -> None:
    token = make_token(console, make_project(console, "Figures", ("sim-smart",)))
    overview.reload()
    expect(overview.get_by_role("img", name="Tokens over time")).to_be_visible()
    before = figures(overview)
    answers = [product.ask(f"How far is the moon? {number}", token) for number in range(3)]
    failed = product.ask("please fail", make_token(console, make_project(console, "Failing", ("sim-fast",))))
    rows = [console.row(answer.headers["x-waybill-trace-id"]) for answer in answers]
    assert console.row(failed.headers["x-waybill-trace-id"])["status"] == "error"
    overview.clock.fast_forward(31_000)
    calls = f"Calls over time by model: {before['Calls'] + 3:,.0f} in all"
    expect(overview.get_by_role("img", name=calls)).to_be_visible()
    after = figures(overview)
    assert after["Errors"] - before["Errors"] == 1
    assert after["Tokens"] - before["Tokens"] == sum(row["inputTokens"] + row["outputTokens"] for row in rows)
    assert after["Cost"] - before["Cost"] == pytest.approx(sum(float(row["cost"]) for row in rows), abs=2e-4)
    latency = overview.get_by_role("region", name="Latency, mean")
    expect(latency).to_contain_text(re.compile(r"\d+ ms\s*p50 \d.*, p95 \d"))


def test_by_model_and_by_project(overview: Page, console: Console) -> None:
    for dimension, words in (("MODEL", "By model"), ("PROJECT", "By project")):
        overview.get_by_text(words, exact=True).click()
        expect(overview.get_by_role("img", name=f"Cost over time by {dimension.lower()}")).to_be_visible()
        since = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}"
        groups = console.ask(GROUPS, by=[dimension], **{"from": since})["usage"]["groups"]
        expected = [group[dimension.lower()] or "no model" for group in groups]
        shown = overview.get_by_role("figure", name="Cost over time").locator("figcaption")
        expect(shown.get_by_text(re.compile("."))).to_have_text(expected)
    overview.get_by_text("Together", exact=True).click()
    expect(overview.get_by_role("img", name=re.compile(r"^Cost over time: US\$"))).to_be_visible()


def test_the_period_is_chosen_and_is_in_the_address(overview: Page) -> None:
    def asked(request: Request) -> dict[str, Any]:
        variables: dict[str, Any] = json.loads(request.post_data or "{}").get("variables", {})
        return variables

    for words, (length, interval) in reversed(PERIODS.items()):
        with overview.expect_request(lambda request: "interval" in asked(request)) as sent:
            overview.get_by_text(words, exact=True).click()
        variables = asked(sent.value)
        assert variables["interval"] == interval
        now = datetime.fromtimestamp(overview.evaluate("Date.now()") / 1000, tz=UTC)
        begins = datetime.fromisoformat(variables["from"])
        # The present hour or day is the last of the period.
        assert length - timedelta(days=1 if interval == "DAY" else 1 / 24) <= now - begins <= length
    expect(overview).to_have_url(re.compile("period=24h"))
    expect(overview.get_by_role("img", name="Calls over time")).to_be_visible()


def test_a_limit_that_is_used_up_is_told_at_once_with_the_request(overview: Page, product: Product, console: Console) -> None:
    slug = make_project(console, "Alerting", ("sim-fast",))
    token = change(console, TOKEN, project=slug, name="one", limits=ONE_CALL)["value"]
    product.ask("ping", token)
    alert = overview.get_by_role("region", name="Alerts").get_by_role("listitem").filter(has_text=slug)
    expect(alert.filter(has_text="used up").first).to_contain_text("1 of 1 calls, daily", timeout=30_000)
    alert.get_by_role("link", name="Request").first.click()
    expect(overview).to_have_url(re.compile(r"/requests/\w+$"))
    expect(overview.get_by_role("heading", name="Decision")).to_be_visible()
