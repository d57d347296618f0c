"""A client of the released schema goes on working, unless its end is wanted and written down; and everything is described."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from graphql import build_schema

from tests.node import needs
from tests.repo.schema_changes import INSPECTOR, broken, broken_by_inspector, named, undescribed, unwanted

ROOT = Path(__file__).parents[2]
NOW = ROOT / "schema.graphql"
RELEASED = ROOT / "docs" / "schema" / "released.graphql"
BREAKING = ROOT / "docs" / "schema" / "breaking.yaml"
ALLOWED: dict[str, str] = yaml.safe_load(BREAKING.read_text(encoding="utf-8")) or {}

MEND = "undo it, or say why it is wanted in docs/schema/breaking.yaml and CHANGELOG.md"


def test_nothing_is_undescribed() -> None:
    assert undescribed(build_schema(NOW.read_text(encoding="utf-8"))) == []


def test_no_breaking_change_is_unnoticed() -> None:
    changes = broken(*(build_schema(path.read_text(encoding="utf-8")) for path in (RELEASED, NOW)))
    assert unwanted(changes, ALLOWED) == [], MEND


@needs(INSPECTOR)
def test_graphql_inspector_notices_no_other() -> None:
    assert unwanted(broken_by_inspector(RELEASED, NOW), ALLOWED) == [], MEND


def test_what_may_break_does_break_has_a_reason_and_is_in_the_changelog() -> None:
    changes = broken(*(build_schema(path.read_text(encoding="utf-8")) for path in (RELEASED, NOW)))
    unreleased = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8").split("\n## ")[1]
    for coordinate, reason in ALLOWED.items():
        assert len(str(reason)) > 10, f"{coordinate} has no reason"
        assert any(coordinate in named(change) for change in changes), f"{coordinate} does not break: take it out"
        assert f"`{coordinate}`" in unreleased, f"CHANGELOG.md does not name `{coordinate}` under Unreleased"


BEFORE = '''
"""Q."""
type Query { "A." a("X." x: Int): Int "B." b: String! "E." e: E "U." u("I." i: I): U }
"""E."""
enum E { "A." A "B." B }
"""I."""
input I { "X." x: Int }
"""M."""
type M { "X." x: Int }
"""U."""
union U = Query | M
'''


@pytest.mark.parametrize(
    ("was", "is_now", "coordinate"),
    [
        ('"A." a(', '"A." other(', "Query.a"),
        ('("X." x: Int)', '("X." x: Int!)', "Query.a.x"),
        ('("X." x: Int)', "", "Query.a.x"),
        ("b: String!", "b: String", "Query.b"),
        ('"B." B', "", "E.B"),
        ('input I { "X." x: Int', 'input I { "X." x: Int "Y." y: Int!', "I.y"),
        ('input I { "X." x: Int', 'input I { "X." x: String', "I.x"),
        ("Query | M", "Query", "U"),
    ],
)
def test_what_would_break_is_found_and_can_be_allowed(tmp_path: Path, was: str, is_now: str, coordinate: str) -> None:
    after = BEFORE.replace(was, is_now)
    changes = broken(build_schema(BEFORE), build_schema(after))
    assert unwanted(changes, {})
    assert unwanted(changes, {"Query.other": "of something else"}) == changes
    assert unwanted(changes, {coordinate: "wanted"}) == []


@needs(INSPECTOR)
def test_graphql_inspector_finds_the_same(tmp_path: Path) -> None:
    before, after = tmp_path / "before.graphql", tmp_path / "after.graphql"
    before.write_text(BEFORE)
    after.write_text(
        BEFORE.replace("b: String!", "b: String").replace('("X." x: Int)', '("X." x: Int!)').replace("Query | M", "Query")
    )
    changes = broken_by_inspector(before, after)
    assert len(changes) == 3
    assert unwanted(changes, {}) == changes
    assert unwanted(changes, {"Query.b": "", "Query.a.x": "", "U": ""}) == []


def test_what_says_nothing_is_found() -> None:
    silent = "directive @d(x: Int) on FIELD type Query { a(x: Int): E } enum E { A } input I { x: Int } scalar S"
    found = undescribed(build_schema(silent))
    assert found == ["Query", "Query.a", "Query.a.x", "E", "E.A", "I", "I.x", "S", "@d", "@d.x"]
    assert undescribed(build_schema(BEFORE)) == []
