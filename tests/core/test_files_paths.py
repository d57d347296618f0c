"""Which file of the repository holds what."""

from __future__ import annotations

import pytest

from core.config import Model, Project, Provider, Roles, Routing, Settings, Token
from core.paths import id_of, is_stray, kind_of, slug_of

PATHS = [
    ("waybill.yaml", Settings),
    ("roles.yaml", Roles),
    ("providers/a-1.yaml", Provider),
    ("models/gpt-5.yaml", Model),
    ("models/meta/llama-3.1.yaml", Model),
    ("projects/a/project.yaml", Project),
    ("projects/a/routing.yaml", Routing),
    ("projects/a/tokens/01JD.yaml", Token),
    ("README.md", None),
    (".gitattributes", None),
    ("providers/a.json", None),
    ("providers/A.yaml", None),
    ("providers/a/b.yaml", None),
    ("waybill.yml", None),
    ("x/waybill.yaml", None),
    ("models/.yaml", None),
    ("models/a/.git.yaml", None),
    ("models/a.yaml/b.yaml", None),
    ("projects/a/other.yaml", None),
    ("projects/a-/project.yaml", None),
    ("projects/a\n/project.yaml", None),
    (f"projects/{'a' * 64}/project.yaml", None),
    ("projects/a/tokens/x/y.yaml", None),
    ("projects/project.yaml", None),
]


@pytest.mark.parametrize(("path", "kind"), PATHS)
def test_a_path_says_what_a_file_is(path: str, kind: type | None) -> None:
    assert kind_of(path) is kind


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("waybill.yml", True),
        ("a.YAML", True),
        ("projects/a/x.yaml", True),
        ("README.md", False),
        (".github/workflows/a.yml", False),
        ("projects/.x/y.yaml", True),
        ("waybill.yaml", False),
    ],
)
def test_a_yaml_file_that_nothing_reads_is_a_stray(path: str, expected: bool) -> None:
    assert is_stray(path) is expected


def test_ids_and_slugs_are_read_off_paths() -> None:
    paths = ("models/meta/llama.yaml", "providers/a.yaml", "projects/s/tokens/t.yaml", "projects/s/project.yaml")
    assert [id_of(path) for path in paths] == ["meta/llama", "a", "t", "s"]
    assert slug_of("projects/s/tokens/t.yaml") == "s"
    assert slug_of("models/a.yaml") is None


@pytest.mark.parametrize(("length", "fits"), [(1, True), (63, True), (64, False)])
def test_a_slug_has_at_most_63_characters(length: int, fits: bool) -> None:
    assert (kind_of(f"projects/{'a' * length}/project.yaml") is Project) is fits
    assert (kind_of(f"providers/{'a' * length}.yaml") is Provider) is fits
