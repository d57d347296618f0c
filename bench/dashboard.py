"""The dashboard's first page, with 1,000 projects: from going there to a list that can be used, with an empty cache.

Each round is a fresh context of Debian's Chromium with a session's cookie. It shares the machine's cores with the product, as
where both run on one machine.
"""

from __future__ import annotations

import shutil
import sys
import time
from statistics import median
from typing import TYPE_CHECKING, Any

import msgspec

from bench.product import Product
from bench.report import Figure, Outcome, at_most
from bench.stand import Stand

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, StorageState

CHROMIUM = shutil.which("chromium")
USABLE_S = 1.5
_ROUNDS = 10
_TRIES = 2  # not counted: the product's own caches fill


def measure(stand: Stand) -> Outcome:
    """The median over the rounds. Without Chromium or Playwright nothing is measured, and one line says so."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return _left_out("Playwright for Python")
    if not CHROMIUM:
        return _left_out("Debian's chromium")
    with sync_playwright() as playwright:
        # Its sandbox refuses root, as which containers run; it sees only our own pages.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        session = _sign_in(browser, stand.large)
        rounds = [_first_page(browser, stand.large, session) for _ in range(_TRIES + _ROUNDS)][_TRIES:]
        browser.close()
    return Outcome(
        figures=[
            at_most("first page: until its list can be used, 1,000 projects", median(rounds), USABLE_S, "s"),
            Figure(name="first page: slowest", value=max(rounds), unit="s"),
        ],
        rounds={"first_page_s": rounds},
    )


def _left_out(what: str) -> Outcome:
    print(f"dashboard: not measured, it needs {what}", file=sys.stderr)
    return Outcome(figures=[], rounds={})


def _sign_in(browser: Browser, product: Product) -> StorageState:
    made: dict[str, Any] = msgspec.yaml.decode(product.layout.initial_credentials.read_bytes())
    page = browser.new_page(base_url=_origin(product))
    page.goto("/")
    page.get_by_label("E-mail").fill(made["admin"]["email"])
    page.get_by_role("textbox", name="Password").fill(made["admin"]["password"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("navigation", name="Main").wait_for()
    session = page.context.storage_state()
    page.context.close()
    return session


def _first_page(browser: Browser, product: Product, session: StorageState) -> float:
    """Seconds from the navigation to a list whose first project can be clicked."""
    context = browser.new_context(base_url=_origin(product), storage_state=session)
    page: Page = context.new_page()
    started = time.monotonic()
    page.goto("/projects", wait_until="commit")
    page.get_by_role("table").get_by_role("link").first.click(trial=True)
    took = time.monotonic() - started
    context.close()
    return took


def _origin(product: Product) -> str:
    return f"http://127.0.0.1:{product.ports['api']}"
