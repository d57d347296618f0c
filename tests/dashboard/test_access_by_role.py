"""What each role finds in the dashboard: its pages, and on them what it may do and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.pages import visit
from tests.dashboard.people import Admin, Person, hire
from tests.dashboard.projects import JOIN, UPDATE, change, make_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.console import Console
    from tests.e2e.product import Product

    OpenAs = Callable[[Person], Page]

ROLE_CREATE = "mutation($input: RoleCreateInput!) { roleCreate(input: $input) { __typename } }"
ALL = {"admin", "operator", "viewer", "project-viewer", "project-editor", "project-admin", "project-keeper"}
MOST = {"admin", "operator"}
# Who is kept to one project has no role but the built-in viewer's outside of it.
IN_PROJECT = {
    "project-viewer": "viewer",
    "project-editor": "editor",
    "project-admin": "admin",
    "project-keeper": "token-keeper",
}
PAGES_OF_ALL = {
    "Overview",
    "Projects",
    "Usage",
    "Models",
    "Providers",
    "Changes",
    "Playground",
    "Status",
    "Settings",
    "Profile",
}
PAGES_OF = dict.fromkeys(ALL, PAGES_OF_ALL) | {role: {*PAGES_OF_ALL, "Users and roles"} for role in MOST}
# By address: buttons, and who finds them enabled. Nobody else has them, or has them greyed out.
OFFERED: dict[str, dict[str, set[str]]] = {
    "/projects": {"New project": MOST},
    "/projects/{slug}/general": {
        "Save…": {*MOST, "project-editor", "project-admin"},
        "Delete this project…": {*MOST, "project-admin"},
    },
    "/projects/{slug}/routing": {
        "Add Model": {*MOST, "project-editor", "project-admin"},
        "Remove sim-cheap": {*MOST, "project-editor", "project-admin"},
        "Move sim-cheap": {*MOST, "project-editor", "project-admin"},
        "Decide": ALL,
    },
    "/projects/{slug}/tokens": {"New Token": {*MOST, "project-admin", "project-keeper"}},
    "/projects/{slug}/users": {"Add…": {*MOST, "project-admin"}},
    "/models": {"Add a model": MOST},
    "/models/sim-fast": {"Clone": MOST},
    "/providers": {"Add a provider": MOST},
    "/providers/openai": {"Clone": MOST, "Delete": MOST},
    "/settings": {"Save…": {"admin"}},
    "/changes/{commit}": {"Revert": {*MOST, "project-editor", "project-admin"}},
}
REFUSED = "this needs the permission"
# Greyed out until something is edited: that they are there is what counts.
WAITS_FOR_AN_EDIT = {"Save…", "Add…"}


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    return make_project(console, "By role")


@pytest.fixture(scope="module")
def commit(console: Console, slug: str) -> str:
    """A change of the project's own file."""
    change(console, UPDATE, slug=slug, description="For all roles to see")
    found: str = console.ask("{ revision { commit } }")["revision"]["commit"]
    return found


@pytest.fixture(scope="module")
def person(product: Product, console: Console, slug: str) -> Callable[[str], Person]:
    """Somebody with a role: everywhere, or in the project alone."""
    known: dict[str, Person] = {"admin": Admin.of(product)}

    def found(role: str) -> Person:
        if role not in known:
            known[role] = hire(console, f"{role}@roles.example", "viewer" if role in IN_PROJECT else role)
            if role in IN_PROJECT:
                change(console, JOIN, project=slug, user=known[role].email, role=IN_PROJECT[role])
        return known[role]

    return found


def places(page: Page) -> set[str]:
    return set(page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts())


def offers(page: Page, button: str) -> bool:
    """Whether it is there, and can be pressed if it need not wait for an edit."""
    found = page.get_by_role("button", name=button, exact=True).first
    return found.count() > 0 and (button in WAITS_FOR_AN_EDIT or found.is_enabled())


@pytest.mark.parametrize("role", sorted(ALL))
def test_a_role_finds_its_pages_and_on_them_what_it_may_do(
    open_as: OpenAs, person: Callable[[str], Person], slug: str, commit: str, role: str
) -> None:
    page = open_as(person(role))
    for address, buttons in OFFERED.items():
        visit(page, address.format(slug=slug, commit=commit))
        expect(page.get_by_text(REFUSED)).to_have_count(0)  # nothing is asked for that is refused
        assert {name for name in buttons if offers(page, name)} == {name for name, who in buttons.items() if role in who}, (
            address
        )
    assert places(page) == PAGES_OF[role]


@pytest.mark.parametrize("role", ["viewer", "project-keeper"])
def test_who_may_not_change_a_field_cannot_edit_it(
    open_as: OpenAs, person: Callable[[str], Person], slug: str, role: str
) -> None:
    page = open_as(person(role))
    visit(page, f"/projects/{slug}/general")
    for field in ("Name", "Description", "Default timeout", "Daily budget", "Monthly budget"):
        expect(page.get_by_role("textbox", name=field, exact=True)).not_to_be_editable()
    expect(page.get_by_role("note")).to_contain_text("changing it takes the permission project:write")
    visit(page, f"/projects/{slug}/routing")
    expect(page.get_by_role("switch", name="health takes part")).to_be_disabled()
    visit(page, "/settings")
    expect(page.get_by_text("changing them takes the permission settings:write")).to_be_visible()
    expect(page.get_by_role("textbox", name="Idle", exact=True)).not_to_be_editable()


