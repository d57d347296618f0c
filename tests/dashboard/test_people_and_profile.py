"""Dashboard: users, custom roles, the audit log, and one's own keys and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.dashboard.pages import commit

if TYPE_CHECKING:
    from playwright.sync_api import Page

EVE = "eve@example.org"


def carry_out(page: Page, item: str, button: str) -> None:
    """An item of Eve's menu, with a reason."""
    page.get_by_role("button", name=f"What can be done with {EVE}").click()
    page.get_by_role("menuitem", name=item).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill(f"{item}, because it is time")
    dialog.get_by_role("button", name=button, exact=True).click()


def test_a_user_is_made_disabled_given_a_password_and_deleted(page: Page) -> None:
    page.goto("/people")
    page.get_by_role("button", name="New user").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("E-mail").fill(EVE)
    dialog.get_by_label("Reason").fill("Joins us")
    dialog.get_by_role("button", name="Make the user").click()
    expect(page.get_by_test_id("shown-once")).to_be_visible()
    page.get_by_role("button", name="I have copied it").click()
    row = page.get_by_role("row").filter(has_text=EVE)
    carry_out(page, "Disable", "Disable")
    expect(row).to_contain_text("disabled")
    carry_out(page, "Reset the password", "Reset the password")
    expect(page.get_by_test_id("shown-once")).to_be_visible()
    page.get_by_role("button", name="I have copied it").click()
    carry_out(page, "Delete", "Delete the user")
    expect(row).to_have_count(0)
    page.goto("/people/audit")
    expect(page.get_by_role("row").filter(has_text="userDelete").first).to_contain_text("Delete, because it is time")


def test_a_role_is_made_of_permissions(page: Page) -> None:
    page.goto("/people/roles")
    page.get_by_role("button", name="New role").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Name").fill("auditor")
    dialog.get_by_label("report:read").check()
    dialog.get_by_role("button", name="Review").click()
    commit(page, "For those who look at costs")
    expect(page.get_by_role("row").filter(has_text="auditor")).to_contain_text("report:read")


def test_an_api_key_is_shown_once_and_revoked(page: Page) -> None:
    page.goto("/profile")
    page.get_by_role("button", name="New API key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("billing export")
    dialog.get_by_label("Reason").fill("Costs go to the books")
    dialog.get_by_role("button", name="Make the key").click()
    expect(page.get_by_test_id("shown-once")).to_contain_text("wb-")
    value = page.get_by_test_id("shown-once").inner_text()
    page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("row").filter(has_text="billing export")).to_be_visible()
    assert value not in page.content()
    page.get_by_role("button", name="Revoke billing export").click()
    page.get_by_label("Reason").fill("Done")
    page.get_by_role("button", name="Revoke the key").click()
    expect(page.get_by_role("row").filter(has_text="billing export")).to_have_count(0)


def test_one_sees_where_one_is_signed_in(page: Page) -> None:
    page.goto("/profile")
    sessions = page.get_by_role("region", name="Sessions")
    expect(sessions.get_by_text("this one")).to_be_visible()
