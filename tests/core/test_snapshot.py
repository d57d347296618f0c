"""Snapshots: what the proxy looks up, and deltas that give exactly what building anew would give, or are refused."""

from __future__ import annotations

import time

import msgspec
import pytest
from hypothesis import given

from core import files
from core.config import Config, Token
from core.files import ConfigErrors
from core.snapshot import (
    Delta,
    DeltaMismatch,
    DeltaUnreadable,
    Snapshot,
    decode_delta,
    difference,
    encode_delta,
    full_delta,
)
from tests.core.configurations import SOUND, sample, sha256, token
from tests.core.test_files_references import PIECES, TREES, tree

T1 = "projects/a/tokens/t1.yaml"
HASH = bytes.fromhex("1" * 63 + "a")


@pytest.fixture(scope="module")
def sound() -> Config:
    return files.load(SOUND)


def built(config: Config, revision: str = "r1") -> Snapshot:
    return Snapshot.build(decode_delta(encode_delta(full_delta(config, revision))))


def stepped(snapshot: Snapshot, old: Config, new: Config, revision: str = "r2") -> Snapshot:
    return snapshot.apply(decode_delta(encode_delta(difference(old, snapshot.revision, new, revision))))


def test_a_full_snapshot_finds_models_providers_tokens_and_settings(sound: Config) -> None:
    snapshot = built(sound)
    assert snapshot.revision == "r1"
    assert snapshot.settings == sound.settings
    assert sorted(snapshot.models) == ["fast", "gpt", "team/smart"]
    assert sorted(snapshot.providers) == ["oai", "sim"]
    entry = snapshot.token(HASH)
    assert entry is not None
    assert (entry.id, entry.project, entry.token, entry.valid_until_ms) == ("t1", "a", sound.files[T1], None)
    assert snapshot.token(b"?" * 32) is None
    assert snapshot.plan("nobody") is None


def test_a_full_snapshot_keeps_every_value_through_its_json(sound: Config) -> None:
    config = files.load(sample())
    assert decode_delta(encode_delta(full_delta(config, "r"))).changed == config.files
    assert decode_delta(encode_delta(full_delta(sound, "r", {T1: "why"}))) == full_delta(sound, "r", {T1: "why"})


def test_expiry_and_grace_end_when_the_file_says(sound: Config) -> None:
    more = f"expires_at: 1970-01-01T01:00:01+01:00\nformer: {{sha256: {sha256('old')}, valid_until: 1970-01-01T00:00:00.5Z}}\n"
    snapshot = built(files.apply(sound, {T1: token("new", more)}))
    now, former = snapshot.token(bytes.fromhex(sha256("new"))), snapshot.token(bytes.fromhex(sha256("old")))
    assert now is not None
    assert former is not None
    assert (now.valid_until_ms, former.valid_until_ms) == (1_000, 500)
    assert former.token is now.token


def test_a_former_value_does_not_outlive_its_token(sound: Config) -> None:
    more = f"expires_at: 1970-01-01T00:00:01Z\nformer: {{sha256: {sha256('old')}, valid_until: 1970-01-02T00:00:00Z}}\n"
    former = built(files.apply(sound, {T1: token("new", more)})).token(bytes.fromhex(sha256("old")))
    assert former is not None
    assert former.valid_until_ms == 1_000


TOKEN_CHANGES: list[tuple[str, dict[str, bytes | None], str | None]] = [
    ("revoked", {T1: None}, None),
    ("replaced", {T1: token("other")}, None),
    ("moved to another project", {T1: None, "projects/b/tokens/x.yaml": SOUND[T1]}, "b"),
    ("given to a file before it", {T1: token("other"), "projects/a/tokens/a.yaml": SOUND[T1]}, "a"),
    ("deleted with its project", {path: None for path in SOUND if path.startswith("projects/a/")}, None),
]


@pytest.mark.parametrize(("changes", "owner"), [case[1:] for case in TOKEN_CHANGES], ids=[case[0] for case in TOKEN_CHANGES])
def test_a_token_leads_to_its_file_of_this_revision(sound: Config, changes: dict[str, bytes | None], owner: str | None) -> None:
    before = built(sound)
    after = stepped(before, sound, files.apply(sound, changes))
    found = after.token(HASH)
    assert (found and found.project) == owner
    assert before.token(HASH) is not None, "the old snapshot stays as it was"


def test_a_delta_holds_only_what_changed(sound: Config) -> None:
    changed = files.apply(
        sound, {T1: None, "projects/b/project.yaml": b"id: id-b\nname: New\n", "waybill.yaml": b"# x\nformat: 1"}
    )
    delta = difference(sound, "r1", changed, "r2", {"x": "y"})
    assert list(delta.changed) == ["projects/b/project.yaml"]
    assert (delta.base, delta.revision, delta.removed, delta.degraded) == ("r1", "r2", (T1,), {"x": "y"})
    assert Snapshot.build(full_delta(sound, "r1")).apply(delta).degraded == {"x": "y"}


