"""One product and one browser for all of these tests; each test gets a page of its own, signed in.

A page fails its test when a script failed, when the content security policy stopped something, or when it asked another host
for anything. Where Chromium, Playwright or the built dashboard is not there, the tests skip themselves.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.dashboard.people import Admin, Person, sign_in
from tests.dashboard.watching import Watch
from tests.e2e.console import Console
from tests.e2e.product import ROOT, Product

# Its build without windows takes two thirds of the time, and is the same browser otherwise.
CHROMIUM = shutil.which("chromium-headless-shell") or shutil.which("chromium")
PATIENCE_MS = 30_000  # with a busy machine
BUILT = ROOT / "api" / "static" / "index.html"

try:
    from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright

    from tests.dashboard.pages import PAGES
except ImportError:
    MISSING = "needs Playwright for Python, as `make test` installs it"
else:
    MISSING = (
        (not CHROMIUM and "needs Debian's chromium-headless-shell, or its chromium")
        or (not BUILT.exists() and "needs `make dashboard`")
        or ""
    )
    expect.set_options(timeout=PATIENCE_MS)

collect_ignore_glob = ["test_*.py"] if MISSING else []
WIDTH, HEIGHT = 1280, 800


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line where nothing of this can run."""
    if MISSING:
        terminalreporter.write_line(f"tests/dashboard skipped: {MISSING}")


@pytest.fixture(scope="package")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The running product with its two sample projects. Tests that change a project make one of their own."""
    product = Product(tmp_path_factory.mktemp("dashboard") / "data")
    try:
        yield product.start()
    finally:
        product.close()


@pytest.fixture(scope="package")
def console(product: Product) -> Console:
    """The API as scripts use it, with the admin's key."""
    return Console(product)


@pytest.fixture(scope="package")
def trace(product: Product, console: Console) -> str:
    """One of some requests that were served: a trace id."""
    asked = [product.ask(f"How far is the moon? {number}") for number in range(6)]
    assert all(each.status_code == 200 for each in asked)
    last: str = asked[-1].headers["x-waybill-trace-id"]
    console.row(last)
    return last


@pytest.fixture(scope="package")
def addresses(console: Console, trace: str) -> dict[str, str]:
    """Where each page is."""
    commit = console.ask("{ revision { commit } }")["revision"]["commit"]
    return {name: address.format(trace=trace, commit=commit) for name, address in PAGES.items()}


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        # Its sandbox refuses root, as which containers run; it sees only our own pages.
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="package")
def signed_in(product: Product, browser: Browser) -> Callable[[Person], StorageState]:
    """The cookies of a person who signed in through the form: once for all tests."""
    known: dict[str, StorageState] = {}

    def state(person: Person) -> StorageState:
        if person.email not in known:
            context = browser.new_context(base_url=product.made.api_url)
            sign_in(context.new_page(), person)
            known[person.email] = context.storage_state()
            context.close()
        return known[person.email]

    return state


@pytest.fixture
def open_as(product: Product, browser: Browser, signed_in: Callable[[Person], StorageState]) -> Iterator[Callable[..., Page]]:
    """Open a window for somebody; closed and looked through after the test."""
    watches: list[Watch] = []

    def open_window(person: Person, locale: str = "en-GB") -> Page:
        context = browser.new_context(
            base_url=product.made.api_url,
            storage_state=signed_in(person),
            viewport={"width": WIDTH, "height": HEIGHT},
            locale=locale,
            timezone_id="UTC",
            reduced_motion="reduce",
            color_scheme="light",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        watches.append(Watch(page, product.made.api_url))
        return page

    yield open_window
    for watch in watches:
        watch.page.context.close()
    for watch in watches:
        assert watch.complaints == []


@pytest.fixture
def page(product: Product, open_as: Callable[[Person], Page]) -> Page:
    """A window of the admin's."""
    return open_as(Admin.of(product))


@pytest.fixture
def other_page(product: Product, open_as: Callable[[Person], Page]) -> Page:
    """A second window of the admin's."""
    return open_as(Admin.of(product))


@pytest.fixture
def shots() -> Path:
    """Where the documentation's pictures are."""
    return ROOT / "docs" / "screenshots"
