"""Dashboard: Projects, Logs Tab, sentence by sentence."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.logs import COLUMNS, Logs, end_each_way, recorded, usd
from tests.dashboard.projects import ROUTE, change, make_project, make_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page, Request

    from tests.e2e.console import Console
    from tests.e2e.product import Product

PACES = {"5 s": 5, "15 s": 15, "30 s": 30, "1 min": 60, "5 min": 300}
STATUSES = {"success": 200, "error": 503, "budget_exceeded": 429, "rejected": 503, "cancelled": 499, "timeout": 504}


@pytest.fixture(scope="module")
def ended(product: Product, console: Console) -> tuple[str, dict[str, str]]:
    """A project, and the trace id of a request of each status."""
    slug = make_project(console, "Ends")
    change(console, ROUTE, project=slug, models=[{"id": "sim-fast"}], policies=[{"kind": "capability"}])
    traces = end_each_way(product, console, slug)
    for trace in traces.values():
        console.row(trace)
    return slug, traces


@pytest.fixture(scope="module")
def ask(product: Product, console: Console) -> Callable[[], str]:
    """Send a request of the project `pace`, and return its trace id once it is recorded."""
    token = make_token(console, make_project(console, "Pace", ("sim-fast",)))

    def send() -> str:
        trace: str = product.ask("ping", token).headers["x-waybill-trace-id"]
        console.row(trace)
        return trace

    return send


def test_a_filter_that_no_request_can_have_is_left_out_and_named(page: Page, ended: tuple[str, object]) -> None:
    logs = Logs(page, ended[0], "status=nonsense&model=%00&since=abc&status=timeout")
    expect(page.get_by_role("status").filter(has_text="left out")).to_contain_text(
        "status “nonsense”, model “%00”, since “abc”"
    )
    expect(logs.rows).to_have_count(1)
    assert statuses(logs) == ["timeout"]


def test_going_back_takes_a_filter_away(page: Page, console: Console, ended: tuple[str, object]) -> None:
    logs = Logs(page, ended[0])
    everything = len(recorded(console, ended[0]))
    expect(logs.rows).to_have_count(everything)
    page.get_by_role("textbox", name="Status").click()
    page.get_by_role("option", name="timeout").click()
    expect(logs.rows).to_have_count(1)
    page.go_back()
    expect(logs.rows).to_have_count(everything)


def statuses(logs: Logs) -> list[str]:
    return [logs.texts(number)["Status"] for number in range(logs.rows.count())]


def test_a_live_log_of_recent_requests_routed_through_this_project(
    page: Page, product: Product, ask: Callable[[], str], ended: tuple[str, object]
) -> None:
    ask()
    logs = Logs(page, "pace")
    expect(page.get_by_role("status").filter(has_text=re.compile("^live$"))).to_be_visible()
    before = logs.rows.count()
    ask()
    expect(logs.rows).to_have_count(before + 1)
    assert product.ask("ping").status_code == 200  # of another project
    ask()
    expect(logs.rows).to_have_count(before + 2)


def test_its_columns_show_when_it_arrived_the_model_the_status_the_tokens_and_the_cost(
    page: Page, console: Console, ask: Callable[[], str]
) -> None:
    sent = datetime.now(UTC)
    row = console.row(ask())
    logs = Logs(page, "pace")
    expect(logs.rows.first).to_be_visible()
    assert page.get_by_role("columnheader").all_inner_texts()[:6] == COLUMNS
    shown = logs.texts()
    arrived = datetime.strptime(f"{sent.year} {shown['Timestamp']}", "%Y %d %b, %H:%M:%S.%f").replace(tzinfo=UTC)
    assert timedelta(seconds=-1) <= arrived - sent <= timedelta(seconds=30)
    assert shown["Model"] == "sim-fast"
    assert shown["Status"] == "success"
    assert shown["Input Tokens"] == str(row["inputTokens"])
    assert shown["Output Tokens"] == str(row["outputTokens"])
    assert row["outputTokens"] > 0
    assert float(shown["Cost"].removeprefix("US$")) == pytest.approx(usd(row, 0.80, 3.20), abs=5e-7)


def test_status_success_error_budget_exceeded_and_the_others(page: Page, ended: tuple[str, dict[str, str]]) -> None:
    slug, traces = ended
    logs = Logs(page, slug)
    expect(logs.rows.nth(len(STATUSES) - 1)).to_be_visible()
    assert set(statuses(logs)) == set(STATUSES)
    for status, code in STATUSES.items():
        page.goto(f"/requests/{traces[status]}")
        summary = page.get_by_role("main").locator("dl")
        expect(summary).to_contain_text(f"{status}HTTP {code}")


def test_filters_by_status_model_token_kind_and_time_stay_in_the_address(page: Page, ended: tuple[str, object]) -> None:
    logs = Logs(page, ended[0])
    logs.choose("Status", "budget_exceeded", "timeout")
    expect(logs.rows).to_have_count(2)
    assert set(statuses(logs)) == {"budget_exceeded", "timeout"}
    logs.choose("Token", "spent")
    expect(logs.rows).to_have_count(1)
    page.reload()
    expect(logs.rows).to_have_count(1)
    assert statuses(logs) == ["budget_exceeded"]
    logs = Logs(page, ended[0], "model=sim-fast&status=success&kind=completion")
    expect(logs.rows.first).to_be_visible()
    assert set(statuses(logs)) == {"success"}
    logs = Logs(page, ended[0])
    logs.choose("Kind", "embedding")
    expect(page.get_by_text("No request matches")).to_be_visible()
    expect(page).to_have_url(re.compile("kind=embedding"))
    logs = Logs(page, ended[0], f"since={datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M}")
    expect(page.get_by_text("Take a filter away to see more.")).to_be_visible()


class Asked:
    """How often a page asked for rows."""

    def __init__(self, page: Page) -> None:
        self.times = 0
        page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        if "LogPage" in (request.post_data or ""):
            self.times += 1


def test_the_interval_selector_controls_polling(page: Page, ask: Callable[[], str]) -> None:
    ask()
    page.clock.install()
    asked = Asked(page)
    logs = Logs(page, "pace")
    expect(logs.rows.first).to_be_visible()
    offered = page.get_by_role("option")
    page.get_by_role("textbox", name="Refresh").click()
    expect(offered.first).to_be_visible()
    assert offered.all_inner_texts() == ["Live", *PACES, "Off"]
    page.keyboard.press("Escape")
    for pace, seconds in PACES.items():
        logs.choose("Refresh", pace)
        expect(page.get_by_role("button", name="Refresh", exact=True)).to_be_visible()
        rows, times = logs.rows.count(), asked.times
        ask()
        page.clock.fast_forward(seconds * 1000 - 3000 if seconds > 5 else 1000)
        assert (logs.rows.count(), asked.times) == (rows, times), f"asked before {pace} were over"
        page.clock.fast_forward(3000 if seconds > 5 else 5000)
        expect(logs.rows).to_have_count(rows + 1)


def test_off_asks_for_nothing_until_somebody_does(page: Page, ask: Callable[[], str]) -> None:
    ask()
    page.clock.install()
    asked = Asked(page)
    logs = Logs(page, "pace")
    logs.choose("Refresh", "Off")
    expect(logs.rows.first).to_be_visible()
    page.reload()  # the choice is kept
    expect(logs.rows.first).to_be_visible()
    expect(page.get_by_role("textbox", name="Refresh")).to_have_value("Off")
    rows, times = logs.rows.count(), asked.times
    ask()
    page.clock.fast_forward(20 * 60 * 1000)
    assert (logs.rows.count(), asked.times) == (rows, times)
    page.get_by_role("button", name="Refresh", exact=True).click()
    expect(logs.rows).to_have_count(rows + 1)
