"""Dashboard: users, custom roles, the audit log, and one's own keys and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
from playwright.sync_api import expect

from tests.dashboard.pages import commit
from tests.dashboard.people import Person, hire

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

EVE = "eve@example.org"


VIEWER = {"query": "{ viewer { email } }"}


def carry_out(page: Page, item: str, button: str, of: str = EVE) -> None:
    """An item of somebody's menu, with a reason."""
    page.get_by_role("button", name=f"What can be done with {of}").click()
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


def make_key(page: Page) -> str:
    """On one's own profile; its value."""
    page.goto("/profile")
    page.get_by_role("button", name="New API key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("billing export")
    dialog.get_by_label("Reason").fill("Costs go to the books")
    dialog.get_by_role("button", name="Make the key").click()
    expect(page.get_by_test_id("shown-once")).to_contain_text("wb-")
    value = page.get_by_test_id("shown-once").inner_text()
    page.get_by_role("button", name="I have copied it").click()
    return value


def test_an_admin_revokes_all_keys_of_somebody(
    page: Page, open_as: Callable[[Person], Page], console: Console, product: Product
) -> None:
    sam = hire(console, "sam@example.org", "viewer")
    keys = [make_key(window) for window in [open_as(sam)] for _ in range(2)]

    def answers(key: str) -> int:
        headers = {"authorization": f"Bearer {key}"}
        return httpx.post(f"{product.made.api_url}/graphql", json=VIEWER, headers=headers).status_code

    assert [answers(key) for key in keys] == [200, 200]
    page.goto("/people?search=sam")
    carry_out(page, "Revoke all API keys", "Revoke the keys", of=sam.email)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert [answers(key) for key in keys] == [401, 401]
    page.goto("/people/audit")
    expect(page.get_by_role("row").filter(has_text="userKeysRevoke").first).to_contain_text("because it is time")


def test_an_api_key_is_shown_once_and_revoked(page: Page) -> None:
    value = make_key(page)
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
