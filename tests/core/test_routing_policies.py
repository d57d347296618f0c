"""The worked examples of the policies that read more than prices and health: rows of `cases/`, decided by the engine itself."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from core.config import Model, Routing
from core.conversion import convert
from core.events import RequestFinished
from core.facts import Facts
from core.plans import candidate
from core.routing.candidates import Candidate
from core.routing.engine import Decision, Given, decide
from core.routing.intents import BadVector, centroids, given, match
from core.routing.judging import Unreadable, points
from core.routing.policies import Llm, SemanticIntent
from core.routing.stats import Statistics
from tests.core.test_routing_cases import NOW_MS, event, figures_of, model_file, rows, value

PROJECT = "the-project"


def candidates(models: dict[str, Any]) -> list[Candidate]:
    """Candidates of model files, each with the fields that matter."""
    return [candidate(name, convert({"provider": "p", "upstream_name": name, **file}, Model)) for name, file in models.items()]


def statistics(row: dict[str, Any]) -> Statistics:
    """The records of a row, each the end of a request of its own."""
    numbers = itertools.count()
    folded = Statistics()
    for project, key in ((PROJECT, "records"), ("another", "other")):
        for record in row.get(key, []):
            became, _, retry_after_ms = record[1].partition(" after ")
            made = event([record[0], became, *record[2:]])
            if retry_after_ms:
                made["attempts"][0]["retry_after_ms"] = int(retry_after_ms)
            base = {"id": str(next(numbers)), "project": project, "token": "t", "revision": "r", "status": "success"}
            folded.fold(convert({**base, "http_status": 200, **made}, RequestFinished))
    return folded


def decided(row: dict[str, Any], models: dict[str, Any], policies: list[Any], said: dict[int, Given] | None = None) -> Decision:
    budgets = {name: value(arithmetic) for name, arithmetic in row.get("budgets", {}).items()}
    return decide(
        Facts(**row.get("facts", {})),
        candidates(models),
        convert({"policies": policies}, Routing).policies,
        statistics(row),
        NOW_MS,
        dropped=dict.fromkeys(row.get("dropped", []), "limit"),
        given=said or {},
        budgets=budgets,
        project=PROJECT,
    )


FILES = ("capability", "context", "rate-limit", "fairness", "budget-remaining", "model-preference")


@pytest.mark.parametrize("row", [row for name in FILES for row in rows(name)])
def test_a_policy_scores_as_its_rule_says(row: dict[str, Any]) -> None:
    models = {name: row.get("models", {}).get(name, {}) for name in row["scores"]}
    [outcome] = decided(row, models, [{"kind": row["policy"], **row.get("params", {})}]).policies
    expected = {name: value(arithmetic) for name, arithmetic in row["scores"].items()}
    assert outcome.failed == ""
    assert outcome.scores == pytest.approx(expected, rel=0, abs=1e-12)
    assert list(outcome.scores) == list(models)
    assert sorted(outcome.excluded) == row.get("excluded", [])
    assert all(outcome.excluded.values())
    if "reasons" in row:
        assert outcome.excluded == row["reasons"]
    if "inputs" in row:
        assert outcome.inputs == {name: figures_of(shown) for name, shown in row["inputs"].items()}


@pytest.mark.parametrize("row", rows("decisions"))
def test_whole_decisions_come_out_as_the_rule_says(row: dict[str, Any]) -> None:
    said = {
        position: Given(failed="no answer") if answer == "failed" else Given(points=answer)
        for position, answer in row.get("given", {}).items()
    }
    policies = [{"kind": policy} if isinstance(policy, str) else policy for policy in row["policies"]]
    models = {name: {**file, **model_file(file.get("prices"))} for name, file in row["models"].items()}
    decision = decided(row, models, policies, said)
    assert decision.totals == {name: round(value(arithmetic), 9) for name, arithmetic in row["totals"].items()}
    assert list(decision.order) == row["order"]
    assert [outcome.kind for outcome in decision.policies if outcome.failed] == row.get("failed", [])


@pytest.mark.parametrize("row", rows("llm"))
def test_an_answer_of_a_routing_model_means_what_the_rule_says(row: dict[str, Any]) -> None:
    pool = candidates({"a": {}, "b": {}, "c": {}})
    if row.get("unreadable"):
        with pytest.raises(Unreadable):
            points(row["answer"], pool)
        return
    said = {0: Given(points=points(row["answer"], pool))}
    [outcome] = decide(Facts(), pool, [Llm(model="judge")], Statistics(), NOW_MS, given=said).policies
    assert outcome.scores == row["scores"]


@pytest.mark.parametrize("row", rows("semantic-intent"))
def test_an_embedding_leads_to_the_pool_that_the_rule_says(row: dict[str, Any]) -> None:
    intents = {
        name: {"examples": ["example"] * len(intent["vectors"]), "models": intent["models"]}
        for name, intent in row["intents"].items()
    }
    policy = convert({"embedding_model": "e", "intents": intents, **row.get("params", {})}, SemanticIntent)
    known = centroids(policy, [vector for intent in row["intents"].values() for vector in intent["vectors"]])
    ids = row["candidates"]
    if "failed" in row:
        with pytest.raises(BadVector, match=row["failed"]):
            match(policy, row["vector"], known)
        said = Given(failed="no embedding")
    else:
        said = given(policy, match(policy, row["vector"], known), ids)
    pool = candidates({name: {} for name in ids})
    decision = decide(Facts(), pool, [policy], Statistics(), NOW_MS, given={0: said})
    assert "failed" in row or said.points == row["scores"]
    assert decision.policies[0].scores == row["scores"]
    assert list(decision.policies[0].excluded) == row.get("excluded", [])
    assert decision.policies[0].note
