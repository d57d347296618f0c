"""`docs/dashboard.md` shows every page of the dashboard, in pictures that are there and small."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = DOCS / "screenshots"
MOST_BYTES = 2_000_000
SHOWN = set(re.findall(r"!\[[^\]]+\]\(screenshots/([\w-]+)\.png\)", (DOCS / "dashboard.md").read_text(encoding="utf-8")))


def test_every_picture_is_shown_and_every_one_shown_is_there() -> None:
    assert {path.stem for path in PICTURES.iterdir()} == SHOWN


def test_every_page_has_a_picture() -> None:
    pages = pytest.importorskip("tests.dashboard.pages", reason="needs Playwright for Python", exc_type=ImportError)
    assert set(pages.PAGES) - SHOWN == set()


def test_the_pictures_are_of_one_size_and_small_together() -> None:
    pictures = {path.name: path.read_bytes() for path in PICTURES.iterdir()}
    # A PNG's width and height stand at its sixteenth byte.
    assert {name: size for name, png in pictures.items() if (size := struct.unpack(">II", png[16:24])) != (1280, 800)} == {}
    assert sum(map(len, pictures.values())) < MOST_BYTES
