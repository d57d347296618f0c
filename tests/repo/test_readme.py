"""Every command and every program of the README runs, in its order, against the Waybill that its first command starts."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.product import ROOT, Product

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
START = "make run\n"


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """What `make run` starts, on free ports and with a data folder of its own."""
    data = tmp_path_factory.mktemp("readme") / "data"
    product = Product(data)
    addresses = [f"{name.upper()}=127.0.0.1:{product.ports[name]}" for name in ("proxy", "api")]
    product.command = ("make", "run", f"DATA={data}", *addresses)
    try:
        yield product.start()
        product.stop()
    finally:
        product.close()


@pytest.fixture
def checkout(product: Product, tmp_path: Path) -> Path:
    """A folder that looks like the root of a checkout to the README's commands."""
    (tmp_path / "data").symlink_to(product.data)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return tmp_path


def test_the_readme_starts_with_make_run_and_has_an_example() -> None:
    assert BLOCKS[0] == ("sh", START)
    assert [language for language, _ in BLOCKS].count("python") >= 1


def test_the_readme_fits_a_screen() -> None:
    assert len(README.splitlines()) <= 50


@pytest.mark.parametrize(
    ("language", "code"), [block for block in BLOCKS if block[1] != START], ids=lambda part: part.splitlines()[0][:30]
)
def test_a_block_of_the_readme_runs(product: Product, checkout: Path, language: str, code: str) -> None:
    code = code.replace("127.0.0.1:8080", f"127.0.0.1:{product.ports['proxy']}")
    code = code.replace("127.0.0.1:8081", f"127.0.0.1:{product.ports['api']}")
    command = {"sh": ["sh", "-euc", code], "python": [sys.executable, "-c", code]}[language]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == 0, ran.stderr
    if "curl" in code or language == "python":
        assert ran.stdout.strip()
        assert '"error"' not in ran.stdout
