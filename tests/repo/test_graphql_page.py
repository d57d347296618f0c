"""Every command of docs/graphql.md runs as it is printed and gets an answer without errors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.product import ROOT, Product
from tests.repo.blocks import blocks, on_ports_of

COMMANDS = [code for _, code in blocks((ROOT / "docs/graphql.md").read_text(encoding="utf-8"))]
STREAMING = "curl -sN"


def shown(answer: str) -> Any:
    """The data of a GraphQL answer."""
    said = json.loads(answer)
    assert "errors" not in said, said
    return said["data"]


@pytest.mark.parametrize("code", [code for code in COMMANDS if STREAMING not in code], ids=range(7))
def test_a_command_is_answered(product: Product, checkout: Path, code: str) -> None:
    assert product.ask().status_code == 200
    ran = subprocess.run(
        ["sh", "-euc", on_ports_of(product, code)], cwd=checkout, capture_output=True, text=True, timeout=50, check=True
    )
    data: dict[str, Any] = {}
    for line in ran.stdout.splitlines():
        data |= shown(line)
    if "tokenCreate" in data:
        assert [data[name]["__typename"] for name in ("projectCreate", "routingUpdate")] == ["ProjectCreated", "RoutingUpdated"]
        assert data["routingUpdate"]["project"]["models"] == ["sim-fast", "sim-smart"]
        assert product.ask(token=data["tokenCreate"]["value"]).status_code == 200
    if "providerCreate" in data:
        assert data["providerCreate"]["provider"]["credential"] == {"source": "SEALED", "origin": "https://api.groq.com"}
        assert data["modelCreate"]["model"]["prices"]["input"]
    if "projectUpdate" in data:
        assert data["projectUpdate"]["__typename"] == "ProjectUpdated"
        assert data["projectUpdate"]["change"]["changedFiles"] == ["projects/demo/project.yaml"]


def test_a_subscription_is_told_of_requests_as_they_end(product: Product, checkout: Path) -> None:
    (code,) = [code for code in COMMANDS if STREAMING in code]
    command = ["sh", "-euc", on_ports_of(product, code)]
    following = subprocess.Popen(command, cwd=checkout, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert following.stdout is not None
    try:
        assert product.ask().status_code == 200
        line = next(line for line in following.stdout if line.startswith("data: "))
        assert shown(line.removeprefix("data: "))["requestLogFeed"]["events"][0]["status"] == "success"
    finally:
        os.killpg(following.pid, signal.SIGKILL)
        following.communicate()
