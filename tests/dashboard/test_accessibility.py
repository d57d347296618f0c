"""axe-core finds no violation on any page, in both themes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.dashboard.pages import PAGES, visit
from tests.e2e.product import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.e2e.product import Product

AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Of these nothing is promised yet.
UNCHECKED = {"project-general", "trace", "change"}
pytestmark = pytest.mark.skipif(not AXE.exists(), reason="needs the dashboard's packages, as `make dashboard` brings them")


def dress(page: Page, theme: Literal["light", "dark"]) -> None:
    """Let the system prefer a theme, and wait until the page has it."""
    page.emulate_media(color_scheme=theme)
    page.locator(f"html[data-mantine-color-scheme={theme}]").wait_for()
    # Two frames: what moves in a theme's change has then arrived, as nothing moves for long with reduced motion.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))")


def violations(page: Page) -> list[str]:
    """What axe finds, each with the elements that it is about."""
    page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate("axe.run({ resultTypes: ['violations'] }).then((all) => all.violations)")
    return [f"{each['id']}: {each['help']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.mark.parametrize("name", [name for name in PAGES if name not in UNCHECKED])
def test_no_violation_in_either_theme(page: Page, addresses: dict[str, str], name: str) -> None:
    visit(page, addresses[name])
    for theme in THEMES:
        dress(page, theme)
        found = violations(page)
        assert not found, "\n".join([f"in the {theme} theme:", *found])


def test_no_violation_where_one_signs_in(browser: Browser, product: Product) -> None:
    page = browser.new_page(base_url=product.made.api_url, reduced_motion="reduce")
    page.goto("/")
    page.get_by_role("button", name="Sign in").wait_for()
    for theme in THEMES:
        dress(page, theme)
        found = violations(page)
        assert not found, "\n".join([f"in the {theme} theme:", *found])
    page.close()
