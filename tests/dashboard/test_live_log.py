"""Dashboard: the live log goes on where it stopped when the API was away, and bears two hundred events a second."""

from __future__ import annotations

import os
import re
import time
from statistics import mean, quantiles
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from tests.dashboard.load import Load
from tests.dashboard.logs import Logs, recorded
from tests.dashboard.projects import make_project, make_token
from tests.soak import report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, WebSocketRoute

    from tests.e2e.console import Console
    from tests.e2e.product import Product

PATIENCE_MS = 60_000
EVENTS_PER_S = 200
HELD_ROWS = 2_000  # as rows.ts says
DRAWN_ROWS = 80  # at most so many are elements of the page
SOAK_S = 600
SAMPLED_EVERY_S = 10
FRAMES = """() => {
  window.frames_ms = []
  let before = performance.now()
  const frame = (now) => { window.frames_ms.push(now - before); before = now; requestAnimationFrame(frame) }
  requestAnimationFrame(frame)
}"""
TAKEN = "() => window.frames_ms.splice(0)"


def says(page: Page, words: str) -> None:
    """Wait until the page says how it is connected."""
    expect(page.get_by_role("status").filter(has_text=re.compile(f"^{words}$"))).to_be_visible(timeout=PATIENCE_MS)


def settled(page: Page, console: Console, slug: str, load: Load) -> list[str]:
    """Every answered request is recorded, and the page has the newest: the recorded cursors, newest first."""
    deadline = time.monotonic() + PATIENCE_MS / 1000
    while len(rows := recorded(console, slug)) < load.answered and time.monotonic() < deadline:
        continue
    assert len(rows) == load.answered
    expect(page.locator(f'[data-cursor="{rows[0]}"]')).to_be_visible(timeout=PATIENCE_MS)
    return rows


def test_after_the_api_was_away_no_row_is_missing_and_none_is_doubled(page: Page, product: Product, console: Console) -> None:
    slug = make_project(console, "Reconnect", ("sim-fast",))
    logs = Logs(page, slug)
    says(page, "live")
    with Load(product, make_token(console, slug), per_s=20) as load:
        expect(logs.rows.nth(5)).to_be_visible()
        product.kill("api")
        says(page, "not connected, trying again…")
        expect(logs.rows.nth(5)).to_be_visible()  # what was known before stays
        before = load.answered
        product.wait_ready("api")
        says(page, "live")
        assert load.answered > before, "requests went on meanwhile"
    expected = settled(page, console, slug, load)
    assert logs.cursors() == expected
    assert load.other == []


