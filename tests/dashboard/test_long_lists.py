"""Dashboard: lists go on beyond their first page, and stay live there."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit
from tests.dashboard.projects import change, make_project
from tests.repositories import Person as Grace
from tests.repositories import git

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

TOKENS, MODELS, PROJECTS = 120, 210, 110
REVOKE = "mutation($input: TokenRevokeInput!) { tokenRevoke(input: $input) { __typename } }"
MODEL = b"provider: simulated\nupstream_name: many\nprices: {input: 1, output: 2}\n"
ROUTING = b"models:\n  - id: sim-fast\n"


def token(number: int) -> bytes:
    digest = hashlib.sha256(f"many {number}".encode()).hexdigest()
    return f"name: many {number:03d}\nsha256: {digest}\nprefix: sk-lr-many\n".encode()


def project(number: int) -> bytes:
    return f"id: many-{number:03d}\nname: Many {number:03d}\n".encode()


@pytest.fixture(scope="module")
def many(product: Product, console: Console, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A project with many tokens, among many projects and models, pushed by Git; gone afterwards."""
    slug = make_project(console, "Long lists")
    grace = Grace(tmp_path_factory.mktemp("long") / "clone", Path(product.made.config_repository))
    pushed = {
        **{f"projects/{slug}/tokens/many-{number:03d}.yaml": token(number) for number in range(TOKENS)},
        **{f"models/many-{number:03d}.yaml": MODEL for number in range(MODELS)},
        **{f"projects/many-{number:03d}/project.yaml": project(number) for number in range(PROJECTS)},
        **{f"projects/many-{number:03d}/routing.yaml": ROUTING for number in range(PROJECTS)},
    }
    grace.commit(pushed, "Many of everything")
    git(grace.folder, "push", "--quiet")
    yield slug
    git(grace.folder, "pull", "--quiet", "--rebase")
    grace.commit({path: None for path in pushed if (grace.folder / path).exists()}, "Few again")
    git(grace.folder, "push", "--quiet")


def show_more(page: Page, shown: str) -> None:
    page.get_by_role("button", name="Show more").click()
    expect(page.get_by_text(shown, exact=True)).to_be_visible()


def test_tokens_beyond_the_first_page_are_shown_and_stay_live(page: Page, console: Console, many: str) -> None:
    page.goto(f"/projects/{many}/tokens")
    rows = page.get_by_role("row")
    expect(page.get_by_text("50 of 120 tokens", exact=True)).to_be_visible()
    expect(rows).to_have_count(1 + 50)
    show_more(page, "100 of 120 tokens")
    show_more(page, "120 tokens")
    expect(rows).to_have_count(1 + 120)
    expect(page.get_by_role("button", name="Show more")).to_have_count(0)
    # One of the last page and one of the first go, the first by somebody else.
    change(console, REVOKE, project=many, token="many-003")
    expect(page.get_by_text("119 tokens", exact=True)).to_be_visible()
    page.get_by_role("button", name="Revoke many 117").click()
    commit(page, "One less", button="Revoke")
    expect(page.get_by_text("118 tokens", exact=True)).to_be_visible()
    expect(rows.filter(has_text="many 117")).to_have_count(0)
    expect(rows.filter(has_text="many 119")).to_have_count(1)
    page.get_by_role("searchbox", name="Search tokens").fill("many 11")
    expect(page.get_by_text("9 tokens", exact=True)).to_be_visible()


def test_projects_beyond_the_first_page_are_shown_in_their_order(page: Page, console: Console, many: str) -> None:
    total = console.ask("{ projects { totalCount } }")["projects"]["totalCount"]
    assert total > PROJECTS
    page.goto("/projects?sort=NAME&direction=DESC")
    names = page.get_by_role("row").get_by_role("link")
    expect(names).to_have_count(100)
    show_more(page, f"{total} projects")
    shown = names.all_inner_texts()
    assert len(shown) == total
    assert [name for name in shown if name.startswith("Many")] == [f"Many {number:03d}" for number in reversed(range(PROJECTS))]


def test_models_beyond_the_first_page_are_shown(page: Page, console: Console, many: str) -> None:
    total = console.ask("{ models { totalCount } }")["models"]["totalCount"]
    page.goto("/models")
    expect(page.get_by_text(f"100 of {total} models", exact=True)).to_be_visible()
    show_more(page, f"200 of {total} models")
    show_more(page, f"{total} models")
    expect(page.get_by_role("switch", name="sim-smart enabled")).to_have_count(1)


def test_every_registered_model_can_be_added_to_a_project(page: Page, many: str) -> None:
    page.goto(f"/projects/{many}/routing")
    page.get_by_role("button", name="Add Model", exact=True).click()
    page.get_by_role("textbox", name="Search registered models").fill("many-209")
    page.get_by_role("option", name="many-209").click()
    expect(page.get_by_role("region", name="Models").get_by_role("listitem")).to_have_count(4)


def test_every_project_can_be_chosen_where_changes_are_looked_through(page: Page, many: str) -> None:
    page.goto("/changes")
    page.get_by_role("textbox", name="Project").fill("Many 109")
    page.get_by_role("option", name="Many 109").click()
    expect(page.get_by_role("link", name="Many of everything")).to_be_visible()
