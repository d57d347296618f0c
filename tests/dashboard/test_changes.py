"""Dashboard: a change of more files than are shown at once says so, shows the rest when asked, and is reverted as a whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.dashboard.pages import commit, visit
from tests.dashboard.projects import make_project
from tests.repositories import Person as Grace
from tests.repositories import git

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

FILES, SHOWN = 230, 200


def token(number: int) -> bytes:
    digest = hashlib.sha256(f"crowd {number}".encode()).hexdigest()
    return f"name: crowd {number:03d}\nsha256: {digest}\nprefix: sk-lr-crow\n".encode()


def test_a_change_of_many_files_is_shown_in_parts(page: Page, product: Product, console: Console, tmp_path: Path) -> None:
    slug = make_project(console, "Crowded")
    grace = Grace(tmp_path / "clone", Path(product.made.config_repository))
    grace.commit({f"projects/{slug}/tokens/crowd-{each:03d}.yaml": token(each) for each in range(FILES)}, "A crowd")
    git(grace.folder, "push", "--quiet")
    visit(page, f"/changes/{git(grace.folder, 'rev-parse', 'HEAD').stdout.strip()}")
    expect(page.get_by_text(f"The first {SHOWN} of {FILES} files")).to_be_visible()
    last = page.get_by_text(f"projects/{slug}/tokens/crowd-{FILES - 1:03d}.yaml", exact=True)
    expect(last).to_have_count(0)
    page.get_by_role("button", name=f"Show {FILES - SHOWN} more").click()
    expect(last).to_be_visible()
    expect(page.get_by_role("button", name="more")).to_have_count(0)
    page.get_by_role("button", name="Revert", exact=True).click()
    expect(page.get_by_role("dialog")).to_contain_text(f"Each of the {FILES} files goes back")
    commit(page, "No crowd", "Revert")
    expect(page.get_by_text("What Waybill noted beside it")).to_be_visible()
