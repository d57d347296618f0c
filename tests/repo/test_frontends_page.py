"""The command of docs/frontends.md runs as it is printed, and its operations are answered with the variables beside them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import httpx
import pytest

from tests.e2e.product import ROOT, Product
from tests.repo.blocks import blocks, on_ports_of

PAGE = (ROOT / "docs/frontends.md").read_text(encoding="utf-8")
# Those of a list stand further in, as Markdown wants it.
_OPERATION = re.compile(r"^ *```graphql\n(.*?)^ *```\n\s*```json\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
OPERATIONS = {
    operation.split("(")[0].split()[1]: {"query": operation, "variables": json.loads(variables)}
    for operation, variables in ((dedent(one), other) for one, other in _OPERATION.findall(PAGE))
}


@pytest.fixture(scope="module")
def browser(product: Product) -> Iterator[httpx.Client]:
    """What a page's script can do: cookies are kept, and each request names who asks."""
    admin = product.made.admin
    wanted = OPERATIONS["SignIn"]["variables"]["input"] | {"email": admin.email, "password": admin.password}
    with httpx.Client(base_url=product.made.api_url, headers={"x-waybill-client": "test"}, timeout=30) as client:
        answer = asked(client, "SignIn", input=wanted)
        assert answer["login"]["viewer"]["email"] == admin.email
        yield client


def asked(client: httpx.Client, name: str, **given: Any) -> Any:
    """The data of an operation of the page."""
    operation = OPERATIONS[name]
    answer = client.post("/graphql", json=operation | {"variables": operation["variables"] | given}).json()
    assert "errors" not in answer, answer
    return answer["data"]


def test_the_first_frontend_is_answered(product: Product, checkout: Path) -> None:
    [code] = [code for language, code in blocks(PAGE) if language == "sh"]
    ran = subprocess.run(
        ["sh", "-euc", on_ports_of(product, code)], cwd=checkout, capture_output=True, text=True, timeout=50, check=True
    )
    named = {project["name"] for project in json.loads(ran.stdout)["data"]["projects"]["nodes"]}
    assert named >= {"Demo", "Support bot"}


def test_a_change_is_tried_without_a_commit(browser: httpx.Client) -> None:
    head = browser.post("/graphql", json={"query": "{ revision { commit } }"}).json()["data"]["revision"]["commit"]
    wanted = OPERATIONS["Rename"]["variables"]["input"] | {"expectedRevision": head}
    answer = asked(browser, "Rename", input=wanted)["projectUpdate"]
    assert (answer["__typename"], answer["change"]["dryRun"]) == ("ProjectUpdated", True)
    assert "+name: Renamed" in answer["change"]["diff"][0]["unified"]
    assert browser.post("/graphql", json={"query": "{ revision { commit } }"}).json()["data"]["revision"]["commit"] == head


def test_a_feed_goes_on_after_the_cursor_of_its_last_batch(product: Product, browser: httpx.Client) -> None:
    first = product.ask().headers["x-waybill-trace-id"]
    batch = next(batch for batch in followed(browser) if first in traces(batch))
    second = product.ask().headers["x-waybill-trace-id"]
    later = next(followed(browser, after=batch["cursor"]))
    assert traces(later) == [second]


def traces(batch: Any) -> list[str]:
    """Whose rows came."""
    return [event["traceId"] for event in batch["events"]]


def followed(client: httpx.Client, **given: Any) -> Iterator[Any]:
    """The batches of the page's subscription, as server-sent events."""
    operation = OPERATIONS["Requests"]
    body = operation | {"variables": operation["variables"] | given}
    with client.stream("POST", "/graphql", json=body, headers={"accept": "text/event-stream"}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))["data"]["requestLogFeed"]
