"""The example of docs/explain.md is decided as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from core.explain import explain_file

PAGE = Path(__file__).parents[2] / "docs" / "explain.md"


def test_the_pages_example_is_decided() -> None:
    [document] = re.findall(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)
    shown = msgspec.json.decode(explain_file(document.encode()))
    assert sorted(shown["order"]) == ["fast", "smart"]
    assert [limit["used"] for limit in shown["limits"]] == [250_000_000, 0]
