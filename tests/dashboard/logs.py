"""The Logs tab of one project, as a person reads it, and requests that end in every way there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import httpx
from playwright.sync_api import expect

from tests.dashboard.projects import TOKEN, UPDATE, change, make_token

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from tests.e2e.console import Console
    from tests.e2e.product import Product

# One white point: only a model that sees may answer.
POINT = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQAY3Y2wAAAAAElFTkSuQmCC"
COLUMNS = ["Timestamp", "Model", "Status", "Input Tokens", "Output Tokens", "Cost"]
# Each row by its number: what is drawn after two frames at each place.
SCROLLED_THROUGH = """async (table, most) => {
  const found = new Map(), frame = () => new Promise(requestAnimationFrame)
  for (let top = 0; ; top += 300) {
    table.scrollTop = top
    await frame(); await frame()
    for (const button of table.querySelectorAll('[data-cursor]'))
      found.set(Number(button.closest('[role=row]').ariaRowIndex), button.dataset.cursor)
    if (found.size >= most || top + table.clientHeight >= table.scrollHeight) break
  }
  table.scrollTop = 0
  return [...found.keys()].sort((one, other) => one - other).map((number) => found.get(number))
}"""
RECORDED = """query($project: [String!], $after: String) { requestLogs(filter: {project: $project}, first: 200, after: $after) {
  nodes { cursor } pageInfo { hasNextPage endCursor } } }"""
NEVER = {"rules": [{"metric": "CALLS", "window": "DAILY", "value": "0"}]}


class Logs:
    """The tab, opened. `query` is what its address says after the question mark."""

    def __init__(self, page: Page, slug: str, query: str = "") -> None:
        self.page = page
        page.goto(f"/projects/{slug}/logs?{query}")
        expect(page.get_by_role("textbox", name="Refresh")).to_be_visible()

    @property
    def rows(self) -> Locator:
        """What was requested, newest first."""
        return (
            self.page.get_by_role("table", name="Requests, newest first")
            .get_by_role("row")
            .filter(has=self.page.get_by_role("button"))
        )

    def texts(self, number: int = 0) -> dict[str, str]:
        """A row's cells by their column."""
        heads = self.page.get_by_role("columnheader").all_inner_texts()
        return dict(zip(heads, self.rows.nth(number).get_by_role("cell").all_inner_texts(), strict=True))

    def open(self, number: int = 0) -> Locator:
        """Click on a row: the trace beside the log."""
        self.rows.nth(number).click(position={"x": 300, "y": 12})
        trace = self.page.get_by_role("dialog", name="Trace")
        expect(trace.get_by_role("heading", name="Decision")).to_be_visible()
        return trace

    def cursors(self, most: int = 5_000) -> list[str]:
        """The cursors of the page's rows from the top, at least `most` where it has so many. It scrolls through them."""
        table = self.page.get_by_role("table", name="Requests, newest first")
        return cast("list[str]", table.evaluate(SCROLLED_THROUGH, most))

    def choose(self, label: str, *options: str) -> None:
        """In one of the selects over the table."""
        self.page.get_by_role("textbox", name=label, exact=True).click()
        for option in options:
            self.page.get_by_role("option", name=option, exact=True).click()
        self.page.keyboard.press("Escape")


def look(product: Product, token: str, **more: object) -> httpx.Response:
    """Ask about a picture."""
    content = [{"type": "text", "text": "What is it?"}, {"type": "image_url", "image_url": {"url": POINT}}]
    body = {"model": "auto", "messages": [{"role": "user", "content": content}], **more}
    headers = {"authorization": f"Bearer {token}"}
    return httpx.post(f"{product.made.proxy_url}/v1/chat/completions", json=body, headers=headers, timeout=30)


def end_each_way(product: Product, console: Console, slug: str) -> dict[str, str]:
    """Requests of a project with the one model sim-fast and the policy capability, one for each status; their trace ids."""
    token = make_token(console, slug)
    spent = change(console, TOKEN, project=slug, name="spent", limits=NEVER)["value"]
    answers = {
        "success": product.ask("ping", token),
        "error": product.ask("please fail", token),
        "budget_exceeded": product.ask("ping", spent),
        "rejected": look(product, token),
    }
    traces = {status: answer.headers["x-waybill-trace-id"] for status, answer in answers.items()}
    traces["cancelled"] = leave(product, console, token)
    change(console, UPDATE, slug=slug, timeouts={"timeoutMs": 5})
    hurried = change(console, TOKEN, project=slug, name="hurried")["value"]  # returns when the proxy runs it
    traces["timeout"] = product.ask("A long story", hurried).headers["x-waybill-trace-id"]
    return traces


def leave(product: Product, console: Console, token: str) -> str:
    """Go away in the middle of a streamed answer; its trace id."""
    body = {"model": "auto", "messages": [{"role": "user", "content": "A long story"}], "stream": True}
    headers = {"authorization": f"Bearer {token}"}
    for _ in range(20):  # on a busy machine the answer may be there as a whole before we can go
        with httpx.stream("POST", f"{product.made.proxy_url}/v1/chat/completions", json=body, headers=headers) as answer:
            trace = answer.headers["x-waybill-trace-id"]
        if console.row(trace)["status"] == "cancelled":
            return cast("str", trace)
    raise AssertionError("every answer was there at once")


def usd(row: dict[str, Any], input_usd: float, output_usd: float) -> float:
    """What a request costs at these prices a million tokens."""
    return float(row["inputTokens"] * input_usd + row["outputTokens"] * output_usd) / 1e6


def recorded(console: Console, slug: str) -> list[str]:
    """The cursors of all rows of a project, newest first."""
    cursors: list[str] = []
    after: str | None = None
    while True:
        page = console.ask(RECORDED, project=[slug], after=after)["requestLogs"]
        cursors += [node["cursor"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            return cursors
