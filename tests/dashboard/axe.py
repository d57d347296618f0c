"""axe-core in a page: what it finds against the rules of accessibility, in each theme."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from tests.e2e.product import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Page

AXE = ROOT / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
# An open list or menu stands outside of every landmark: one comes to it from the control that opened it, whose arrows walk
# along it and scroll it.
RUN = """(within) => {
  const open = [...document.querySelectorAll('[role=listbox], [role=menu]')].some((each) => each.checkVisibility())
  const rules = { region: { enabled: !open }, 'scrollable-region-focusable': { enabled: !open } }
  const asked = { resultTypes: ['violations'], rules }
  return axe.run(within, asked).then((all) => all.violations)
}"""
# Colours on their way from one theme to the other are in neither.
SETTLED = """() => Promise.allSettled(document.getAnimations()
  .filter((each) => each.effect.getComputedTiming().endTime < 5000).map((each) => each.finished)).then(() => null)"""
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def dress(page: Page, theme: Literal["light", "dark"]) -> None:
    """Let the system prefer a theme, and wait until the page has it."""
    page.emulate_media(color_scheme=theme)
    page.locator(f"html[data-mantine-color-scheme={theme}]").wait_for()
    # Two frames: what moves in a theme's change has then arrived, as nothing moves for long with reduced motion.
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))")
    page.evaluate(SETTLED)


def violations(page: Page, within: str = "html") -> list[str]:
    """What axe finds, each with the element that it is about."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    found: list[dict[str, Any]] = page.evaluate(RUN, within)
    return [f"{each['id']}: {each['help']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


def passes(page: Page, *themes: Literal["light", "dark"], within: str = "html") -> None:
    """Fail with what axe finds on the page as it is now, in these themes; in both where none is named."""
    for theme in themes or THEMES:
        dress(page, theme)
        found = violations(page, within)
        assert not found, "\n".join([f"in the {theme} theme:", *found])
