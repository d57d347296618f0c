"""Dashboard: models and providers are added from presets, edited, cloned, enabled, keyed and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.dashboard.pages import commit

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console

KEY = "gsk_a1B2c3D4e5F6g7H8i9J0k1L2m3N4"


def test_a_provider_is_added_from_a_preset_and_its_key_is_sealed(page: Page, console: Console) -> None:
    page.goto("/providers")
    page.get_by_role("button", name="Add a provider").click()
    page.get_by_role("textbox", name="Start from").fill("groq")
    page.get_by_role("option", name="Groq").click()
    page.get_by_role("textbox", name="Key").fill(KEY)
    page.get_by_role("button", name="Review").click()
    commit(page, "A new provider")
    expect(page.get_by_role("heading", level=1, name="groq")).to_be_visible()
    expect(page.get_by_text("sealed: only the proxies open it")).to_be_visible()
    assert KEY not in page.content()
    written = console.ask('{ file(path: "providers/groq.yaml") { text } }')["file"]["text"]
    assert "sealed:" in written
    assert KEY not in written


def test_a_key_is_replaced_and_its_field_is_empty_afterwards(page: Page) -> None:
    page.goto("/providers/openai")
    field = page.get_by_role("textbox", name="Key")
    field.fill(KEY)
    page.get_by_role("button", name="Replace the key").click()
    commit(page, "Rotated")
    expect(page.get_by_text("sealed: only the proxies open it")).to_be_visible()
    expect(field).to_have_value("")
    expect(field).to_have_attribute("autocomplete", "off")


def test_a_provider_in_use_is_not_deleted_and_who_uses_it_is_said(page: Page) -> None:
    page.goto("/providers/simulated")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("alert")).to_contain_text("in use by models sim-cheap, sim-fast, sim-smart")


def test_a_model_is_added_with_the_figures_of_the_price_table(page: Page, console: Console) -> None:
    page.goto("/models")
    page.get_by_role("button", name="Add a model").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("textbox", name="Provider").fill("openai")
    page.get_by_role("option", name="openai").first.click()
    dialog.get_by_role("combobox", name="Name at the provider").fill("gpt-4o-mini")
    expect(dialog.get_by_text("Write its figures into the file")).to_be_visible()
    dialog.get_by_role("button", name="Review").click()
    commit(page, "A small model")
    expect(page.get_by_role("heading", level=1)).to_have_text("gpt-4o-mini")
    model = console.ask('{ model(id: "gpt-4o-mini") { contextWindow prices { input } } }')["model"]
    assert model["contextWindow"] == 128_000
    assert float(model["prices"]["input"]) > 0


def test_a_model_is_edited_cloned_and_deleted(page: Page, console: Console) -> None:
    page.goto("/models/local-model")
    page.get_by_role("textbox", name="Context window").fill("1000")
    page.get_by_role("button", name="Save…").click()
    commit(page, "Smaller")
    expect(page.get_by_role("button", name="Save…")).to_be_disabled()
    assert console.ask('{ model(id: "local-model") { contextWindow } }')["model"]["contextWindow"] == 1000
    page.get_by_role("button", name="Clone").click()
    page.get_by_role("dialog").get_by_role("textbox", name="Id", exact=True).fill("local-twin")
    page.get_by_role("button", name="Review", exact=True).click()
    commit(page, "A twin")
    expect(page.get_by_role("heading", level=1)).to_have_text("local-twin")
    page.get_by_role("button", name="Delete").click()
    commit(page, "One is enough", "Delete")
    expect(page.get_by_role("heading", level=1)).to_have_text("Models")


def test_a_model_is_disabled_and_enabled_in_the_list_and_blame_says_who_did(page: Page) -> None:
    page.goto("/models")
    switch = page.get_by_role("switch", name="gpt-5-mini enabled")
    for reason, state in (("Off", False), ("On again", True)):
        # The input itself is hidden behind what is drawn: people press the drawing, or the space bar.
        switch.press(" ")
        commit(page, reason)
        expect(switch).to_be_checked(checked=state)
    page.goto("/models/gpt-5-mini")
    page.get_by_role("button", name="Who set “Enabled”?").click()
    expect(page.get_by_role("link", name="On again")).to_be_visible()
