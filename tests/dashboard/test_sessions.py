"""Dashboard: signing in, and what becomes of open pages when a session ends or another tab signs somebody else in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit, visit
from tests.dashboard.people import Admin, Person, hire, sign_in
from tests.dashboard.projects import make_project
from tests.dashboard.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Locator, Page, Route

    from tests.e2e.console import Console
    from tests.e2e.product import Product

LOGIN = "mutation($input: LoginInput!) { login(input: $input) { __typename } }"
END = 'mutation { sessionsEnd(input: {keepCurrent: true, reason: "Lost"}) { __typename } }'
AUTHOR = "query($project: String) { history(project: $project, first: 1) { nodes { author { email } } } }"


@pytest.fixture(scope="module")
def operator(console: Console) -> Person:
    return hire(console, "op@example.org", "operator")


@pytest.fixture(scope="module")
def slug(console: Console) -> str:
    return make_project(console, "Shared desk")


@pytest.fixture
def desk(product: Product, browser: Browser) -> Iterator[BrowserContext]:
    """A browser whose tabs share a session that no other test has."""
    context = browser.new_context(base_url=product.made.api_url, locale="en-GB", reduced_motion="reduce")
    context.set_default_timeout(30_000)
    watches: list[Watch] = []
    context.on("page", lambda page: watches.append(Watch(page, product.made.api_url)))
    yield context
    context.close()
    assert [complaint for watch in watches for complaint in watch.complaints] == []


@pytest.fixture
def tab(desk: BrowserContext, operator: Person) -> Page:
    """The operator's."""
    page = desk.new_page()
    sign_in(page, operator)
    return page


@pytest.fixture
def edited(tab: Page, slug: str) -> Page:
    """With an edit that is not saved."""
    tab.goto(f"/projects/{slug}/general")
    description(tab).fill("Half a thought")
    return tab