def test_a_price_written_with_other_digits_is_carried_along(sound: Config) -> None:
    """1 and 1.00 are equal but not the same text: were it left out of the delta, its digest would not fit."""
    changed = files.apply(sound, {"models/fast.yaml": SOUND["models/fast.yaml"].replace(b"input: 1", b"input: 1.00")})
    assert stepped(built(sound), sound, changed).models["fast"].prices is not None


def refused(sound: Config) -> list[tuple[str, Delta]]:
    delta = difference(sound, "r1", files.apply(sound, {T1: None}), "r2")
    change = msgspec.structs.replace
    return [
        ("another base", change(delta, base="r0")),
        ("a full snapshot", full_delta(sound, "r1")),
        ("another digest", change(delta, digest="0" * 64)),
        ("a removal lost", change(delta, removed=())),
        ("a removal too many", change(delta, removed=(T1, "models/gpt.yaml"))),
        ("a file swapped", change(delta, changed={"models/gpt.yaml": sound.files["models/fast.yaml"]})),
    ]


def test_a_delta_that_does_not_fit_is_refused_and_changes_nothing(sound: Config) -> None:
    snapshot = built(sound)
    for what, delta in refused(sound):
        with pytest.raises(DeltaMismatch):
            snapshot.apply(delta)
        assert snapshot.token(HASH) is not None, what


def test_a_snapshot_is_built_of_a_full_delta_alone(sound: Config) -> None:
    with pytest.raises(DeltaMismatch):
        Snapshot.build(difference(Config(), "r0", sound, "r1"))
    with pytest.raises(DeltaMismatch):
        Snapshot.build(msgspec.structs.replace(full_delta(sound, "r1"), digest="1" * 64))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b"\xff", b"{}", b'{"revision":"r","base":null,"digest":"","changed":{"x.txt":{}}}',
     b'{"revision":"r","base":null,"digest":"","changed":{"waybill.yaml":{"format":1,"newer":2}}}',
     b'{"revision":"r","base":null,"digest":"","changed":{"roles.yaml":{"roles":{"admin":{"permissions":[]}}}}}',
     b'{"revision":"r","base":null,"digest":"","changed":{},"newer":1}'],
)  # fmt: skip
def test_bytes_that_are_no_delta_of_this_version_are_unreadable(data: bytes) -> None:
    with pytest.raises(DeltaUnreadable):
        decode_delta(data)


def test_a_full_delta_torn_anywhere_is_unreadable(sound: Config) -> None:
    data = encode_delta(full_delta(sound, "r1"))
    for end in range(0, len(data), 97):
        with pytest.raises(DeltaUnreadable):
            decode_delta(data[:end])


@given(before=TREES, after=TREES)
def test_applying_a_delta_is_building_anew(before: dict[str, bytes | None], after: dict[str, bytes | None]) -> None:
    try:
        old, new = files.load(tree({}, before)), files.load(tree({}, after))
    except ConfigErrors:
        return
    first = built(old)
    plans = {slug: first.plan(slug) for slug in ("a", "b")}
    delta = difference(old, "r1", new, "r2")
    stepwise, anew = stepped(first, old, new), built(new, "r2")
    assert delta.digest == full_delta(new, "r2").digest == full_delta(Config(files=new.files), "r2").digest
    assert (delta.digest == full_delta(old, "r1").digest) == (old == new)
    assert all(getattr(stepwise, name) == getattr(anew, name) for name in ("settings", "models", "providers", "revision"))
    for value in ("one", "two"):
        assert stepwise.token(bytes.fromhex(sha256(value))) == anew.token(bytes.fromhex(sha256(value)))
    for slug in ("a", "b"):
        assert stepwise.plan(slug) == anew.plan(slug)
        assert first.plan(slug) == plans[slug], "the old snapshot keeps its plans"
    assert set(PIECES) >= {path for path, file in new.files.items() if isinstance(file, Token)}


def test_a_delta_holds_the_loop_for_less_than_ten_milliseconds_at_ten_thousand_tokens() -> None:
    many = dict(SOUND)
    for number in range(1000):
        many[f"projects/p{number}/project.yaml"] = f"id: i{number}\nname: n{number}".encode()
        many[f"projects/p{number}/routing.yaml"] = b"models: [{id: fast}, {id: team/smart}]"
        many |= {f"projects/p{number}/tokens/{each}.yaml": token(f"{number}/{each}") for each in range(10)}
    config = files.load(many)
    snapshot = built(config)
    for change in ({"projects/p5/tokens/5.yaml": None}, {"models/fast.yaml": b"provider: sim\nupstream_name: faster"}):
        delta = difference(config, "r1", files.apply(config, change), "r2")
        spent = []
        for _ in range(5):
            begun = time.process_time()
            snapshot.apply(delta)
            spent.append(time.process_time() - begun)
        assert min(spent) < 0.01
