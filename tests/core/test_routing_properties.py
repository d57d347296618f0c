"""Whatever the request, the models and the records: a decision is the same again, fair to the order, and within its bounds."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from core.config import LimitRule, Limits, Model
from core.events import AttemptFinished, RequestFinished
from core.facts import Facts
from core.fields import Prices
from core.plans import candidate
from core.routing.candidates import Candidate, Capabilities
from core.routing.engine import Decision, Ranking, decide
from core.routing.policies import KINDS, SCORES_WHEN_FAILED, Cheapest, Health, Llm, Policy, SemanticIntent
from core.routing.policies.semantic_intent import Intent
from core.routing.stats import Statistics

NOW_MS = 1_795_424_460_123
NAMES = ("a", "b", "c", "d", "e")
NEEDS: tuple[Any, ...] = ("vision", "function_calling", "json", "thinking", "audio")

flags = st.sampled_from([None, True, False])
models = st.builds(
    Model,
    provider=st.just("p"),
    upstream_name=st.just("m"),
    prices=st.none() | st.builds(Prices, input=st.integers(0, 9).map(Decimal), output=st.integers(0, 9).map(Decimal)),
    context_window=st.none() | st.integers(1, 3_000),
    capabilities=st.builds(Capabilities, vision=flags, function_calling=flags, json=flags, thinking=flags, audio=flags),
    limits=st.sampled_from([Limits(), Limits(rules=(LimitRule(metric="calls", window="daily", value=Decimal(9)),))]),
)
facts = st.builds(
    Facts,
    model_named=st.sampled_from([None, "auto", *NAMES]),
    input_tokens_estimate=st.integers(0, 3_000),
    output_tokens_cap=st.none() | st.integers(0, 3_000),
    answers=st.integers(1, 3),
    needs=st.lists(st.sampled_from(NEEDS), unique=True).map(tuple),
)


@st.composite
def policies(draw: st.DrawFn) -> list[Policy]:
    """Some policies in some order, some of them disabled, with the parameters that they have without saying."""
    made: list[Policy] = []
    for kind in draw(st.lists(st.sampled_from(list(KINDS)), max_size=8)):
        required: dict[str, Any] = {}
        if kind is Llm:
            required = {"model": "j"}
        elif kind is SemanticIntent:
            required = {"embedding_model": "j", "intents": {"x": Intent(examples=("e",), models=("a",))}}
        made.append(kind(enabled=draw(st.booleans()), **required))
    return made


@st.composite
def histories(draw: st.DrawFn) -> list[RequestFinished]:
    """Requests with one attempt each, at instants around those that the windows end at."""
    found = []
    for number in range(draw(st.integers(0, 20))):
        attempt = AttemptFinished(
            model=draw(st.sampled_from(NAMES)),
            provider="p",
            status=draw(st.sampled_from(["success", "success", "error", "timeout", "cancelled"])),
            ended_ms=draw(st.sampled_from([0, 1, 250, 4_000])),
            first_content_ms=draw(st.sampled_from([None, 0.0, 1.0])),
            http_status=draw(st.sampled_from([None, 200, 429, 422])),
            retry_after_ms=draw(st.sampled_from([None, 0, 60_000])),
        )
        found.append(
            RequestFinished(
                id=f"{number:032x}",
                at_ms=NOW_MS - draw(st.sampled_from([0, 1, 4_001, 59_999, 60_000, 60_001, 1_200_000, 3_600_000])),
                project=draw(st.sampled_from(["p", "q"])),
                token="t",
                revision="r",
                status="success",
                http_status=200,
                attempts=(attempt,),
            )
        )
    return found


def folded(history: list[RequestFinished]) -> Statistics:
    statistics = Statistics()
    for event in history:
        statistics.fold(event, as_of_ms=NOW_MS)
    return statistics


def pool(files: list[Model]) -> list[Candidate]:
    return [candidate(name, file) for name, file in zip(NAMES, files, strict=False)]


Case = st.tuples(facts, st.lists(models, min_size=1, max_size=5), policies(), histories())
budgets = st.dictionaries(st.sampled_from(NAMES), st.floats(-1, 2))


@given(Case, budgets, st.sets(st.sampled_from(NAMES)))
def test_a_decision_holds_what_was_promised(case: Any, shares: dict[str, float], dropped: set[str]) -> None:
    request, files, asked, history = case
    candidates = pool(files)
    reasons = {name: "limit" for name in dropped if name in NAMES[: len(files)]}
    decision = decide(request, candidates, asked, folded(history), NOW_MS, dropped=reasons, budgets=shares, project="p")
    remaining = [found.id for found in candidates if found.id not in reasons]
    enabled = [policy for policy in asked if policy.enabled] if remaining else []
    assert [(outcome.kind, outcome.weight) for outcome in decision.policies] == [
        (KINDS[type(policy)], len(enabled) - at) for at, policy in enumerate(enabled)
    ]
    excluded = {model for outcome in decision.policies for model in outcome.excluded}
    for outcome in decision.policies:
        assert bool(outcome.failed) == (outcome.kind == "llm" and outcome.kind not in SCORES_WHEN_FAILED)
        assert list(outcome.scores) == ([] if outcome.failed else remaining)
        assert all(0.0 <= score <= 1.0 for score in outcome.scores.values())
        assert all(outcome.scores[model] == 0.0 for model in outcome.excluded)
    # The totals are those of the plain sum; its order of addition decides nothing but a last bit.
    for model in remaining:
        if model not in excluded:
            plain = sum(outcome.scores[model] * outcome.weight for outcome in decision.policies if not outcome.failed)
            assert abs(decision.totals[model] - plain) < 1e-9
    assert sorted(decision.totals) == sorted(set(remaining) - excluded)
    assert list(decision.order) == sorted(decision.totals, key=lambda name: (-decision.totals[name], NAMES.index(name)))


@given(Case)
def test_the_same_again_gives_the_same_and_so_do_a_checkpoint_and_another_order_of_events(case: Any) -> None:
    request, files, asked, history = case
    candidates = pool(files)
    first = decide(request, candidates, asked, folded(history), NOW_MS, project="p")
    assert decide(request, candidates, asked, folded(history), NOW_MS, project="p") == first
    assert decide(request, candidates, asked, folded(history[::-1]), NOW_MS, project="p") == first
    state = msgspec.json.decode(msgspec.json.encode(folded(history).state()))
    restored = Statistics.restore(state)
    for event in history:  # what is in flight is not in a checkpoint, and comes from the events after it
        for attempt in event.attempts:
            if event.at_ms + attempt.ended_ms > NOW_MS >= event.at_ms:
                restored.begin(attempt.model, event.at_ms)
    assert decide(request, candidates, asked, restored, NOW_MS, project="p") == first


@given(Case)
def test_what_is_remembered_within_a_millisecond_changes_nothing(case: Any) -> None:
    request, files, asked, history = case
    statistics = folded(history)
    ranking = Ranking(pool(files), asked)
    first = ranking.decide(request, statistics, NOW_MS, project="p")
    other = ranking.decide(Facts(input_tokens_estimate=7), statistics, NOW_MS, project="p")
    assert ranking.decide(request, statistics, NOW_MS, project="p") == first
    assert ranking.decide(Facts(input_tokens_estimate=7), statistics, NOW_MS, project="p") == other
    assert msgspec.json.decode(msgspec.json.encode(first), type=Decision) == first


@given(Case, st.permutations(NAMES))
def test_the_order_of_models_decides_ties_and_nothing_else(case: Any, order: list[str]) -> None:
    request, files, asked, history = case
    candidates = pool(files)
    shuffled = sorted(candidates, key=lambda found: order.index(found.id))
    one = decide(request, candidates, asked, folded(history), NOW_MS, project="p")
    two = decide(request, shuffled, asked, folded(history), NOW_MS, project="p")
    assert one.totals == two.totals
    assert [(outcome.scores, outcome.excluded) for outcome in one.policies] == [
        (outcome.scores, outcome.excluded) for outcome in two.policies
    ]
    assert list(two.order) == sorted(two.totals, key=lambda name: (-two.totals[name], order.index(name)))


def test_a_probe_in_flight_is_seen_within_the_same_millisecond() -> None:
    statistics = Statistics()
    for number in range(2):
        failure = AttemptFinished(model="a", provider="p", status="error", ended_ms=1)
        statistics.end(statistics.begin("a", NOW_MS - 90_001), f"{number}", NOW_MS - 90_001, "p", failure)
    ranking = Ranking(pool([Model(provider="p", upstream_name="m")] * 2), [Health(), Cheapest()])
    assert "a" in ranking.decide(Facts(), statistics, NOW_MS).order
    handle = statistics.begin("a", NOW_MS)
    assert ranking.decide(Facts(), statistics, NOW_MS).order == ("b",)
    statistics.end(handle, "probe", NOW_MS, "p", AttemptFinished(model="a", provider="p", status="cancelled"))
    assert "a" in ranking.decide(Facts(), statistics, NOW_MS).order
