"""Dashboard: Projects. The list, sentence by sentence: an overview of all projects, and the way into each."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.dashboard.pages import commit
from tests.dashboard.projects import UPDATE, change, make_project, make_token

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

TODAY = 'query { project(slug: "demo") { tokenCount today { calls cost } } }'
NO_COST = re.compile(r"US\$0\.00(?!\d\d)")
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
    expect(cells.nth(7).get_by_role("img", name=re.compile("Calls a day"))).to_be_visible()


def test_the_list_shows_assigned_models_and_policies_in_their_order(page: Page, console: Console) -> None:
    slug = make_project(console, "Listed", ("sim-smart", "sim-fast"))
    page.goto("/projects?search=listed")
    cells = row(page, slug).get_by_role("cell")
    expect(cells.nth(3)).to_have_text("sim-smartsim-fast")
    expect(cells.nth(4)).to_have_text("healthcheapest")


def test_the_list_is_a_summary_of_todays_cost_and_call_count_of_each_project(
    page: Page, console: Console, product: Product
) -> None:
    slug = make_project(console, "Summed")
    token = make_token(console, slug)
    page.goto("/projects?search=summed")
    cells = row(page, slug).get_by_role("cell")
    expect(cells.nth(6)).to_have_text("0")
    answers = [product.ask(token=token) for _ in range(3)]
    rows = [console.row(answer.headers["x-waybill-trace-id"]) for answer in answers]
    page.reload()
    expect(cells.nth(2)).to_have_text("1")
    expect(cells.nth(6)).to_have_text("3")
    shown = float(cells.nth(5).inner_text().removeprefix("US$"))
    assert abs(shown - sum(float(each["cost"]) for each in rows)) < 0.000_001


def row(page: Page, slug: str) -> Locator:
    """The project's row."""
    return page.get_by_role("row").filter(has=page.get_by_role("cell", name=slug, exact=True))


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


def test_what_nobody_is_called_is_said_to_match_nothing(page: Page) -> None:
    page.goto("/projects")
    page.get_by_role("searchbox", name="Search projects").fill("nobody is called so")
    expect(page.get_by_text("No project matches")).to_be_visible()


def test_a_click_on_a_head_of_figures_puts_the_largest_first(page: Page, console: Console, trace: str) -> None:
    make_project(console, "Idle")
    page.goto("/projects")
    first = page.get_by_role("row").nth(1)
    for head in ("Cost today", "Calls today"):
        page.get_by_role("button", name=head, exact=True).click()
        expect(page.get_by_role("columnheader", name=head)).to_have_attribute("aria-sort", "descending")
        expect(first).not_to_contain_text(NO_COST)
    page.get_by_role("button", name="Calls today", exact=True).click()
    expect(first).to_contain_text(NO_COST)


def new_project(page: Page, **fields: str) -> Locator:
    """Fill the form of a new project and send it; the form."""
    page.goto("/projects")
    page.get_by_role("button", name="New project").click()
    form = page.get_by_role("dialog", name="New project")
    for label, text in fields.items():
        form.get_by_role("textbox", name=label).fill(text)
    form.get_by_role("button", name="Create", exact=True).click()
    return form


def test_a_new_project_is_made_from_a_name_and_its_slug_follows(page: Page) -> None:
    new_project(page, Name="Made By Hand", Description="For hands")
    commit(page, "A project for hands", button="Create")
    expect(page).to_have_url(re.compile("/projects/made-by-hand/routing$"))
    expect(page.get_by_role("heading", name="Made By Hand")).to_be_visible()


def test_where_the_slug_of_the_name_is_taken_the_next_one_is_made(page: Page, console: Console) -> None:
    make_project(console, "Twice made")
    new_project(page, Name="Twice, made!")
    commit(page, "A second", button="Create")
    expect(page).to_have_url(re.compile("/projects/twice-made-2/routing$"))


def test_what_is_wrong_with_a_new_project_is_said_next_to_its_field(page: Page, console: Console) -> None:
    slug = make_project(console, "Taken")
    change(console, UPDATE, slug=slug, name="Taken long ago")
    for fields, label, words in (
        ({"Name": "Free", "Slug": "Not A Slug"}, "Slug", "lower-case letters, digits and single hyphens"),
        ({"Name": "Free", "Slug": "taken"}, "Slug", "taken"),
        ({"Name": "TAKEN long ago"}, "Name", "must be unique"),
    ):
        field = new_project(page, **fields).get_by_role("textbox", name=label)
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(words))
