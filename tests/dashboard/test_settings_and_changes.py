"""Dashboard: settings are changed with a reason, history says who did it, and a change is reverted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console

TIMEOUTS = "{ settings { timeouts { idleTimeoutMs connectTimeoutMs } } }"


@pytest.fixture
def settings(page: Page) -> Page:
    page.goto("/settings")
    return page


def edit(page: Page, label: str, value: str) -> None:
    page.get_by_role("textbox", name=label, exact=True).fill(value)


def review(page: Page) -> None:
    page.get_by_role("button", name="Save…").click()


def test_timeouts_and_platform_limits_are_changed_in_one_commit(settings: Page, console: Console) -> None:
    edit(settings, "Idle", "50000")
    settings.get_by_role("button", name="Add a limit").click()
    settings.get_by_label("At most").fill("100.00")
    review(settings)
    commit(settings, "Stricter")
    expect(settings.get_by_role("button", name="Save…")).to_be_disabled()
    written = console.ask("{ settings { timeouts { idleTimeoutMs } limits { rules { metric window value } } } }")["settings"]
    assert written["timeouts"] == {"idleTimeoutMs": 50_000}
    assert [(rule["metric"], rule["window"], float(rule["value"])) for rule in written["limits"]["rules"]] == [
        ("COST", "MONTHLY", 100)
    ]


def test_unsaved_edits_are_not_left_without_a_warning(settings: Page) -> None:
    edit(settings, "Idle", "40000")
    settings.get_by_role("link", name="Models").click()
    expect(settings.get_by_role("dialog")).to_contain_text("Leave without saving")
    settings.get_by_role("button", name="Stay").click()
    expect(settings.get_by_role("textbox", name="Idle", exact=True)).to_have_value("40,000 ms")


def test_a_conflict_shows_both_versions_and_mine_again_keeps_theirs_besides(
    settings: Page, other_page: Page, console: Console
) -> None:
    edit(settings, "Idle", "30000")
    other_page.goto("/settings")
    edit(other_page, "Connect", "4000")
    review(other_page)
    commit(other_page, "Theirs")
    review(settings)
    dialog = settings.get_by_role("dialog")
    for title in ("What you had read", "What is there now (theirs)", "What you meant to write (yours)"):
        expect(dialog.get_by_label(title)).to_be_visible()
    dialog.get_by_role("button", name="Apply mine again").click()
    commit(settings, "Mine")
    assert console.ask(TIMEOUTS)["settings"]["timeouts"] == {"idleTimeoutMs": 30_000, "connectTimeoutMs": 4_000}


def test_a_change_appears_by_itself_and_is_reverted_with_its_difference_first(
    page: Page, other_page: Page, console: Console
) -> None:
    other_page.goto("/changes")
    page.goto("/settings")
    edit(page, "Connect", "3000")
    review(page)
    commit(page, "Too short")
    other_page.get_by_role("link", name="Too short").click()
    expect(other_page.get_by_text("+  connect_timeout_ms: 3000")).to_be_visible()
    other_page.get_by_role("button", name="Revert", exact=True).click()
    commit(other_page, "Back to what it was", "Revert")
    expect(other_page.get_by_role("heading", level=1)).to_contain_text("Back to what it was")
    assert console.ask(TIMEOUTS)["settings"]["timeouts"]["connectTimeoutMs"] != 3_000


def test_blame_says_who_set_a_field_of_a_file(page: Page) -> None:
    page.goto("/changes")
    page.get_by_role("button", name="Who set a field?").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="File").fill("waybill.yaml")
    dialog.get_by_role("textbox", name="Field").fill("format")
    dialog.get_by_role("button", name="Who was it?").click()
    expect(dialog.get_by_role("cell", name="First start: the sample configuration")).to_be_visible()


def test_status_shows_what_each_proxy_runs(page: Page) -> None:
    page.goto("/status")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="proxy-1")).to_contain_text("up to date")


def test_each_policy_has_its_section_in_the_documentation(page: Page, console: Console) -> None:
    for policy in console.ask("{ policies { kind } }")["policies"]:
        page.goto(f"/docs/concepts-routing#{policy['kind']}")
        expect(page.get_by_role("heading", name=policy["kind"], exact=True)).to_be_focused()
