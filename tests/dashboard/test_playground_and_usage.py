"""Dashboard: the playground chats as an application would and shows why; usage is filtered, grouped and exported."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from tests.dashboard.projects import make_project

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

# One white point.
IMAGE = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db0"
    "0000000049454e44ae426082"
)


@pytest.fixture
def playground(page: Page, product: Product) -> Page:
    page.goto("/playground")
    page.get_by_label("Project token").fill(product.token)
    return page


def test_an_answer_streams_with_its_trace_beside_it(playground: Page) -> None:
    playground.get_by_role("textbox", name="Project", exact=True).click()
    playground.get_by_role("option", name="Demo").click()
    playground.get_by_label("Message").fill("Tell me a story")
    playground.get_by_label("Message").press("Enter")
    expect(playground.get_by_role("log")).to_contain_text("Answer")
    expect(playground.get_by_role("heading", name="Scores")).to_be_visible()
    expect(playground.get_by_role("list", name="Progress")).to_contain_text("the request is over: success")
    playground.get_by_role("link", name="Whole trace").click()
    expect(playground).to_have_url(re.compile(r"/requests/\w+$"))


def compare(playground: Page, project: str) -> None:
    playground.get_by_role("textbox", name="Project", exact=True).click()
    playground.get_by_role("option", name=project, exact=True).click()
    playground.get_by_role("switch", name="Compare two models").press(" ")
    for place, model in enumerate(("sim-fast", "sim-smart")):
        playground.get_by_role("textbox", name="Model", exact=True).nth(place).fill(model)


def test_two_models_are_compared_side_by_side_where_the_routing_counts_names(playground: Page) -> None:
    compare(playground, "Demo")
    expect(playground.get_by_text("Demo counts which model is named")).to_be_visible()
    playground.get_by_label("Message").fill("Compare")
    playground.get_by_role("button", name="Send").click()
    expect(playground.get_by_role("heading", name="Scores")).to_have_count(2)
    for place, model in enumerate(("sim-fast", "sim-smart"), 1):
        conversation = playground.get_by_role("region", name=f"Conversation {place}")
        expect(conversation.get_by_label("Answered by")).to_have_text(model)


def test_where_the_routing_counts_no_names_this_is_said_before_anything_is_sent(playground: Page, console: Console) -> None:
    slug = make_project(console, "Decides alone")
    playground.reload()
    playground.get_by_role("switch", name="Compare two models").press(" ")
    expect(playground.get_by_role("status").filter(has_text="Choose the project above")).to_be_visible()
    playground.get_by_role("switch", name="Compare two models").press(" ")
    compare(playground, "Decides alone")
    notice = playground.get_by_role("status").filter(has_text="does not count which model is named")
    notice.get_by_role("link", name="Add model-preference").click()
    expect(playground).to_have_url(re.compile(rf"/projects/{slug}/routing$"))


def test_a_token_of_another_project_than_the_chosen_one_is_refused(playground: Page) -> None:
    playground.get_by_role("textbox", name="Project", exact=True).click()
    playground.get_by_role("option", name="Support bot").click()
    playground.get_by_label("Message").fill("Hello")
    playground.get_by_label("Message").press("Enter")
    expect(playground.get_by_role("alert")).to_contain_text("another project")


def test_an_image_goes_with_a_message(playground: Page, tmp_path: Path) -> None:
    image = tmp_path / "point.png"
    image.write_bytes(IMAGE)
    playground.locator("input[type=file]").set_input_files(image)
    expect(playground.get_by_alt_text("To be sent with the message")).to_be_visible()
    playground.get_by_label("Message").fill("What is it?")
    playground.get_by_role("button", name="Send").click()
    expect(playground.get_by_alt_text("Sent with the message")).to_be_visible()
    expect(playground.get_by_role("heading", name="Scores")).to_be_visible()


def test_a_wrong_token_is_refused_in_words_and_no_token_is_kept(playground: Page) -> None:
    playground.get_by_label("Project token").fill("sk-lr-wrong")
    playground.get_by_label("Message").fill("Hello")
    playground.get_by_role("button", name="Send").click()
    expect(playground.get_by_role("alert")).to_contain_text("401")
    expect(playground.get_by_text("it has no trace")).to_be_visible()
    expect(playground.get_by_text("Being recorded")).to_have_count(0)
    expect(playground.get_by_role("link", name="Whole trace")).to_have_count(0)
    assert "sk-lr-" not in playground.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    playground.reload()
    expect(playground.get_by_label("Project token")).to_have_value("")


def test_usage_is_grouped_and_what_is_shown_is_exported(page: Page, trace: str) -> None:
    assert trace
    page.goto("/usage?by=PROJECT&by=MODEL&period=24h")
    expect(page.get_by_role("row").filter(has_text="demo").first).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    shown = page.get_by_role("table", name="Usage").locator("tbody tr")
    assert len(rows) == shown.count()
    assert {"Project", "Model", "Requests", "Cost (USD)"} <= set(rows[0])


def test_overview_charts_what_was_used_by_model_and_by_project(page: Page, trace: str) -> None:
    assert trace
    page.goto("/")
    for chart in ("Cost", "Calls", "Errors", "Latency, mean", "Tokens"):
        expect(page.get_by_role("img", name=f"{chart} over time by model")).to_be_visible()
    page.get_by_text("By project", exact=True).click()
    expect(page.get_by_role("img", name="Cost over time by project")).to_be_visible()
    expect(page.get_by_role("region", name="Alerts")).to_be_visible()
