"""Dashboard: Projects, Users Tab, sentence by sentence; and what each role sees of the dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit
from tests.dashboard.people import Person, hire
from tests.dashboard.projects import JOIN, change, make_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

    from tests.e2e.console import Console

# What changes a project: none of it is there for somebody who may only look.
EDITS = {"general": "Delete this project…", "routing": "Add Model", "tokens": "New Token", "users": "Add…"}


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    return make_project(console, "Users")


def member(console: Console, slug: str, role: str) -> Person:
    """Somebody whom this role in the project keeps from all others."""
    person = hire(console, f"{role}@{slug}.example", "viewer")
    change(console, JOIN, project=slug, user=person.email, role=role)
    return person


def test_assign_dashboard_users_to_this_project(page: Page, console: Console, slug: str) -> None:
    hire(console, "colleague@example.com", "viewer")
    page.goto(f"/projects/{slug}/users")
    page.get_by_role("textbox", name="User").fill("colleague@example.com")
    page.get_by_role("textbox", name="Role", exact=True).click()
    offered = page.get_by_role("option")
    expect(offered.first).to_be_visible()
    # Available roles: viewer, editor, admin (or any custom role defined in Users & Roles).
    assert {"viewer", "editor", "admin", "token-keeper"} <= set(offered.all_inner_texts())
    page.get_by_role("option", name="editor", exact=True).click()
    page.get_by_role("button", name="Add…").click()
    commit(page, "Joins the team")
    row = page.get_by_role("row").filter(has_text="colleague@example.com")
    expect(row.get_by_role("textbox")).to_have_value("editor")


def test_a_viewer_assigned_here_sees_the_project_and_no_way_to_change_it(
    open_as: Callable[[Person], Page], console: Console, slug: str
) -> None:
    page = open_as(member(console, slug, "viewer"))
    page.goto("/projects")
    expect(page.get_by_role("row")).to_have_count(2)  # the head and this project alone
    expect(page.get_by_role("button", name="New project")).to_have_count(0)
    for tab, button in EDITS.items():
        page.goto(f"/projects/{slug}/{tab}")
        expect(page.get_by_role("tab", name=tab.capitalize(), selected=True)).to_be_visible()
        page.wait_for_load_state("networkidle")
        expect(page.get_by_role("button", name=button, exact=True)).to_have_count(0)
    page.goto("/projects/demo")
    expect(page.get_by_role("heading", name="There is no such project")).to_be_visible()


def test_an_editor_assigned_here_may_change_the_routing(open_as: Callable[[Person], Page], console: Console, slug: str) -> None:
    page = open_as(member(console, slug, "editor"))
    page.goto(f"/projects/{slug}/routing")
    page.get_by_role("button", name="Remove sim-cheap").click()
    page.get_by_role("button", name="Save…").click()
    commit(page, "Two are enough")
    page.goto("/people")
    expect(page.get_by_role("navigation", name="Main").get_by_role("link", name="Users and roles")).to_have_count(0)


def test_the_admin_sees_all_projects_and_each_way_to_change_them(page: Page, slug: str) -> None:
    for tab, button in EDITS.items():
        page.goto(f"/projects/{slug}/{tab}")
        expect(page.get_by_role("button", name=button, exact=True).first).to_be_visible()