def description(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Description")


def over_the_page(page: Page) -> Locator:
    return page.get_by_role("dialog").filter(has=page.get_by_role("textbox", name="Password"))


def sign_in_over(page: Page, person: Person) -> None:
    over_the_page(page).get_by_role("textbox", name="E-mail").fill(person.email)
    over_the_page(page).get_by_role("textbox", name="Password").fill(person.password)
    over_the_page(page).get_by_role("button", name="Sign in", exact=True).click()


def test_after_a_session_ended_the_same_person_goes_on_with_their_edits(
    edited: Page, operator: Person, console: Console, slug: str
) -> None:
    description(edited).fill("A whole thought")
    edited.context.clear_cookies()
    edited.get_by_role("button", name="Save…").click()
    expect(over_the_page(edited).get_by_role("textbox", name="E-mail")).to_have_value(operator.email)
    expect(over_the_page(edited).get_by_role("textbox", name="Password")).to_be_focused()
    edited.keyboard.press("Escape")
    sign_in_over(edited, operator)
    # What was asked for meanwhile waited.
    commit(edited, "A whole one")
    expect(over_the_page(edited)).to_have_count(0)
    expect(description(edited)).to_have_value("A whole thought")
    assert console.ask(AUTHOR, project=slug)["history"]["nodes"][0]["author"]["email"] == operator.email


def test_somebody_else_who_signs_in_over_a_page_gets_one_of_their_own(edited: Page, product: Product) -> None:
    edited.context.clear_cookies()
    edited.get_by_role("button", name="Save…").click()
    admin = Admin.of(product)
    sign_in_over(edited, admin)
    expect(edited.get_by_text("admin", exact=True)).to_be_visible()
    expect(edited.get_by_role("dialog")).to_have_count(0)
    expect(description(edited)).not_to_have_value("Half a thought")


def test_another_tab_that_signs_out_and_in_as_somebody_else_is_noticed_at_once(
    edited: Page, operator: Person, product: Product, console: Console, slug: str
) -> None:
    admin = Admin.of(product)
    other = edited.context.new_page()
    other.goto("/status")
    other.get_by_role("button", name="Sign out").click()
    expect(over_the_page(edited)).to_contain_text("Sign in to go on")
    expect(other.get_by_role("navigation", name="Main")).to_have_count(0)
    sign_in(other, admin)
    expect(over_the_page(edited)).to_contain_text(f"Now signed in as {admin.email}")
    # The operator comes back here: what waited goes out in their name, and the page of the admin has to wait.
    edited.evaluate("[...document.querySelectorAll('main button')].find(each => each.textContent === 'Save…').click()")
    sign_in_over(edited, operator)
    commit(edited, "My own")
    expect(description(edited)).to_have_value("Half a thought")
    assert console.ask(AUTHOR, project=slug)["history"]["nodes"][0]["author"]["email"] == operator.email
    expect(over_the_page(other)).to_contain_text(f"Now signed in as {operator.email}")
    other.get_by_role("button", name=f"Go on as {operator.email}").click()
    expect(other.get_by_text("operator", exact=True)).to_be_visible()


def test_what_is_saved_is_never_saved_in_the_name_of_who_came_unnoticed(
    edited: Page, operator: Person, product: Product, console: Console, slug: str
) -> None:
    description(edited).fill("A second thought")
    admin = {"email": product.made.admin.email, "password": product.made.admin.password}
    edited.context.clear_cookies()
    edited.context.request.post("/graphql", data={"query": LOGIN, "variables": {"input": admin}})
    edited.get_by_role("button", name="Save…").click()
    sign_in_over(edited, operator)
    commit(edited, "Still mine")
    assert console.ask(AUTHOR, project=slug)["history"]["nodes"][0]["author"]["email"] == operator.email


def test_a_session_that_ends_elsewhere_reaches_a_log_that_is_only_looked_at(
    tab: Page, operator: Person, product: Product, slug: str
) -> None:
    tab.goto(f"/projects/{slug}/logs")
    expect(tab.get_by_text("live", exact=True)).to_be_visible()
    with httpx.Client(base_url=product.made.api_url, headers={"x-waybill-client": "a test"}) as client:
        given = {"email": operator.email, "password": operator.password}
        client.post("/graphql", json={"query": LOGIN, "variables": {"input": given}}).raise_for_status()
        ended = client.post("/graphql", json={"query": END}).json()
        assert ended["data"]["sessionsEnd"]["__typename"] == "SessionsEnded"
    expect(over_the_page(tab)).to_be_visible(timeout=30_000)
    sign_in_over(tab, operator)
    expect(tab.get_by_text("live", exact=True)).to_be_visible()


def test_a_sign_in_can_be_corrected_while_the_first_is_still_checked(desk: BrowserContext, operator: Person) -> None:
    page = desk.new_page()
    page.goto("/")
    held: list[Route] = []
    page.route("**/graphql", lambda route: held.append(route), times=1)
    page.get_by_label("E-mail").fill(operator.email)
    password = page.get_by_role("textbox", name="Password")
    with page.expect_request("**/graphql"):
        password.press_sequentially("wrong")
        password.press("Enter")
    password.fill("wrong as well")
    password.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("No user has this e-mail and this password")
    password.fill(operator.password)
    password.press("Enter")
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    held[0].abort()


def test_a_server_that_is_not_there_yet_is_asked_again(page: Page) -> None:
    page.route("**/graphql", lambda route: route.fulfill(status=502, body="Bad gateway"))
    page.goto("/models")
    expect(page.get_by_role("alert")).to_contain_text("Waybill did not answer")
    page.unroute_all()
    expect(page.get_by_role("heading", name="Models", level=1)).to_be_visible()


def test_a_page_whose_script_did_not_arrive_says_so_and_comes_when_asked_again(page: Page) -> None:
    page.goto("/")
    page.route("**/assets/UsagePage*", lambda route: route.abort())
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("This page did not load")
    page.unroute_all()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()


def test_a_page_that_waybill_was_away_for_comes_by_itself(page: Page) -> None:
    visit(page, "/")
    page.route("**/*", lambda route: route.abort())
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Waybill does not answer")).to_be_visible()
    page.unroute_all()
    expect(page.get_by_role("heading", name="Usage", level=1)).to_be_visible()


def test_a_page_of_a_former_version_says_that_waybill_was_updated(page: Page) -> None:
    page.goto("/")
    page.route("**/assets/UsagePage*", lambda route: route.abort())
    page.evaluate("document.querySelector('script[type=module]').setAttribute('src', '/assets/index-former.js')")
    page.get_by_role("link", name="Usage", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Waybill was updated")
