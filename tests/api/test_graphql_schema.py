"""`schema.graphql` is what the code says."""

from __future__ import annotations

from pathlib import Path

from graphql import build_schema, validate_schema

from api.graphql.export import sdl

FILE = Path(__file__).parents[2] / "schema.graphql"


def test_the_exported_schema_is_the_code_s() -> None:
    assert FILE.read_text() == sdl(), "run `python -m api.graphql.export schema.graphql` and read the difference"


def test_the_exported_schema_is_valid() -> None:
    assert validate_schema(build_schema(FILE.read_text())) == []
