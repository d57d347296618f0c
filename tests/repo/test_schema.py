"""`schema.graphql` is what the code serves: a frontend may be generated from it."""

from __future__ import annotations

from pathlib import Path

from api.graphql.export import sdl

ROOT = Path(__file__).parents[2]


def test_the_exported_schema_is_the_codes() -> None:
    exported = (ROOT / "schema.graphql").read_text(encoding="utf-8")
    assert exported == sdl(), "run: .venv/bin/python -m api.graphql.export schema.graphql"
