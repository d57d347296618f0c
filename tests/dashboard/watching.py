"""What a page did that no page may do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page, Request


class Watch:
    """Complaints about one page: scripts that failed, what the policy stopped, requests to another host."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self._home = home
        page.on("pageerror", lambda error: self.complaints.append(f"script failed: {error}"))
        page.on("console", self._said)
        page.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        # A server that is restarting is told by the browser too: that is no fault of the page.
        if message.type == "error" and "Failed to load resource" not in message.text and "WebSocket" not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _asked(self, request: Request) -> None:
        if not request.url.startswith((self._home, self._home.replace("http", "ws", 1), "data:", "blob:")):
            self.complaints.append(f"asked another host: {request.url}")
