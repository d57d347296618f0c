"""The catalogue that is carried from revision to revision is the one that would be made of the revision itself."""

from __future__ import annotations

import pytest

from api.catalogue import Catalogue
from core import files
from tests.repositories import SMALL, project, token

CHANGES: dict[str, dict[str, bytes | None]] = {
    "a project comes": project("aaa"),
    "a project goes": {path: None for path in SMALL if path.startswith("projects/blog/")},
    "a project is renamed": {"projects/blog/project.yaml": b"id: p-blog\nname: Journal\n"},
    "a token comes": {"projects/shop/tokens/two.yaml": token(2)},
    "a token goes": {"projects/blog/tokens/one.yaml": None},
    "a token moves": {"projects/blog/tokens/one.yaml": None, "projects/shop/tokens/one.yaml": token(1)},
    "a routing names other models": {"projects/blog/routing.yaml": b"models: [{id: listed}]\n"},
    "a routing goes": {"projects/blog/routing.yaml": None},
    "a model comes": {"models/new.yaml": b"provider: sim\nupstream_name: new\n"},
    "the settings change": {"waybill.yaml": b"format: 1\ntimeouts: {timeout_ms: 5}\n"},
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_carried_catalogue_answers_as_a_fresh_one(what: str) -> None:
    before = files.load(SMALL)
    after = files.apply(before, CHANGES[what])
    carried = Catalogue(before, "r1").updated(after, "r2", CHANGES[what])
    fresh = Catalogue(after, "r2")
    assert (list(carried), carried.revision, carried.settings) == (list(fresh), "r2", fresh.settings)
    for entry in fresh:
        assert carried.project(entry.slug) == carried.project_by_id(entry.project.id) == entry
        assert carried.project_by_name(entry.project.name.upper()) == entry
        assert carried.tokens(entry.slug) == fresh.tokens(entry.slug)
    assert {path: carried.users(path) for path in after.files} == {path: fresh.users(path) for path in after.files}


def test_a_catalogue_finds_what_names_what() -> None:
    catalogue = Catalogue(files.load(SMALL), "r1")
    assert catalogue.users("models/fast.yaml") == {"projects/blog/routing.yaml", "projects/shop/routing.yaml"}
    assert catalogue.tokens("blog") == ["projects/blog/tokens/one.yaml"]
    assert catalogue.tokens("shop") == []
    sha256 = token(1).decode().split("sha256: ")[1][:64]
    assert catalogue.token_by_sha256(sha256) == "projects/blog/tokens/one.yaml"
    assert catalogue.project_by_name("nobody") is None
