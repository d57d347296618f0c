"""From the first sign-in to the first routed request, by clicks alone, in under two minutes."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.watching import Watch
from tests.e2e.product import Product

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

TWO_MINUTES_S = 120.0
MOST_CLICKS = 22
# What is left of the two minutes for the product: here it shares a machine with other tests, so it is not held to that.
WAITING_S = 30.0
# The keystroke-level model of Card, Moran and Newell: to think, to point and to press; to reach for the keys; to type one.
CLICK_S, REACH_S, KEY_S = 1.35 + 1.1 + 0.2, 0.4, 0.28


class Hand:
    """One hand that clicks and types, and how long a person's would take for it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.clicks = 0
        self.keys = 0
        self.fields = 0
        self._began = time.monotonic()

    def click(self, name: str, role: str = "button", within: Locator | None = None) -> None:
        """Press what is called so."""
        self.clicks += 1
        (within or self.page).get_by_role(role, name=name, exact=True).first.click()  # type: ignore[arg-type] # a role's name

    def type(self, text: str, field: str, within: Locator | None = None) -> None:
        """Fill in a field."""
        self.fields += 1
        self.keys += len(text)
        (within or self.page).get_by_role("textbox", name=field).first.fill(text)

    def agree(self, reason: str, button: str) -> None:
        """Look at the difference, say why, and commit."""
        review = self.page.get_by_role("dialog").filter(has=self.page.get_by_label("Differences"))
        self.type(reason, "Reason", review)
        self.click(button, within=review)

    @property
    def waited_s(self) -> float:
        """What the product, the browser and the machine took so far."""
        return time.monotonic() - self._began

    @property
    def would_take_s(self) -> float:
        """What a person adds to that."""
        return self.clicks * CLICK_S + self.fields * REACH_S + self.keys * KEY_S


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Product]:
    """A product that nobody has used yet."""
    product = Product(tmp_path / "data")
    try:
        yield product.start()
    finally:
        product.close()


@pytest.fixture
def hand(fresh: Product, browser: Browser) -> Iterator[Hand]:
    context = browser.new_context(base_url=fresh.made.api_url, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    watch = Watch(page, fresh.made.api_url)
    page.goto("/")
    yield Hand(page)
    context.close()
    assert watch.complaints == []


def copied(page: Page) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def sign_in(hand: Hand, product: Product) -> None:
    hand.type(product.made.admin.email, "E-mail")
    hand.type(product.made.admin.password, "Password")
    hand.click("Sign in")


def make_the_project(hand: Hand) -> None:
    hand.click("Projects", "link")
    hand.click("New project")
    hand.type("First steps", "Name", hand.page.get_by_role("dialog"))
    hand.click("Create")
    hand.agree("To begin with", "Create")
    expect(hand.page.get_by_role("tab", name="Routing", selected=True)).to_be_visible()  # where the next step is


def choose_a_model_and_a_policy(hand: Hand) -> None:
    hand.click("Add Model")
    hand.clicks += 1
    hand.page.get_by_role("option").filter(has_text="sim-fast").click()
    hand.click("Add health")
    hand.click("Save…")
    hand.agree("One model, while it is well", "Commit")


def make_a_token(hand: Hand) -> str:
    hand.click("Tokens", "tab")
    hand.click("New Token")
    hand.type("laptop", "Name", hand.page.get_by_role("dialog"))
    hand.click("Create")
    hand.agree("To try it", "Create")
    hand.click("Copy", within=hand.page.get_by_role("dialog"))
    value = copied(hand.page)
    hand.click("I have copied it")
    return value


def copy_the_code(hand: Hand) -> str:
    hand.click("General", "tab")
    hand.click("Copy the code")
    return copied(hand.page)


def test_the_first_admin_sees_a_request_routed_in_under_two_minutes_of_clicks(hand: Hand, fresh: Product) -> None:
    sign_in(hand, fresh)
    make_the_project(hand)
    choose_a_model_and_a_policy(hand)
    token = make_a_token(hand)
    code = copy_the_code(hand)
    masked = hand.page.get_by_text("Token:").locator("code").inner_text()
    assert masked in code
    assert token not in code
    # The code as it was copied, with the token in the place of the masked one.
    ran = subprocess.run([sys.executable, "-c", code.replace(masked, token)], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip()
    hand.click("Logs", "tab")
    row = hand.page.get_by_role("row").filter(has_text="sim-fast")
    expect(row).to_contain_text("success", timeout=30_000)
    assert hand.waited_s < TWO_MINUTES_S
    assert hand.clicks <= MOST_CLICKS
    assert hand.would_take_s < TWO_MINUTES_S - WAITING_S, f"{hand.clicks} clicks, {hand.keys} keys"
    print(f"{hand.clicks} clicks, {hand.keys} keys: {hand.would_take_s:.0f} s of a person, {hand.waited_s:.1f} s besides")
