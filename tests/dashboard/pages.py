"""Every page of the dashboard, and when one is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

TABS = ("general", "routing", "tokens", "users", "logs")
# A name for pictures and reports: the address. `{trace}` is a request, `{commit}` a change of the configuration.
PAGES = {
    "overview": "/",
    "projects": "/projects",
    **{f"project-{tab}": f"/projects/demo/{tab}" for tab in TABS},
    "trace": "/requests/{trace}",
    "usage": "/usage",
    "models": "/models",
    "model": "/models/sim-fast",
    "providers": "/providers",
    "provider": "/providers/simulated",
    "changes": "/changes",
    "change": "/changes/{commit}",
    "people": "/people/users",
    "people-roles": "/people/roles",
    "people-audit": "/people/audit",
    "playground": "/playground",
    "status": "/status",
    "settings": "/settings",
    "profile": "/profile",
    "docs": "/docs/concepts-routing",
}


def visit(page: Page, address: str) -> None:
    """Go there, and wait until what it loads has come."""
    page.goto(address)
    expect(page.get_by_role("heading", level=1).first).to_be_visible()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_text("Loading…", exact=True)).to_have_count(0)


def commit(page: Page, reason: str, button: str = "Commit") -> None:
    """Agree to the change in the dialog that shows its difference."""
    dialog = page.get_by_role("dialog").filter(has=page.get_by_label("Differences"))
    expect(dialog).to_be_visible()
    dialog.get_by_label("Reason").fill(reason)
    dialog.get_by_role("button", name=button, exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="Committed as").last).to_be_visible()
    expect(dialog).to_have_count(0)