def test_an_editor_changes_the_name_and_not_the_budget(open_as: OpenAs, person: Callable[[str], Person], slug: str) -> None:
    page = open_as(person("project-editor"))
    visit(page, f"/projects/{slug}/general")
    expect(page.get_by_role("textbox", name="Name", exact=True)).to_be_editable()
    expect(page.get_by_role("textbox", name="Daily budget")).not_to_be_editable()
    expect(page.get_by_role("note")).to_contain_text("changing them takes the permission limit:write")


def test_a_token_keeper_makes_tokens_and_limits_none(open_as: OpenAs, person: Callable[[str], Person], slug: str) -> None:
    page = open_as(person("project-keeper"))
    visit(page, f"/projects/{slug}/tokens")
    page.get_by_role("button", name="New Token", exact=True).first.click()
    form = page.get_by_role("dialog")
    expect(form.get_by_role("textbox", name="Name")).to_be_editable()
    expect(form.get_by_role("button", name="Add a limit")).to_have_count(0)


@pytest.mark.parametrize("role", sorted(IN_PROJECT))
def test_a_member_of_one_project_sees_no_other(
    open_as: OpenAs, person: Callable[[str], Person], slug: str, addresses: dict[str, str], role: str
) -> None:
    page = open_as(person(role))
    visit(page, "/projects")
    expect(page.get_by_role("table").get_by_role("link")).to_have_text(["By role"])
    visit(page, "/projects/demo/general")
    expect(page.get_by_role("heading", name="There is no such project")).to_be_visible()
    visit(page, addresses["trace"])  # a request of another project
    expect(page.get_by_text("There is no such request")).to_be_visible()
    assert "demo" not in page.get_by_role("main").inner_text()


def test_the_trace_of_a_request_is_whole_for_who_may_not_read_what_was_said(
    open_as: OpenAs, person: Callable[[str], Person], addresses: dict[str, str]
) -> None:
    page = open_as(person("viewer"))
    visit(page, addresses["trace"])
    expect(page.get_by_role("region", name="Decision")).to_be_visible()
    expect(page.get_by_text(REFUSED)).to_have_count(0)


def test_an_address_that_one_may_not_see_says_so(open_as: OpenAs, person: Callable[[str], Person]) -> None:
    page = open_as(person("viewer"))
    visit(page, "/people")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()
    expect(page.get_by_text("or you may not be allowed to see it")).to_be_visible()


def test_a_custom_role_begins_at_a_page_that_it_may_see(open_as: OpenAs, console: Console) -> None:
    change(console, ROLE_CREATE, name="registrar", permissions=["user:read"])
    page = open_as(hire(console, "registrar@roles.example", "registrar"))
    visit(page, "/")
    assert places(page) == {"Changes", "Users and roles", "Playground", "Profile"}
    expect(page.get_by_role("heading", level=1)).to_have_text("Changes")
    visit(page, "/people/users")
    expect(page.get_by_role("cell", name="registrar@roles.example")).to_be_visible()
    expect(page.get_by_role("button", name="New user")).to_have_count(0)
    visit(page, "/usage")
    expect(page.get_by_role("alert")).to_contain_text(f"{REFUSED} report:read")


def test_who_sees_projects_and_not_what_they_did_is_refused_nothing(open_as: OpenAs, console: Console) -> None:
    change(console, ROLE_CREATE, name="planner", permissions=["project:read"])
    page = open_as(hire(console, "planner@roles.example", "planner"))
    visit(page, "/projects")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Demo", exact=True))
    expect(row).to_contain_text("You may not read its reports")
    for tab in ("general", "routing", "tokens", "users"):
        visit(page, f"/projects/demo/{tab}")
        expect(page.get_by_role("tablist").first.get_by_role("tab")).to_have_text(["General", "Routing", "Tokens", "Users"])
        expect(page.get_by_text(REFUSED)).to_have_count(0)
        expect(page.get_by_role("alert")).to_have_count(0)
    visit(page, "/projects/demo/logs")
    expect(page.get_by_role("heading", name="There is no such page")).to_be_visible()


def test_what_is_lost_while_one_edits_is_answered_in_words(open_as: OpenAs, console: Console, slug: str) -> None:
    late = hire(console, "late@roles.example", "viewer")
    change(console, JOIN, project=slug, user=late.email, role="editor")
    page = open_as(late)
    visit(page, f"/projects/{slug}/general")
    page.get_by_role("textbox", name="Name", exact=True).fill("Renamed too late")
    page.get_by_role("button", name="Save…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Reason").fill("Before they take it away")
    change(console, JOIN, project=slug, user=late.email, role="viewer")
    dialog.get_by_role("button", name="Commit", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text(f"{REFUSED} project:write")