def test_a_connection_that_fell_silent_is_noticed_and_made_anew(page: Page, product: Product, console: Console) -> None:
    sockets: list[WebSocketRoute] = []
    silent: list[WebSocketRoute] = []

    def relay(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        sockets.append(socket)
        socket.on_message(lambda message: None if socket in silent else server.send(message))
        server.on_message(lambda message: None if socket in silent else socket.send(message))

    page.route_web_socket("**/graphql", relay)
    page.clock.install()
    slug = make_project(console, "Silent", ("sim-fast",))
    token = make_token(console, slug)
    logs = Logs(page, slug)
    says(page, "live")
    product.ask("ping", token)
    expect(logs.rows).to_have_count(1)
    silent += sockets
    assert console.row(product.ask("ping", token).headers["x-waybill-trace-id"])
    page.clock.fast_forward(15_000)  # it is pinged …
    page.clock.fast_forward(10_000)  # … and does not answer
    expect(logs.rows).to_have_count(2, timeout=PATIENCE_MS)
    says(page, "live")
    assert len(sockets) > len(silent)


def test_a_page_that_is_opened_while_the_api_is_away_says_so_and_fills_itself_later(
    page: Page, product: Product, console: Console
) -> None:
    slug = make_project(console, "Away", ("sim-fast",))
    assert product.ask("ping", make_token(console, slug)).status_code == 200
    logs = Logs(page, slug)
    expect(logs.rows).to_have_count(1)
    page.route("**/graphql", lambda route: route.abort())
    logs.choose("Status", "success")
    expect(page.get_by_role("status").filter(has_text="Waybill did not answer")).to_be_visible()
    page.unroute("**/graphql")
    expect(logs.rows).to_have_count(1)
    expect(page.get_by_text("Waybill did not answer")).to_have_count(0)


def test_rows_that_pour_in_are_in_order_and_complete_and_few_are_drawn(page: Page, product: Product, console: Console) -> None:
    slug = make_project(console, "Pouring", ("sim-fast",))
    logs = Logs(page, slug)
    says(page, "live")
    with Load(product, make_token(console, slug), EVENTS_PER_S) as load:
        expect(page.get_by_text(re.compile(r"^[5-9]\d\d rows$|,\d+ rows$"))).to_be_visible(timeout=PATIENCE_MS)
        drawn = logs.rows.count()
    expected = settled(page, console, slug, load)
    assert 0 < drawn <= DRAWN_ROWS
    assert logs.cursors() == expected
    assert load.other == []


class Samples:
    """What a page was measured at, every few seconds."""

    def __init__(self, page: Page) -> None:
        self.frames_ms: list[float] = []
        self.heaps_mb: list[float] = []
        self.loads: list[float] = []
        self._page = page
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable")
        page.evaluate(FRAMES)

    def take(self) -> None:
        """Another: the frames since the last one, and what the scripts hold once their garbage is collected."""
        self.frames_ms += self._page.evaluate(TAKEN)
        self._devtools.send("HeapProfiler.collectGarbage")
        metrics: list[dict[str, Any]] = self._devtools.send("Performance.getMetrics")["metrics"]
        self.heaps_mb.append(next(metric["value"] for metric in metrics if metric["name"] == "JSHeapUsedSize") / 1e6)
        self._page.evaluate(TAKEN)  # the collection was our doing: its frame does not count
        self.loads.append(os.getloadavg()[0])

    @property
    def p99_ms(self) -> float:
        return quantiles(self.frames_ms, n=100)[98]

    @property
    def halves_mb(self) -> tuple[float, float]:
        """The mean heap of the first half, and of the second."""
        half = len(self.heaps_mb) // 2
        return mean(self.heaps_mb[:half]), mean(self.heaps_mb[half:])

    def lines(self) -> list[str]:
        """In words."""
        p50, p95, p99 = (quantiles(self.frames_ms, n=100)[share - 1] for share in (50, 95, 99))
        longest, (first, second), loads = max(self.frames_ms), self.halves_mb, self.loads
        return [
            f"{len(self.frames_ms)} frames: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms, longest {longest:.0f} ms",
            f"script heap: first half {first:.2f} MB, second half {second:.2f} MB, highest {max(self.heaps_mb):.2f} MB",
            f"load average of the machine: {min(loads):.1f} to {max(loads):.1f}, mean {mean(loads):.1f}",
        ]


@pytest.mark.soak
def test_ten_minutes_of_two_hundred_events_a_second(page: Page, product: Product, console: Console, browser: Browser) -> None:
    slug = make_project(console, "Soak", ("sim-fast",))
    logs = Logs(page, slug)
    says(page, "live")
    with Load(product, make_token(console, slug), EVENTS_PER_S) as load:
        expect(page.get_by_text("2,000 rows")).to_be_visible(timeout=PATIENCE_MS)
        samples = Samples(page)
        began, already = time.monotonic(), load.answered
        while time.monotonic() < began + SOAK_S:
            page.wait_for_timeout(SAMPLED_EVERY_S * 1000)
            samples.take()
        seconds = time.monotonic() - began
        rate = (load.answered - already) / seconds
    expected = settled(page, console, slug, load)
    shown = logs.cursors(HELD_ROWS)
    assert len(shown) >= HELD_ROWS
    assert shown == expected[: len(shown)]
    first, second = samples.halves_mb
    assert rate > EVENTS_PER_S * 0.95
    assert samples.p99_ms <= 100, samples.lines()
    assert second <= first * 1.1, samples.lines()
    happened = (
        f"{seconds:.0f} s at {rate:.0f} events/s; {len(expected)} rows, the newest {len(shown)} of them in the page in order"
    )
    where = f"Chromium {browser.version} without a GPU, beside proxy, API and load on the same cores; log of one project"
    title = "The live log under 200 events/s: frames of at most 100 ms at p99, memory flat, no row missing"
    report.write("live-log", title, [happened, where, *samples.lines()])
