"""The pictures of `docs/dashboard.md`: every page, of a product that was used a little. `make screenshots` takes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.axe import dress
from tests.dashboard.pages import PAGES, visit
from tests.dashboard.people import hire
from tests.dashboard.pictures import small
from tests.dashboard.projects import CREATE, JOIN, ROUTE, UPDATE, change, make_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

DARK = ("overview", "trace")
SECRET = re.compile(r"sk-" + r"lr-[A-Za-z0-9_-]{12}|wb-[A-Za-z0-9_-]{12}")
QUESTIONS = ("Where is my order?", "Write a sonnet about routers", "Translate “waybill” into Polish", "What is 17 times 23?")
PROJECTS = {"Search": ("sim-fast", "sim-cheap"), "Translations": ("sim-smart", "sim-fast")}


@pytest.fixture(scope="package")
def commit(product: Product, console: Console) -> str:
    """A life of some minutes: projects, people, tokens, limits, and requests; the change that a page shows."""
    for name, models in PROJECTS.items():
        slug = change(console, CREATE, name=name, description=f"The {name.lower()} of the shop")["project"]["slug"]
        change(console, ROUTE, project=slug, models=[{"id": model} for model in models], policies=[{"kind": "cheapest"}])
        change(console, UPDATE, slug=slug, limits={"rules": [{"metric": "CALLS", "window": "DAILY", "value": "20"}]})
        token = make_token(console, slug)
        for number in range(len(name) * 2):  # more than one of them may
            product.ask(f"{QUESTIONS[number % 4]} ({number})", token)
    for name, role in (("ada", "operator"), ("grace", "viewer"), ("linus", "viewer")):
        hire(console, f"{name}@example.com", role)
    for name, role in (("grace", "editor"), ("linus", "token-keeper")):
        change(console, JOIN, project="demo", user=f"{name}@example.com", role=role, reason=f"{name} joins")
    asked = [product.ask(QUESTIONS[number % 4], model=("auto", "sim-smart")[number % 2]) for number in range(24)]
    budget = {"metric": "COST", "window": "MONTHLY", "value": "80"}
    limits = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "64"}, budget]}
    change(console, UPDATE, slug="demo", limits=limits, reason="What a first project may cost")
    head: str = console.ask("{ revision { commit } }")["revision"]["commit"]
    asked += [product.ask(question) for question in QUESTIONS * 6]
    console.row(asked[-1].headers["x-waybill-trace-id"])
    return head


@pytest.fixture(scope="package")
def easel(browser: Browser) -> Iterator[Page]:
    """Where pictures are made small."""
    page = browser.new_page()
    yield page
    page.close()


@pytest.fixture
def picture(page: Page, easel: Page, shots: Path) -> Callable[[str], None]:
    """Keep what is seen now, if nothing of it is secret."""

    def taken(name: str) -> None:
        fields = page.locator("input:not([type=password]), textarea").evaluate_all("(all) => all.map(({ value }) => value)")
        assert not SECRET.search(" ".join([page.inner_text("body"), *fields]))
        shots.mkdir(exist_ok=True)
        (shots / f"{name}.png").write_bytes(small(easel, page.screenshot(animations="disabled", caret="hide")))

    return taken


@pytest.mark.parametrize("name", [name for name in PAGES if name != "playground"])
def test_a_page(page: Page, picture: Callable[[str], None], addresses: dict[str, str], commit: str, name: str) -> None:
    visit(page, f"/changes/{commit}" if name == "change" else addresses[name])
    picture(name)
    if name in DARK:
        dress(page, "dark")
        picture(f"{name}-dark")


def test_the_playground(page: Page, picture: Callable[[str], None], product: Product, commit: str) -> None:
    assert commit
    visit(page, "/playground")
    page.get_by_label("Project token").fill(product.token)
    page.get_by_label("Message").fill("Tell me a story")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Scores")).to_be_visible()
    picture("playground")


def test_a_change_before_it_is_committed(page: Page, picture: Callable[[str], None], commit: str) -> None:
    assert commit
    visit(page, "/projects/demo/general")
    page.get_by_role("textbox", name="Monthly budget").fill("120")
    page.get_by_role("button", name="Save…").click()
    page.get_by_role("dialog").get_by_label("Reason").fill("The pilot has become a service")
    picture("change-dialog")


def test_where_one_signs_in(browser: Browser, product: Product, easel: Page, shots: Path) -> None:
    page = browser.new_page(base_url=product.made.api_url, viewport={"width": 1280, "height": 800})
    page.goto("/")
    page.get_by_role("button", name="Sign in").wait_for()
    (shots / "sign-in.png").write_bytes(small(easel, page.screenshot(caret="hide")))
    page.close()
