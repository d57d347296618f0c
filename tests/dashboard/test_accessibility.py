"""axe-core finds no violation on any page, in both themes; and no page is forgotten here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.axe import AXE, passes
from tests.dashboard.pages import PAGES, visit
from tests.e2e.product import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.e2e.product import Product

ROUTES = ROOT / "dashboard" / "src" / "app" / "routes.tsx"
# Another address of the same page, for its other texts.
DOCS = ("configuration", "dialects", "explain")
needs_axe = pytest.mark.skipif(not AXE.exists(), reason="needs the dashboard's packages, as `make dashboard` brings them")


@needs_axe
@pytest.mark.parametrize("name", PAGES)
def test_no_violation_in_either_theme(page: Page, addresses: dict[str, str], name: str) -> None:
    visit(page, addresses[name])
    passes(page)


@needs_axe
@pytest.mark.parametrize("name", DOCS)
def test_no_violation_in_a_text_of_the_documentation(page: Page, name: str) -> None:
    visit(page, f"/docs/{name}")
    passes(page, "light")


@needs_axe
def test_no_violation_where_there_is_no_page(page: Page) -> None:
    visit(page, "/no-such-page")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    passes(page)


@needs_axe
def test_no_violation_where_one_signs_in(browser: Browser, product: Product) -> None:
    page = browser.new_page(base_url=product.made.api_url, reduced_motion="reduce")
    page.goto("/")
    page.get_by_role("button", name="Sign in").wait_for()
    passes(page)
    page.close()


@needs_axe
def test_no_violation_on_a_narrow_screen(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    visit(page, "/projects")
    page.get_by_role("button", name="Navigation").click()
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Projects")).to_be_visible()
    passes(page)


def test_every_route_is_a_page_that_is_looked_at(addresses: dict[str, str]) -> None:
    routes = re.findall(r"page\('([^']+)'", ROUTES.read_text())
    assert len(routes) > 15
    for route in routes:
        assert any(leads_to(route, address) for address in addresses.values()), f"{route}: add it to PAGES"


def leads_to(route: str, address: str) -> bool:
    """Whether a route such as `/projects/:slug/:tab?` or `/models/*` has this address."""
    optional = re.sub(r"/:\w+\?", "(/[^/]+)?", route)
    return re.fullmatch(re.sub(r":\w+", "[^/]+", optional).replace("/*", "/.+"), address) is not None


@pytest.mark.parametrize("tabbed", ["/projects/demo", "/people"])
def test_every_tab_is_a_page_that_is_looked_at(page: Page, addresses: dict[str, str], tabbed: str) -> None:
    visit(page, tabbed)
    tabs = page.get_by_role("tablist").first.get_by_role("tab")
    for label in tabs.all_inner_texts():
        page.get_by_role("tab", name=label, exact=True).click()
        expect(page.get_by_role("tab", name=label, exact=True, selected=True)).to_be_visible()
        path = page.evaluate("location.pathname")
        assert path in addresses.values(), f"{path}: add it to PAGES"
