"""A limit is pushed onto a project that has been in use: it knows what was used before, holds, survives, and says so."""

from __future__ import annotations

import hashlib
import hmac
import json
import queue
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.e2e.product import Product
from tests.repositories import Person, git

PROJECT = "projects/demo/project.yaml"
SETTINGS = "waybill.yaml"
SECRET = "the receiver's own"
LIMIT = "limits:\n  rules:\n    - {metric: calls, window: yearly, value: 5}\n"


class Receiver(BaseHTTPRequestHandler):
    """Takes every alert, and keeps it with its headers."""

    got: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()

    def do_POST(self) -> None:  # the name that http.server calls
        body = self.rfile.read(int(self.headers["content-length"]))
        self.got.put(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing to be said."""


@pytest.fixture
def receiver() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    product = Product(tmp_path / "data")
    try:
        yield product.start(WAYBILL_SECRET_HOOK=SECRET)
    finally:
        product.close()


def refused(product: Product, revision: str, within_s: float = 15.0) -> None:
    """Ask until a limit refuses: from the revision on that has it, with the first request."""
    deadline = time.monotonic() + within_s
    while (answer := product.ask()).status_code == 200:
        assert answer.headers["x-waybill-revision"] != revision, "a request was let in before use was known"
        assert time.monotonic() < deadline, "no limit ever refused"
        time.sleep(0.1)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "budget_exceeded")


def test_a_limit_that_is_pushed_knows_what_was_used_before_and_says_that_it_is_used_up(
    product: Product, receiver: HTTPServer, tmp_path: Path
) -> None:
    for _ in range(5):
        assert product.ask().status_code == 200
    person = Person(tmp_path / "clone", Path(product.made.config_repository))
    project, settings = ((person.folder / path).read_text() for path in (PROJECT, SETTINGS))
    assert "\nlimits:" not in project
    url = f"http://127.0.0.1:{receiver.server_port}/alerts"
    hook = f"  - url: {url}\n    secret: {{env: WAYBILL_SECRET_HOOK}}\n    allow_private_address: true\n"
    changes = {PROJECT: (project + LIMIT).encode(), SETTINGS: f"{settings}alert_webhooks:\n{hook}".encode()}
    assert person.push_changes(changes).returncode == 0

    revision = git(person.folder, "rev-parse", "HEAD").stdout.strip()
    refused(product, revision)
    said = [Receiver.got.get(timeout=15) for _ in range(2)]
    for headers, body in said:
        signed = headers["x-waybill-timestamp"].encode() + b"." + body
        assert headers["x-waybill-signature"] == "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert sorted(json.loads(body)["kind"] for _, body in said) == ["exhausted", "share"]

    product.kill("proxy")
    product.wait_ready("proxy")
    refused(product, revision)  # what was opened is in the checkpoint, or is asked for again
