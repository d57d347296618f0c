"""The command of docs/frontends.md runs as it is printed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.e2e.product import ROOT, Product
from tests.repo.blocks import blocks, on_ports_of


def test_the_first_frontend_is_answered(product: Product, checkout: Path) -> None:
    [(_, code)] = blocks((ROOT / "docs/frontends.md").read_text(encoding="utf-8"))
    ran = subprocess.run(
        ["sh", "-euc", on_ports_of(product, code)], cwd=checkout, capture_output=True, text=True, timeout=50, check=True
    )
    named = {project["name"] for project in json.loads(ran.stdout)["data"]["projects"]["nodes"]}
    assert named >= {"Demo", "Support bot"}
