"""A wrong revision that came past the hook: global files refuse it, a wrong project keeps its last good version, a wrong token
file disables its token, and every file that is not in use is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import files
from core.config import Config, Project, Routing
from core.crosscheck import cross_faults
from core.files import ConfigErrors
from tests.core.configurations import SOUND, token
from tests.core.test_files_references import PIECES, TREES, tree

WRONG = b"wrong: ["
T1 = "projects/a/tokens/t1.yaml"
PROJECT, ROUTING = "projects/a/project.yaml", "projects/a/routing.yaml"
B, C = "projects/b/project.yaml", "projects/c/project.yaml"
NEW = {"projects/c/project.yaml": b"id: id-c\nname: Gamma\n", "projects/c/tokens/t.yaml": token("c")}


@pytest.fixture(scope="module")
def sound() -> Config:
    return files.load(SOUND)


@pytest.mark.parametrize("path", ["waybill.yaml", "roles.yaml", "providers/sim.yaml", "models/gpt.yaml", "models/Gpt.yaml"])
def test_a_wrong_global_file_refuses_the_revision(sound: Config, path: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        files.apply_tolerant(sound, {path: WRONG, T1: None})
    assert [error.file for error in caught.value.errors] == [path]


@pytest.mark.parametrize("path", ["waybill.yaml", "roles.yaml", "providers/sim.yaml", "models/fast.yaml"])
def test_a_deleted_global_file_that_something_still_needs_refuses_the_revision(sound: Config, path: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        files.apply_tolerant(sound, {path: None})
    assert {error.file for error in caught.value.errors} == {path}


CASES: list[tuple[str, dict[str, bytes | None], dict[str, bytes | None], list[str]]] = [
    # (what happens, the changes, those of them that take effect, the files that are named)
    ("a wrong routing keeps the old one", {ROUTING: WRONG}, {}, [ROUTING]),
    ("a routing to a model that is not there keeps the old one", {ROUTING: b"models: [{id: x}]"}, {}, [ROUTING]),
    ("the whole project stays as it was", {ROUTING: WRONG, PROJECT: b"id: id-a\nname: New\n"}, {}, [PROJECT, ROUTING]),
    ("both files wrong keep both", {ROUTING: WRONG, PROJECT: WRONG}, {}, [PROJECT, ROUTING]),
    ("other projects go on", {ROUTING: WRONG, "projects/b/project.yaml": b"id: id-b\nname: B2\n"},
     {"projects/b/project.yaml": b"id: id-b\nname: B2\n"}, [ROUTING]),
    ("a wrong token file disables the token", {T1: WRONG}, {T1: None}, [T1]),
    ("so does one with another's hash", {T1: token("c"), **NEW}, {T1: token("c"), C: NEW[C]},
     ["projects/c/tokens/t.yaml"]),
    ("a revoked token stays revoked beside a wrong project", {ROUTING: WRONG, T1: None}, {T1: None}, [ROUTING]),
    ("a new token of a project kept back works", {ROUTING: WRONG, "projects/a/tokens/t2.yaml": token("two")},
     {"projects/a/tokens/t2.yaml": token("two")}, [ROUTING]),
    ("a new project that is wrong is left out with its tokens", {**NEW, "projects/c/project.yaml": WRONG}, {},
     ["projects/c/project.yaml", "projects/c/tokens/t.yaml"]),
    ("or with a wrong routing", {**NEW, "projects/c/routing.yaml": WRONG}, {},
     ["projects/c/project.yaml", "projects/c/routing.yaml", "projects/c/tokens/t.yaml"]),
    ("a deleted project leaves nothing behind", {PROJECT: None}, {PROJECT: None, ROUTING: None, T1: None}, [ROUTING, T1]),
    ("nor does a wrong routing bring it back", {PROJECT: None, ROUTING: WRONG, T1: None},
     {PROJECT: None, ROUTING: None, T1: None},
     [ROUTING]),
    ("a name that is taken keeps the old one", {B: b"id: id-b\nname: ALPHA\n"}, {}, [B]),
    ("a stray file hurts nobody", {"projects/a/x.yaml": b"", "y.yaml": b"", T1: token("two")}, {T1: token("two")},
     ["projects/a/x.yaml", "y.yaml"]),
    ("a sound change is applied whole", {ROUTING: b"models: []", **NEW}, {ROUTING: b"models: []", **NEW}, []),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "effect", "named"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_of_a_wrong_revision_what_is_sound_runs(
    sound: Config, changes: dict[str, bytes | None], effect: dict[str, bytes | None], named: list[str]
) -> None:
    result, errors = files.apply_tolerant(sound, changes)
    assert result == files.load(tree(SOUND, effect))
    assert sorted({error.file for error in errors}) == named


def test_what_is_held_back_with_its_project_is_named_from_its_first_line(sound: Config) -> None:
    _, errors = files.apply_tolerant(sound, {ROUTING: WRONG, PROJECT: b"id: id-a\nname: New\n"})
    [held] = [error for error in errors if error.file == PROJECT]
    assert (held.line, held.field) == (1, "")
    assert f"held back, as {ROUTING}" in held.reason


def test_a_name_may_be_taken_over_in_the_same_revision_only_if_both_changes_stand(sound: Config) -> None:
    """B takes A's old name while A's own change is wrong: A keeps its name, so B keeps its own too."""
    result, errors = files.apply_tolerant(sound, {PROJECT: WRONG, "projects/b/project.yaml": b"id: id-b\nname: Alpha\n"})
    assert result == sound
    assert [error.file for error in errors] == [PROJECT, "projects/b/project.yaml"]


def test_a_project_whose_last_good_version_needs_a_model_that_is_gone_refuses_the_revision(sound: Config) -> None:
    with pytest.raises(ConfigErrors, match=r"this change breaks projects/a/routing\.yaml"):
        files.apply_tolerant(sound, {ROUTING: WRONG, "models/fast.yaml": None})


def test_a_start_without_any_last_good_version_runs_what_is_sound() -> None:
    result, errors = files.apply_tolerant(Config(), {**SOUND, ROUTING: WRONG})
    assert not [path for path in result.files if path.startswith("projects/a/")]
    assert isinstance(result.files["projects/b/project.yaml"], Project)
    assert [error.file for error in errors] == [PROJECT, ROUTING, T1]
    # Nothing in the token's file is wrong: it is named as a whole, from its first line on.
    assert (errors[2].line, errors[2].field) == (1, "")
    assert errors[2].reason == f"left out with its project: see {PROJECT}"


def test_what_was_left_out_comes_back_when_it_is_handed_in_again_mended(sound: Config) -> None:
    result, errors = files.apply_tolerant(sound, {**NEW, "projects/c/project.yaml": WRONG})
    again = {error.file: NEW[error.file] for error in errors}
    mended, none = files.apply_tolerant(result, {**again, "projects/c/routing.yaml": b"models: [{id: fast}]"})
    assert none == ()
    assert isinstance(mended.files["projects/c/routing.yaml"], Routing)
    assert NEW.keys() <= mended.files.keys()


@given(before=TREES, after=TREES, missing=st.sets(st.sampled_from(sorted(PIECES))))
def test_what_runs_is_always_sound_and_all_else_is_named(
    before: dict[str, bytes | None], after: dict[str, bytes | None], missing: set[str]
) -> None:
    try:
        config = files.load(tree({}, before))
    except ConfigErrors:
        return
    changes = {path: data for path, data in after.items() if path not in missing}
    try:
        result, errors = files.apply_tolerant(config, changes)
    except ConfigErrors as refused:
        assert all(not error.file.startswith("projects/") for error in refused.errors)  # noqa: PT017  # either may happen
        return
    assert cross_faults(result.files, ()) == []
    named = {error.file for error in errors}
    for path, data in changes.items():
        if path not in named:
            assert result.files.get(path) == (None if data is None else files.parse(path, data))
    assert not errors or named
