"""Every command and every program of the README runs, in its order, against the Waybill that its first command starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.product import ROOT, Product
from tests.repo.blocks import blocks, on_ports_of

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = blocks(README)
START = "make run\n"


def test_the_readme_starts_with_make_run_and_has_an_example() -> None:
    assert BLOCKS[0] == ("sh", START)
    assert [language for language, _ in BLOCKS].count("python") >= 1


def test_the_readme_fits_a_screen() -> None:
    assert len(README.splitlines()) <= 50


@pytest.mark.parametrize(
    ("language", "code"), [block for block in BLOCKS if block[1] != START], ids=lambda part: part.splitlines()[0][:30]
)
def test_a_block_of_the_readme_runs(product: Product, checkout: Path, language: str, code: str) -> None:
    code = on_ports_of(product, code)
    command = {"sh": ["sh", "-euc", code], "python": [sys.executable, "-c", code]}[language]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, text=True, timeout=50, check=False)
    assert ran.returncode == 0, ran.stderr
    if "curl" in code or language == "python":
        assert ran.stdout.strip()
        assert '"error"' not in ran.stdout
