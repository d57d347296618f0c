"""The Tokens tab of one project, as a person works with it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.e2e.console import Console

LIMITS = """query($slug: String!, $name: String!) { project(slug: $slug) { tokens(search: $name) { nodes {
  name limits { mode rules { metric value window rolling { length unit } } } } } } }"""
VALUE = re.compile(r"^sk-lr-\S{40,}$")


class Tokens:
    """The tab, opened."""

    def __init__(self, page: Page, console: Console, slug: str) -> None:
        self.page, self.console, self.slug = page, console, slug
        page.goto(f"/projects/{slug}/tokens")

    @property
    def form(self) -> Locator:
        """The dialog in which a token is made or edited."""
        return self.page.get_by_role("dialog").filter(has=self.page.get_by_label("Expires"))

    @property
    def limits(self) -> Locator:
        return self.form.get_by_role("group", name="Limits of this token", exact=True)

    def row(self, name: str) -> Locator:
        """The token's row in the list."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_role("button", name=f"Edit {name}", exact=True))

    def fill(self, name: str) -> None:
        """Open the form of a new token and name it."""
        self.page.get_by_role("button", name="New Token", exact=True).first.click()
        self.form.get_by_role("textbox", name="Name").fill(name)

    def choose(self, label: str, option: str, within: Locator | None = None) -> None:
        """Pick an option of one of the limits' selects."""
        (within or self.limits).get_by_role("textbox", name=label, exact=True).click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def limit(self, number: int, metric: str, value: str, window: str) -> Locator:
        """Add a limit to the form; its fields."""
        self.limits.get_by_role("button", name="Add a limit").click()
        fields = self.limits.get_by_role("group", name=f"Limit {number}")
        self.choose("What is limited", metric, fields)
        fields.get_by_label("At most").fill(value)
        self.choose("In which window", window, fields)
        return fields

    def create(self, close: bool = True) -> str:
        """Send the form and agree; the value."""
        self.form.get_by_role("button", name="Create", exact=True).click()
        return self.agree("Create", close)

    def regenerate(self) -> str:
        """From the dialog about the former value on; the new value."""
        self.page.get_by_role("button", name="Re-generate…", exact=True).click()
        return self.agree("Re-generate")

    def agree(self, button: str, close: bool = True) -> str:
        """Give a reason for the difference that is shown, and take the value from the dialog that shows it once."""
        review = self.page.get_by_role("dialog").filter(has=self.page.get_by_label("Differences"))
        review.get_by_label("Reason").fill("For an application")
        review.get_by_role("button", name=button, exact=True).click()
        shown = self.page.get_by_test_id("shown-once")
        expect(shown).to_have_text(VALUE)
        value = shown.inner_text()
        if close:
            self.close()
        return value

    def close(self) -> None:
        """Close the dialog that shows the value."""
        self.page.get_by_role("button", name="I have copied it").click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def stored(self, name: str) -> dict[str, Any]:
        """The token's own limits, as the API has them."""
        found = self.console.ask(LIMITS, slug=self.slug, name=name)["project"]["tokens"]["nodes"]
        return next(token["limits"] for token in found if token["name"] == name)
