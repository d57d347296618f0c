"""Dashboard: Projects. The list, sentence by sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.dashboard.projects import make_project

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console

TODAY = 'query { project(slug: "demo") { tokenCount today { calls cost } } }'
TABS = ["General", "Routing", "Tokens", "Users", "Logs"]


def test_the_list_shows_each_projects_name_slug_number_of_tokens_models_and_todays_cost_and_calls(
    page: Page, console: Console, trace: str
) -> None:
    page.goto("/projects")
    heads = page.get_by_role("columnheader")
    for head in ("Name", "Slug", "Tokens", "Models", "Cost today", "Calls today"):
        expect(heads.filter(has_text=head)).to_have_count(1)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Demo", exact=True))
    demo = console.ask(TODAY)["project"]
    assert demo["today"]["calls"] > 0
    cells = row.get_by_role("cell")
    expect(cells.nth(0)).to_have_text("Demo")
    expect(cells.nth(1)).to_have_text("demo")
    expect(cells.nth(2)).to_have_text(str(demo["tokenCount"]))
    expect(cells.nth(3)).to_contain_text("sim-fast")
    expect(cells.nth(5)).to_have_text(re.compile(r"\$\s?0\.\d+"))
    expect(cells.nth(6)).to_have_text(f"{demo['today']['calls']:,}")


def test_click_any_project_to_open_its_detail_view_which_has_five_tabs(page: Page) -> None:
    page.goto("/projects")
    page.get_by_role("row").filter(has_text="support-bot").get_by_role("cell").nth(2).click()
    expect(page).to_have_url(re.compile(r"/projects/support-bot$"))
    expect(page.get_by_role("heading", name="Support bot")).to_be_visible()
    expect(page.get_by_role("tab", name=re.compile(f"^({'|'.join(TABS)})$"))).to_have_text(TABS)
    for tab in TABS:
        page.get_by_role("tab", name=tab, exact=True).click()
        expect(page).to_have_url(re.compile(f"/projects/support-bot/{tab.lower()}$"))
        expect(page.get_by_role("tab", name=tab, exact=True)).to_have_attribute("aria-selected", "true")


def test_a_search_finds_projects_and_a_click_on_a_head_sorts_them(page: Page, console: Console) -> None:
    make_project(console, "Aardvark search")
    page.goto("/projects")
    first = page.get_by_role("row").nth(1)
    expect(first).to_contain_text("Aardvark")
    page.get_by_role("button", name="Name", exact=True).click()
    expect(first).not_to_contain_text("Aardvark")
    page.keyboard.press("/")
    page.keyboard.type("aardv")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(first).to_contain_text("Aardvark search")
