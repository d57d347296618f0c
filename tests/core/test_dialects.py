"""Which of a project's models can be sent which requests."""

from __future__ import annotations

from typing import get_args

import pytest

from core.config import Config
from core.dialects import NAMES, SERVED, SPOKEN, speaks, why_not
from core.facts import Dialect
from core.files import load
from core.providers import ProviderKind
from core.snapshot import Snapshot, full_delta

KINDS = {"o": "openai-compatible", "s": "simulated", "a": "anthropic", "g": "gemini"}


def configuration() -> Config:
    files = {
        "waybill.yaml": "format: 1\n",
        "projects/p/project.yaml": "id: p\nname: P\n",
        "projects/p/routing.yaml": f"models: [{', '.join(f'{{id: {kind}}}' for kind in KINDS)}]\npolicies: []\n",
    }
    for name, kind in KINDS.items():
        address = "" if kind == "simulated" else "base_url: http://127.0.0.1:1\n"
        files[f"providers/{name}.yaml"] = f"kind: {kind}\n{address}"
        files[f"models/{name}.yaml"] = f"provider: {name}\nupstream_name: u\n"
    return load({path: text.encode() for path, text in files.items()})


@pytest.mark.parametrize(
    ("dialect", "able"), [("openai_chat", ("o", "s")), ("openai_embeddings", ("o", "s")), ("anthropic", ("s", "a"))]
)
def test_a_plan_sorts_its_candidates_by_dialect_and_keeps_their_order(dialect: Dialect, able: tuple[str, ...]) -> None:
    plan = Snapshot.build(full_delta(configuration(), "1" * 40)).plan("p")
    assert plan is not None
    found = plan.able[dialect]
    assert tuple(candidate.id for candidate in found.candidates) == found.ranking.pool.ids == able
    assert found.unable.keys() == set(KINDS) - set(able)
    assert plan.listed == tuple(KINDS)


def test_dialects_with_the_same_models_share_one_ranking() -> None:
    plan = Snapshot.build(full_delta(configuration(), "1" * 40)).plan("p")
    assert plan is not None
    assert plan.able["openai_chat"].ranking is plan.able["openai_embeddings"].ranking
    assert plan.able["openai_chat"].ranking is not plan.able["anthropic"].ranking


def test_the_reason_names_the_provider_and_what_it_does_not_speak() -> None:
    assert why_not("acme", "openai", "anthropic") == "its provider acme (openai) does not speak Anthropic messages"
    assert "not served" in why_not("acme", "gemini", "anthropic")


def test_every_dialect_has_a_name_and_every_served_one_a_provider() -> None:
    assert set(NAMES) == set(get_args(Dialect))
    assert set(SPOKEN) <= set(get_args(ProviderKind))
    assert all(any(speaks(kind, dialect) for kind in SPOKEN) for dialect in SERVED)
