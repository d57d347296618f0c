"""Dashboard: Status says what is published, what each proxy runs, what was refused and why; live."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from api.repository.commits import Author
from api.repository.store import Edit, Repository
from core.layout import Layout
from tests.dashboard.projects import UPDATE, change, make_project, make_token

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

PATIENCE_MS = 60_000
INSTALLATION = b"format: 1\ntimeouts:\n  idle_timeout_ms: soon\n"
ROUTING = b"models:\n  - id: no-such-model\n"
Write = Callable[[str, bytes | None], str]


@pytest.fixture
def past_the_hook(product: Product) -> Iterator[Write]:
    """Commit a file unchecked, as a fetch from a remote would bring it, and put back afterwards what was there."""
    repository = Repository(Layout(product.data).repository)
    former: dict[str, bytes | None] = {}

    def write(path: str, data: bytes | None) -> str:
        head = repository.head()
        assert head
        former.setdefault(path, repository.read(head, path)[0] if repository.is_there(head, path) else None)
        edit = Edit(changes={path: data}, author=Author("Grace", "grace@example.com"), reason="By hand", base=head)
        return repository.commit(edit, lambda *_: None).revision

    yield write
    for path, data in former.items():
        write(path, data)


@pytest.fixture
def status(page: Page) -> Page:
    page.goto("/status")
    expect(page.get_by_text("live", exact=True)).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="proxy-1")).to_contain_text("up to date", timeout=PATIENCE_MS)
    return page


def configuration(page: Page) -> Locator:
    return page.get_by_role("region", name="Configuration")


def proxy(page: Page) -> Locator:
    return page.get_by_role("row").filter(has_text="proxy-1")


def test_the_published_revision_and_the_one_that_each_proxy_runs_follow_a_change(status: Page, console: Console) -> None:
    slug = make_project(console, "Status")
    change(console, UPDATE, slug=slug, description="Seen on the status page")
    revision = console.ask("{ revision { commit } }")["revision"]["commit"]
    expect(configuration(status)).to_contain_text(f"Revision {revision[:8]} is published", timeout=PATIENCE_MS)
    expect(configuration(status)).to_contain_text("For a test")
    expect(configuration(status)).to_contain_text("Every file of it is in use.")
    expect(proxy(status).get_by_role("link", name=revision[:8])).to_have_attribute("href", f"/changes/{revision}")
    expect(proxy(status)).to_contain_text("up to date", timeout=PATIENCE_MS)


def test_a_revision_that_came_past_the_hook_is_refused_and_the_page_says_where_and_why(
    status: Page, product: Product, console: Console, past_the_hook: Write
) -> None:
    before = console.ask("{ revision { commit } }")["revision"]["commit"]
    refused = past_the_hook("waybill.yaml", INSTALLATION)
    alert = configuration(status).get_by_role("alert")
    expect(alert).to_contain_text(f"The newest revision {refused[:8]} is not published", timeout=PATIENCE_MS)
    expect(alert).to_contain_text(re.compile(r"waybill\.yaml:3 timeouts\.idle_timeout_ms: .+"))
    expect(configuration(status)).to_contain_text(f"Revision {before[:8]} is published")
    expect(proxy(status).get_by_role("link", name=before[:8])).to_be_visible()
    assert product.ask("ping").status_code == 200, "the one before goes on running"
    mended = past_the_hook("waybill.yaml", b"format: 1\n")
    expect(configuration(status)).to_contain_text(f"Revision {mended[:8]} is published", timeout=PATIENCE_MS)
    expect(alert).to_have_count(0)
    expect(proxy(status).get_by_role("link", name=mended[:8])).to_be_visible(timeout=PATIENCE_MS)


def test_a_wrong_project_keeps_its_last_good_version_and_the_page_says_which_file(
    status: Page, product: Product, console: Console, past_the_hook: Write
) -> None:
    slug = make_project(console, "Degraded", ("sim-fast",))
    token = make_token(console, slug)
    past_the_hook(f"projects/{slug}/routing.yaml", ROUTING)
    alert = configuration(status).get_by_role("alert").filter(has_text="Files that are not in use")
    expect(alert).to_contain_text(f"projects/{slug}/routing.yaml", timeout=PATIENCE_MS)
    expect(alert).to_contain_text("no-such-model")
    assert product.ask("ping", token).status_code == 200


def test_a_proxy_that_died_comes_back_and_the_page_follows(status: Page, product: Product) -> None:
    former = product.child("proxy")
    expect(proxy(status)).to_contain_text(f"pid {former}")
    product.kill("proxy")
    product.wait_ready("proxy")
    expect(proxy(status)).to_contain_text(f"pid {product.child('proxy')}", timeout=PATIENCE_MS)
    expect(proxy(status)).to_contain_text("up to date", timeout=PATIENCE_MS)
    assert product.child("proxy") != former


def test_the_page_says_when_it_is_not_connected(status: Page, product: Product) -> None:
    product.kill("api")
    expect(status.get_by_text("connection lost, trying again")).to_be_visible(timeout=PATIENCE_MS)
    product.wait_ready("api")
    expect(status.get_by_text("live", exact=True)).to_be_visible(timeout=PATIENCE_MS)
    expect(proxy(status)).to_contain_text("up to date", timeout=PATIENCE_MS)
