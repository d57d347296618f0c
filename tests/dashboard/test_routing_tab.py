"""Dashboard: Projects, Routing Tab, sentence by sentence."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.pages import commit
from tests.dashboard.projects import ROUTE, change, make_project, make_token

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Locator, Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

POLICIES = ["cheapest", "health", "performance", "capability", "context", "llm", "rate-limit", "fairness", "budget-remaining"]
ROUTING = "query($slug: String!) { project(slug: $slug) { routing { models { modelId } policies { kind parameters } } } }"

PARAMETERS = "{ policies { kind parameters { name title } } }"


class Routing:
    """The tab of one project."""

    def __init__(self, page: Page, console: Console, slug: str) -> None:
        self.page, self.console, self.slug = page, console, slug
        page.goto(f"/projects/{slug}/routing")
        expect(self.models).not_to_have_count(0)

    @property
    def models(self) -> Locator:
        return self.page.get_by_role("region", name="Models").get_by_role("listitem")

    @property
    def policies(self) -> Locator:
        return self.page.get_by_role("list", name="Active policies").get_by_role("listitem")

    def handle(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=f"Move {name}", exact=True)

    def drag(self, handle: Locator, to: Locator) -> None:
        """With the mouse, as a hand does: in steps."""
        begin, end = handle.bounding_box(), to.bounding_box()
        assert begin
        assert end
        self.page.mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + begin["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(begin["x"] + 12, begin["y"] - 8, steps=3)
        self.page.mouse.move(end["x"] + min(20, end["width"] / 2), end["y"] + end["height"] / 2, steps=8)
        self.page.mouse.up()

    def save(self, reason: str) -> dict[str, Any]:
        """Commit; what is stored then."""
        self.page.get_by_role("button", name="Save…").click()
        commit(self.page, reason)
        stored: dict[str, Any] = self.console.ask(ROUTING, slug=self.slug)["project"]["routing"]
        return stored


@pytest.fixture
def routing(page: Page, console: Console, request: pytest.FixtureRequest) -> Callable[..., Routing]:
    def opened(*models: str) -> Routing:
        return Routing(page, console, make_project(console, request.node.name[5:60], models or ("sim-fast", "sim-smart")))

    return opened


def test_add_model_picks_from_registered_models(routing: Callable[..., Routing]) -> None:
    tab = routing("sim-fast")
    tab.page.get_by_role("button", name="Add Model", exact=True).click()
    tab.page.get_by_role("option", name=re.compile("sim-cheap")).click()
    expect(tab.models).to_have_count(2)
    assert [model["modelId"] for model in tab.save("One more")["models"]] == ["sim-fast", "sim-cheap"]


def test_models_appear_in_a_numbered_list_and_position_0_is_highest(routing: Callable[..., Routing]) -> None:
    tab = routing("sim-smart", "sim-fast", "sim-cheap")
    for position, model in enumerate(("sim-smart", "sim-fast", "sim-cheap")):
        expect(tab.models.nth(position).get_by_label(f"Position {position}")).to_have_text(str(position))
        expect(tab.models.nth(position).get_by_role("link", name=model, exact=True)).to_be_visible()


def test_the_order_of_models_determines_the_default_routing_priority(page: Page, console: Console, product: Product) -> None:
    slug = make_project(console, "In order", ("sim-smart", "sim-fast"), policies=())
    token = make_token(console, slug)
    assert product.ask(token=token).headers["x-waybill-model"] == "sim-smart"
    tab = Routing(page, console, slug)
    tab.drag(tab.handle("sim-fast"), tab.handle("sim-smart"))
    tab.save("Fast first")
    expect_model(product, token, "sim-fast")


def test_configure_which_models_this_project_can_use(page: Page, console: Console, product: Product) -> None:
    slug = make_project(console, "Which models", ("sim-smart", "sim-fast"), policies=())
    token = make_token(console, slug)
    tab = Routing(page, console, slug)
    page.get_by_role("button", name="Remove sim-smart").click()
    expect(tab.models).to_have_count(1)
    tab.save("One is enough")
    expect_model(product, token, "sim-fast")


def expect_model(product: Product, token: str, model: str) -> None:
    """Requests go to this model as soon as the proxy runs the change."""
    deadline = time.monotonic() + 30
    while (answered := product.ask(token=token).headers["x-waybill-model"]) != model:
        assert time.monotonic() < deadline, f"{answered} still answers, not {model}"


def test_drag_and_drop_to_reorder_with_the_mouse(routing: Callable[..., Routing]) -> None:
    tab = routing("sim-smart", "sim-fast", "sim-cheap")
    tab.drag(tab.handle("sim-cheap"), tab.handle("sim-smart"))
    expect(tab.models.nth(0)).to_contain_text("sim-cheap")
    stored = tab.save("The cheap one first")
    assert [model["modelId"] for model in stored["models"]] == ["sim-cheap", "sim-smart", "sim-fast"]


def test_drag_and_drop_to_reorder_with_the_keyboard(routing: Callable[..., Routing]) -> None:
    tab = routing("sim-smart", "sim-fast")
    tab.handle("sim-smart").focus()
    tab.page.keyboard.press("Space")
    expect(tab.page.get_by_text("sim-smart is over position 0")).to_have_count(1)  # what a screen reader is told
    tab.page.keyboard.press("ArrowDown")
    expect(tab.page.get_by_text("sim-smart is over position 1")).to_have_count(1)
    tab.page.keyboard.press("Space")
    expect(tab.models.nth(0)).to_contain_text("sim-fast")
    assert [model["modelId"] for model in tab.save("Fast first")["models"]] == ["sim-fast", "sim-smart"]


def test_drag_policies_from_the_panel_on_the_right_into_the_active_policies_list_on_the_left(
    routing: Callable[..., Routing],
) -> None:
    tab = routing()
    handle = tab.page.get_by_role("button", name=re.compile(r"^Drag .*performance.* into the active policies$", re.IGNORECASE))
    panel, active = handle.bounding_box(), tab.policies.first.bounding_box()
    assert panel
    assert active
    assert panel["x"] > active["x"] + active["width"]
    tab.drag(handle, tab.policies.last)
    expect(tab.policies).to_have_count(3)
    assert sorted(policy["kind"] for policy in tab.save("By speed too")["policies"]) == ["cheapest", "health", "performance"]


def test_each_policy_can_be_expanded_to_configure_its_parameters(routing: Callable[..., Routing]) -> None:
    tab = routing()
    tab.page.get_by_role("button", name="Settings of policy health").click()
    tab.page.get_by_role("textbox", name=re.compile("window", re.IGNORECASE)).first.fill("45")
    health = tab.save("A longer memory")["policies"][0]
    assert health["kind"] == "health"
    assert health["parameters"]["window_minutes"] == 45


def test_each_policy_shows_the_parameters_that_the_api_describes(page: Page, console: Console) -> None:
    slug = make_project(console, "All policies")
    active = [{"kind": kind, "parameters": {"model": "sim-fast"} if kind == "llm" else {}} for kind in POLICIES]
    change(console, ROUTE, project=slug, models=[{"id": "sim-fast"}], policies=active)
    tab = Routing(page, console, slug)
    described = {each["kind"]: each["parameters"] for each in console.ask(PARAMETERS)["policies"]}
    for place, kind in enumerate(POLICIES):
        page.get_by_role("button", name=f"Settings of policy {kind}", exact=True).click()
        for parameter in described[kind]:
            if parameter["name"] != "enabled":  # that is the switch in the row itself
                title = re.compile(rf"^{re.escape(parameter['title'])}( \*)?$")  # starred where it is required
                expect(tab.policies.nth(place).get_by_text(title).first, f"{kind}: {parameter}").to_be_visible()


def test_what_a_policy_lacks_is_said_in_words_of_the_form(routing: Callable[..., Routing]) -> None:
    tab = routing()
    tab.page.get_by_role("button", name="Add semantic-intent").click()
    policy = tab.policies.filter(has_text="semantic-intent")
    tab.page.get_by_role("button", name="Save…").click()
    expect(policy.get_by_role("textbox", name="Embedding model")).to_have_accessible_description(re.compile("Choose a model."))
    expect(policy.get_by_role("alert")).to_contain_text("Add at least one of the intents")
    expect(tab.page.get_by_text("is missing")).to_have_count(0)


def test_available_policies(routing: Callable[..., Routing]) -> None:
    tab = routing()
    palette = tab.page.get_by_role("region", name="Available policies")
    for kind in POLICIES:
        link = palette.get_by_role("link", name=kind, exact=True)
        expect(link).to_have_attribute("href", f"/docs/concepts-routing#{kind}")


def test_see_concepts_routing_for_each_policys_behaviour_and_parameters(routing: Callable[..., Routing]) -> None:
    tab = routing()
    tab.page.get_by_role("region", name="Available policies").get_by_role("link", name="fairness", exact=True).click()
    expect(tab.page).to_have_url(re.compile("/docs/concepts-routing#fairness$"))
    expect(tab.page.get_by_role("heading", name="fairness").first).to_be_in_viewport()
