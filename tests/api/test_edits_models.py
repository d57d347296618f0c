"""Edits of models, providers, roles and settings: what they write, what they refuse, and that untouched lines stay."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.access import Grant
from api.edits import EditRejected, models, providers, roles, settings
from api.edits.permissions import Need, needed
from api.edits.providers import CredentialWish
from core import files
from core.config import Model
from core.yaml_strict import load

PROVIDER = b"""\
# Ours. Ask Kim.
kind: openai   # the wire

base_url: https://api.openai.com/v1  # where
credential:   # how
  # rotated in May
  sealed: Ym94   # the box
  origin: https://api.openai.com
enabled: true
"""
MODEL = b"""\
provider: sim   # simulated
upstream_name: "m-1"

# USD per million.
prices: {input: 0.5, output: 1.50}   # exact
capabilities:
  vision: true   # tested
context_window: 8000
"""
ROLES = b"# ours\nroles:\n  # looks\n  auditor:\n    permissions: [report:read]   # only\n"
CONFIG = files.load({
    "waybill.yaml": b"format: 1\n",
    "providers/sim.yaml": b"kind: simulated\n",
    "models/used.yaml": b"provider: sim\nupstream_name: u\n",
    "models/free.yaml": b"provider: sim\nupstream_name: f\n",
    "projects/a/project.yaml": b"id: a\nname: A\n",
    "models/judge.yaml": b"provider: sim\nupstream_name: j\n",
    "models/limited.yaml": b"provider: sim\nupstream_name: l\n",
    "projects/a/routing.yaml": b"models: [{id: used}]\npolicies: [{kind: llm, model: judge, fallback_models: [judge]}]\n",
    "projects/b/project.yaml": b"id: b\nname: B\n",
    "projects/b/routing.yaml": b"models: [{id: used}]\n",
    "projects/b/tokens/t.yaml": b"name: CI\nsha256: "
    + b"ab" * 32
    + b"\nprefix: sk-lr-abcd\nmodels: [{id: used, limits: {mode: disable}}, {id: limited, limits: {mode: disable}}]\n",
})  # fmt: skip


def box(provider: str, origin: str) -> dict[str, Any]:
    return {"sealed": f"box-of-{provider}", "origin": origin}


SEALED = CredentialWish(box)
PATH = "providers/openai.yaml"


def lines_gone(before: bytes, after: bytes) -> list[str]:
    kept = after.decode().splitlines()
    return [line for line in before.decode().splitlines() if line not in kept]


def test_another_key_touches_the_credential_alone() -> None:
    after = providers.with_key({PATH: PROVIDER}, "openai", SEALED)[PATH]
    assert lines_gone(PROVIDER, after) == ["  sealed: Ym94   # the box"]
    assert load(after)["credential"] == {"sealed": "box-of-openai", "origin": "https://api.openai.com"}  # type: ignore[index,call-overload]  # a mapping


@pytest.mark.parametrize(
    ("base_url", "refused"),
    [
        ("https://api.openai.com/v2", False),
        ("https://API.openai.com:443", False),
        (None, False),
        ("http://api.openai.com/v1", True),
        ("https://api.openai.com:8443/v1", True),
        ("https://api.openai.com.evil.example/v1", True),
    ],
)
def test_a_key_stays_with_its_origin(base_url: str | None, refused: bool) -> None:
    def edit(credential: CredentialWish | None) -> dict[str, bytes]:
        return providers.updated({PATH: PROVIDER}, "openai", {"base_url": base_url}, credential)

    if refused:
        with pytest.raises(EditRejected, match="give it again"):
            edit(None)
    else:
        edit(None)
    assert b"box-of-openai" in edit(SEALED)[PATH]
    assert b"credential" not in edit(CredentialWish(None))[PATH]


def test_a_file_without_a_kind_or_address_is_not_given_a_key() -> None:
    with pytest.raises(EditRejected, match="baseUrl"):
        providers.with_key({PATH: b"kind: azure\n"}, "openai", SEALED)
    with pytest.raises(EditRejected, match="credential"):
        providers.with_key({PATH: b"kind: simulated\n"}, "openai", SEALED)


def test_an_update_of_a_model_keeps_every_other_line() -> None:
    wish = {"prices": {"input": 1, "output": Decimal("1.5")}, "capabilities": {"vision": None, "json": False}}
    after = models.updated({"models/m.yaml": MODEL}, "m", wish)["models/m.yaml"]
    assert load(after) == {
        "provider": "sim", "upstream_name": "m-1", "prices": {"input": 1, "output": Decimal("1.5")},
        "capabilities": {"json": False}, "context_window": 8000,
    }  # fmt: skip
    assert {"provider: sim   # simulated", 'upstream_name: "m-1"', "# USD per million.", "context_window: 8000"} <= set(
        after.decode().splitlines()
    )


def test_an_edit_that_changes_nothing_gives_no_file() -> None:
    assert models.updated({"models/m.yaml": MODEL}, "m", {"context_window": 8000, "capabilities": {"audio": None}}) == {}
    assert providers.updated({PATH: PROVIDER}, "openai", {"enabled": True}, None) == {}
    assert settings.updated({"waybill.yaml": b"format: 1\n"}, {"timeouts": {"timeout_ms": None}, "review": None}) == {}


@pytest.mark.parametrize(
    ("model", "visible", "told"),
    [
        ("used", None, 'the routing of projects a, b and the models of token "CI" of project b'),
        ("used", {"a"}, "the routing of project a and projects that you may not see"),
        ("judge", None, "policy `llm` of project a"),
        ("limited", None, 'the models of token "CI" of project b'),
        ("limited", {"a"}, "projects that you may not see"),
    ],
)
def test_a_model_in_use_is_not_deleted_and_what_uses_it_is_named(model: str, visible: set[str] | None, told: str) -> None:
    with pytest.raises(EditRejected, match=f"is in use by {told}: take it out there first"):
        models.deleted(CONFIG, model, visible)


def test_what_nothing_uses_is_deleted() -> None:
    assert models.deleted(CONFIG, "free", None) == {"models/free.yaml": None}
    with pytest.raises(EditRejected, match="in use by models free, judge, limited, used"):
        providers.deleted(CONFIG, "sim", None)


def test_a_model_of_the_price_table_is_a_valid_file() -> None:
    config = files.load({"waybill.yaml": b"format: 1\n", "providers/g.yaml": b"kind: gemini\nbase_url: https://x.example\n"})
    known = models.preset_fields(config, "g", "gemini-2.5-pro", 1_790_000_000_000)
    made = models.created("google/gemini", {"provider": "g", "upstream_name": "gemini-2.5-pro", **known})
    parsed = files.parse("models/google/gemini.yaml", made["models/google/gemini.yaml"])
    assert isinstance(parsed, Model)
    assert parsed.prices is not None
    assert (parsed.prices.input, parsed.prices.tiers[0].above_input_tokens) == (Decimal("1.25"), 200_000)


def test_roles_live_beside_comments_and_in_a_file_that_was_not_there() -> None:
    more = roles.created({"roles.yaml": ROLES}, "keeper", {"permissions": ["token:write"]})["roles.yaml"]
    assert more.startswith(ROLES)
    assert roles.deleted(CONFIG, {"roles.yaml": more}, "keeper", None)["roles.yaml"] == ROLES
    assert files.parse("roles.yaml", roles.created({}, "keeper", {"permissions": ["token:write"]})["roles.yaml"])
    with pytest.raises(EditRejected) as missing:
        roles.updated({}, "keeper", {"permissions": []})
    assert missing.value.not_found


ASKED = [
    ("a model", "models/m.yaml", b"", b"provider: sim\nupstream_name: x\n", {("model:write", None)}),
    ("a model's limits", "models/m.yaml", b"provider: sim\n", b"provider: sim\nlimits: {mode: disable}\n",
     {("model:write", None), ("limit:write", None)}),
    ("a provider", "providers/p.yaml", b"kind: openai\n", b"kind: openai\nenabled: false\n", {("model:write", None)}),
    ("a project's own", "providers/p.yaml", b"kind: openai\nproject: a\n", b"kind: openai\nproject: a\nenabled: false\n",
     {("model:write", "a")}),
    ("a new one of a project", "providers/p.yaml", b"", b"kind: openai\nproject: a\n", {("model:write", "a")}),
    ("taking everybody's over", "providers/p.yaml", b"kind: openai\n", b"kind: openai\nproject: a\n",
     {("model:write", None), ("model:write", "a")}),
    ("a role", "roles.yaml", ROLES, ROLES + b"  keeper: {permissions: [token:write]}\n",
     {("user:write", None), (Grant("token:write"), None)}),
    ("more in a role", "roles.yaml", ROLES, ROLES.replace(b"[report:read]", b"[report:read, user:write]"),
     {("user:write", None), (Grant("user:write"), None)}),
    ("less in a role", "roles.yaml", ROLES, ROLES.replace(b"[report:read]", b"[]"), {("user:write", None)}),
    ("settings", "waybill.yaml", b"format: 1\n", b"format: 1\njournal_failure: serve\n", {("settings:write", None)}),
]  # fmt: skip


@pytest.mark.parametrize(("path", "before", "after", "asked"), [row[1:] for row in ASKED], ids=[row[0] for row in ASKED])
def test_what_a_change_takes(path: str, before: bytes, after: bytes, asked: set[Need]) -> None:
    assert set(needed(CONFIG, {path: before} if before else {}, {path: after})) == asked


amounts = st.decimals(min_value=0, max_value=1000, places=6).map(lambda price: price.normalize() if price else 0)


@given(st.dictionaries(st.sampled_from(["input", "output", "cached_input", "reasoning"]), amounts), st.booleans())
def test_any_prices_are_read_back_as_they_were_meant(prices: dict[str, Any], enabled: bool) -> None:
    wish = {"prices": {"input": 0, "output": 0, **prices}, "enabled": enabled}
    after = models.updated({"models/m.yaml": MODEL}, "m", wish)["models/m.yaml"]
    parsed = files.parse("models/m.yaml", after)
    assert isinstance(parsed, Model)
    assert parsed.prices is not None
    assert {name: getattr(parsed.prices, name) for name in wish["prices"]} == wish["prices"]  # type: ignore[attr-defined]  # a mapping
    assert parsed.enabled is enabled
    assert b"# USD per million." in after
