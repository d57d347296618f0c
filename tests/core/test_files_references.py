"""Files against each other: names that exist and names that are unique, told where somebody changed something."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import files
from core.config import Config
from core.digest import content_sum
from core.files import ConfigErrors
from core.references import indexed, references
from tests.core.configurations import SOUND, sample, sha256, token

ROUTING = b"models:\n- id: fast\n- id: team/smart\npolicies:\n- kind: health\n"

# (what is changed in a sound configuration, the whole error)
BROKEN: list[tuple[dict[str, bytes | None], str]] = [
    ({"waybill.yaml": None}, "waybill.yaml:1: is missing: a configuration begins with `format: 1` in it"),
    (
        {"models/gpt.yaml": b"upstream_name: gpt\nprovider: oia\n"},
        "models/gpt.yaml:2: provider: there is no provider `oia`: providers/oia.yaml would be its file",
    ),
    (
        {"models/gpt.yaml": b"provider: oai\nupstream_name: gpt\nsimulation:\n  seed: 1\n"},
        "models/gpt.yaml:3: simulation: provider `oai` is of kind `openai`: only models of a simulated one have it",
    ),
    (
        {"projects/b/routing.yaml": b"models:\n- id: fast\n- id: fats\n"},
        "projects/b/routing.yaml:3: models[1].id: there is no model `fats`: models/fats.yaml would be its file",
    ),
    (
        {"models/team/smart.yaml": None},
        "models/team/smart.yaml:1: this change breaks projects/a/routing.yaml: models[1].id: there is no model `team/smart`: "
        "models/team/smart.yaml would be its file",
    ),
    (
        {"providers/sim.yaml": None},
        "providers/sim.yaml:1: this change breaks models/fast.yaml: provider: there is no provider `sim`: "
        "providers/sim.yaml would be its file\n"
        "providers/sim.yaml:1: this change breaks models/team/smart.yaml: provider: there is no provider `sim`: "
        "providers/sim.yaml would be its file",
    ),
    (
        {"projects/c/tokens/t.yaml": token("t")},
        "projects/c/tokens/t.yaml:1: its project has no projects/c/project.yaml",
    ),
    ({"projects/c/routing.yaml": b"models: []"}, "projects/c/routing.yaml:1: its project has no projects/c/project.yaml"),
    (
        {"projects/a/project.yaml": None},
        "projects/a/project.yaml:1: this change breaks projects/a/routing.yaml: its project has no projects/a/project.yaml\n"
        "projects/a/project.yaml:1: this change breaks projects/a/tokens/t1.yaml: its project has no projects/a/project.yaml",
    ),
    (
        {"projects/a/tokens/t9.yaml": token("x", "models:\n- id: nope\n  limits: {mode: disable}\n")},
        "projects/a/tokens/t9.yaml:5: models[0].id: there is no model `nope`: models/nope.yaml would be its file",
    ),
    (
        {"projects/b/project.yaml": b"id: id-b\nname: ' ALPHA'\n"},
        "projects/b/project.yaml:2: name: this name (upper and lower case alike) is that of projects/a/project.yaml: "
        "it must be unique",
    ),
    (
        {
            "projects/a/project.yaml": "id: id-a\nname: Caf\u00e9\n".encode(),
            "projects/b/project.yaml": "id: id-b\nname: CAFE\u0301\n".encode(),
        },
        "projects/b/project.yaml:2: name: this name (upper and lower case alike) is that of projects/a/project.yaml: "
        "it must be unique",
    ),
    (
        {"projects/a/project.yaml": b"id: id-b\nname: Alpha\n"},
        "projects/a/project.yaml:1: id: this id is that of projects/b/project.yaml: it must be unique",
    ),
    (
        {"projects/b/tokens/t.yaml": SOUND["projects/a/tokens/t1.yaml"]},
        "projects/b/tokens/t.yaml:2: sha256: this SHA-256 is that of projects/a/tokens/t1.yaml: it must be unique",
    ),
    (
        {"projects/b/tokens/t.yaml": token("x", f"former: {{sha256: {'1' * 63}a, valid_until: 2027-01-01T00:00:00Z}}\n")},
        "projects/b/tokens/t.yaml:4: former.sha256: this SHA-256 is that of projects/a/tokens/t1.yaml: it must be unique",
    ),
    (
        # Of two files of one change the first by its path keeps it, wherever in them it stands.
        {
            "projects/a/tokens/t.yaml": token("x"),
            "projects/b/tokens/t.yaml": token("y", f"former: {{sha256: {sha256('x')}, valid_until: 2027-01-01T00:00:00Z}}\n"),
        },
        "projects/b/tokens/t.yaml:4: former.sha256: this SHA-256 is that of projects/a/tokens/t.yaml: it must be unique",
    ),
    (
        {"projects/b/tokens/t.yaml": token("x", f"former: {{sha256: {sha256('x')}, valid_until: 2027-01-01T00:00:00Z}}\n")},
        "projects/b/tokens/t.yaml:4: former.sha256: this SHA-256 is that of this file: it must be unique",
    ),
    (
        {"providers/oai.yaml": b"kind: openai\nproject: nobody\n"},
        "providers/oai.yaml:2: project: there is no project `nobody`: projects/nobody/project.yaml would be its file",
    ),
    (
        {"projects/b/project.yaml": b"id: id-b\nname: Beta\nmembers:\n- user: x@y\n  role: boss\n"},
        "projects/b/project.yaml:5: members[0].role: there is no role `boss`: known are `admin`, `auditor`, `editor`, `viewer`",
    ),
    (
        {"roles.yaml": None},
        "roles.yaml:1: this change breaks projects/a/project.yaml: members[0].role: there is no role `auditor`: "
        "known are `admin`, `editor`, `viewer`",
    ),
    (
        {"projects/b/project.yaml": b"id: id-b\nname: Beta\npass_through:\n  default_provider: x\n"},
        "projects/b/project.yaml:4: pass_through.default_provider: there is no provider `x`: "
        "providers/x.yaml would be its file",
    ),
]


@pytest.fixture(scope="module")
def sound() -> Config:
    return files.load(SOUND)


@pytest.mark.parametrize(("changes", "sentence"), BROKEN)
def test_a_broken_reference_is_told_where_something_was_changed(
    sound: Config, changes: dict[str, bytes | None], sentence: str
) -> None:
    with pytest.raises(ConfigErrors) as caught:
        files.apply(sound, changes)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("changes", [changes for changes, _ in BROKEN])
def test_what_cannot_be_applied_cannot_be_loaded(changes: dict[str, bytes | None]) -> None:
    with pytest.raises(ConfigErrors):
        files.load(tree(SOUND, changes))


SOUND_CHANGES: list[dict[str, bytes | None]] = [
    {},
    {"README.md": None, "docs/x.txt": b"\xff"},
    {"roles.yaml": None, "projects/a/project.yaml": b"id: id-a\nname: Alpha\n"},
    {"projects/b/routing.yaml": ROUTING},
    {"projects/a/routing.yaml": None},
    {"projects/a/routing.yaml": b"# nothing yet\n"},
    {path: None for path in SOUND if path.startswith("projects/a/")},
    {"models/fast.yaml": None, "projects/a/routing.yaml": b"models: [{id: gpt}]"},
    {"projects/a/project.yaml": b"id: id-a\nname: Beta\n", "projects/b/project.yaml": b"id: id-b\nname: Alpha\n"},
    {"projects/a/tokens/t1.yaml": None, "projects/b/tokens/t1.yaml": SOUND["projects/a/tokens/t1.yaml"]},
    {"providers/oai.yaml": b"kind: openai\nproject: a\ncredential: {sealed: " + b"Zm9v" * 40 + b"}\n"},
    {"models/new.yaml": b"provider: new\nupstream_name: x", "providers/new.yaml": b"kind: anthropic"},
    {".github/workflows/check.yaml": b"on: push"},
]


@pytest.mark.parametrize("changes", SOUND_CHANGES)
def test_a_sound_change_gives_what_loading_the_result_gives(sound: Config, changes: dict[str, bytes | None]) -> None:
    applied = files.apply(sound, changes)
    assert applied == files.load(tree(SOUND, changes))
    assert applied.content_sum == content_sum(applied.files)
    assert applied.index == references(applied.files)


def test_an_index_is_made_where_there_is_none_and_kept_where_there_is_one(sound: Config) -> None:
    bare = Config(files=sound.files, content_sum=sound.content_sum)
    made = indexed(bare)
    assert (made.files, made.index) == (bare.files, references(bare.files))
    assert indexed(made) is made


def test_a_project_that_a_provider_is_for_cannot_be_deleted(sound: Config) -> None:
    own = files.apply(sound, {"providers/own.yaml": b"kind: simulated\nproject: b\n"})
    with pytest.raises(ConfigErrors, match=r"this change breaks providers/own\.yaml"):
        files.apply(own, {path: None for path in SOUND if path.startswith("projects/b/")})
    assert "providers/own.yaml" not in files.apply(own, {"providers/own.yaml": None}).files


def test_a_provider_that_a_pass_through_names_cannot_be_deleted(sound: Config) -> None:
    project = b"id: id-b\nname: Beta\npass_through: {default_provider: own}\n"
    named = files.apply(sound, {"providers/own.yaml": b"kind: simulated\n", "projects/b/project.yaml": project})
    with pytest.raises(ConfigErrors, match=r"this change breaks projects/b/project\.yaml"):
        files.apply(named, {"providers/own.yaml": None})


def test_all_errors_of_all_files_are_told_in_order(sound: Config) -> None:
    with pytest.raises(ConfigErrors) as caught:
        files.apply(sound, {"models/fast.yaml": b"upstream: x\n", "roles.yaml": b"[", "other.yaml": b""})
    assert [(error.file, error.line, error.field) for error in caught.value.errors] == [
        ("models/fast.yaml", 1, "provider"),
        ("models/fast.yaml", 1, "upstream"),
        ("models/fast.yaml", 1, "upstream_name"),
        ("other.yaml", 1, ""),
        ("roles.yaml", 2, ""),
    ]


def test_a_change_that_breaks_very_much_names_a_few_and_counts_the_rest(sound: Config) -> None:
    models: dict[str, bytes | None] = {f"models/m{number:02}.yaml": b"provider: new\nupstream_name: x" for number in range(20)}
    many = files.apply(sound, {"providers/new.yaml": b"kind: simulated", **models})
    with pytest.raises(ConfigErrors) as caught:
        files.apply(many, {"providers/new.yaml": None})
    assert len(caught.value.errors) == 5
    assert str(caught.value).splitlines()[0].startswith("providers/new.yaml:1: this change breaks models/m00.yaml: provider: ")
    assert str(caught.value).endswith("(and 15 more)")


def test_an_applied_change_leaves_the_old_configuration_alone(sound: Config) -> None:
    before = dict(sound.files)
    files.apply(sound, {"projects/b/project.yaml": b"id: id-b\nname: New\n"})
    assert sound.files == before


def test_the_sample_configuration_is_sound() -> None:
    loaded = files.load(sample())
    assert {"projects/demo/routing.yaml", "projects/support-bot/project.yaml", "models/sim-fast.yaml"} <= loaded.files.keys()


PIECES: dict[str, list[bytes | None]] = {
    "waybill.yaml": [b"format: 1", b"format: 1\ntimeouts: {timeout_ms: 9}"],
    "providers/sim.yaml": [None, b"kind: simulated", b"kind: simulated\nproject: b"],
    "models/fast.yaml": [None, b"provider: sim\nupstream_name: f", b"provider: oai\nupstream_name: f", b"provider: 1"],
    "projects/a/project.yaml": [None, b"id: a\nname: A", b"id: b\nname: B", b"id: a\nname: ''"],
    "projects/b/project.yaml": [None, b"id: b\nname: B", b"id: b\nname: A"],
    "projects/a/routing.yaml": [None, b"models: [{id: fast}]", b"models: [", b"models: []"],
    "projects/a/tokens/t.yaml": [None, token("one"), token("two")],
    "projects/b/tokens/t.yaml": [None, token("one"), b"name: x"],
}
TREES = st.fixed_dictionaries({path: st.sampled_from(variants) for path, variants in PIECES.items()})


@given(before=TREES, after=TREES)
def test_applying_is_loading(before: dict[str, bytes | None], after: dict[str, bytes | None]) -> None:
    """Whatever the two trees: a change is accepted exactly when the result would be, and gives the same."""
    try:
        config = files.load(tree({}, before))
    except ConfigErrors:
        return
    loaded, load_errors = outcome(lambda: files.load(tree({}, after)))
    applied, apply_errors = outcome(lambda: files.apply(config, after))
    assert applied == loaded
    assert bool(apply_errors) == bool(load_errors)


def outcome(attempt: object) -> tuple[Config | None, str]:
    assert callable(attempt)
    try:
        return attempt(), ""
    except ConfigErrors as errors:
        return None, str(errors)


def tree(before: dict[str, bytes], changes: dict[str, bytes | None]) -> dict[str, bytes]:
    return {path: data for path, data in {**before, **changes}.items() if data is not None}


def test_a_change_in_eleven_thousand_files_costs_little_more_than_itself() -> None:
    many = dict(SOUND)
    for number in range(1000):
        many[f"projects/p{number}/project.yaml"] = f"id: i{number}\nname: n{number}".encode()
        many |= {f"projects/p{number}/tokens/{each}.yaml": token(f"{number}/{each}") for each in range(10)}
    config = files.load(many)
    spent = []
    for attempt in range(5):
        begun = time.process_time()
        files.apply(config, {"projects/p500/tokens/0.yaml": token(f"new {attempt}")})
        spent.append(time.process_time() - begun)
    assert min(spent) < 0.01
