"""What the policies that call a model ask, what their parameters must be, and the palette that all policies are drawn from."""

from __future__ import annotations

import json
import time
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import files
from core.config import Routing
from core.conversion import Misfit, convert
from core.explain import ExplainError, explain, read
from core.facts import Facts
from core.routing.candidates import Candidate, Capabilities
from core.routing.intents import BadVector, centroids, texts
from core.routing.judging import MAX_ANSWER_CHARS, Unreadable, points, question, question_key, repair, shortened
from core.routing.palette import Parameter, palette
from core.routing.policies import KINDS, Llm, SemanticIntent, models_named
from core.routing.policies.semantic_intent import intent_key
from tests.core.configurations import SOUND

CANDIDATES = [
    Candidate(id="a", provider="p", upstream_name="a", guidance=" Hard questions \n", context_window=1000),
    Candidate(id="b", provider="p", upstream_name="b", capabilities=Capabilities(vision=False, audio=True)),
]


def test_the_judge_is_told_the_guidance_and_what_the_request_is() -> None:
    policy = Llm(model="j", prompt=" Be thrifty. ")
    task, asked = question(policy, Facts(input_tokens_estimate=7, output_tokens_cap=9, needs=("vision",)), "Hi", CANDIDATES)
    assert (task.role, asked.role) == ("system", "user")
    assert task.content.endswith("\n\nBe thrifty.")
    assert json.loads(asked.content) == {
        "models": [
            {"model": "a", "guidance": "Hard questions", "context_window": 1000},
            {"model": "b", "lacks": ["vision"]},
        ],
        "request": {"text": "Hi", "input_tokens": 7, "output_tokens_at_most": 9, "needs": ["vision"]},
    }


@given(st.text(max_size=400), st.integers(100, 300))
def test_a_requests_text_stays_data_and_within_its_length(text: str, most: int) -> None:
    [_, asked] = question(Llm(model="j", max_message_chars=most), Facts(), text, CANDIDATES)
    shown = json.loads(asked.content)["request"]["text"]
    assert shown == shortened(text, most)
    assert len(shown) <= most
    if len(text) > most:
        assert text.startswith(shown[:40])
        assert text.endswith(shown[-40:])


def test_a_longer_text_is_cut_in_its_middle() -> None:
    assert shortened("a" * 50 + "b" * 50, 100) == "a" * 50 + "b" * 50
    # 100 less the five characters of the cut are 95: one more of them from the beginning.
    assert shortened("a" * 50 + "b" * 51, 100) == "a" * 48 + "\n[…]\n" + "b" * 47


def test_a_question_is_json_of_a_space_a_level() -> None:
    [_, asked] = question(Llm(model="j"), Facts(), "Hi", CANDIDATES)
    assert asked.content.startswith('{\n "models": [\n  {\n   "model": "a"')


def test_a_repair_shows_the_answer_that_was_wrong() -> None:
    asked = question(Llm(model="j"), Facts(), "Hi", CANDIDATES)
    again = repair(asked, "I think a.")
    assert again[: len(asked)] == asked
    assert [(message.role, message.content) for message in again[2:3]] == [("assistant", "I think a.")]
    assert again[3].role == "user"


def test_an_answer_is_kept_for_the_same_question_to_the_same_models() -> None:
    def key(policy: Llm, text: str = "Hi") -> str:
        return question_key(policy, question(policy, Facts(), text, CANDIDATES))

    assert key(Llm(model="j")) == key(Llm(model="j", timeout_ms=500, cache_ttl_seconds=1))
    others = [Llm(model="k"), Llm(model="j", fallback_models=("k",)), Llm(model="j", prompt="x")]
    assert len({key(Llm(model="j")), key(Llm(model="j"), "Ho"), *map(key, others)}) == 5


@given(st.text(st.sampled_from('{}[]":,.ab01 \\modelpintrug'), max_size=300))
def test_any_answer_gives_points_of_candidates_or_none(answer: str) -> None:
    try:
        said = points(answer, CANDIDATES)
    except Unreadable:
        return
    assert set(said) <= {"a", "b"}


@pytest.mark.parametrize("answer", ["{" * 10**6, '{"a":' * 10**5, "[" * 10**6, '{"routing": [' + '{"model": "a", ' * 10**5])
def test_an_answer_that_means_harm_takes_no_time(answer: str) -> None:
    begun = time.process_time()
    with pytest.raises(Unreadable):
        points(answer, CANDIDATES)
    assert time.process_time() - begun < 5


def test_an_answer_is_read_up_to_its_bound() -> None:
    entry = '{"model": "a", "point": 0.5}'
    assert points(f'{{"routing": [{entry}, {" " * MAX_ANSWER_CHARS}{entry}]}}', CANDIDATES) == {"a": 0.5}


@pytest.mark.parametrize(
    ("written", "point"),
    [("1", 1.0), ("0.25", 0.25), ("NaN", 0.0), ("true", 0.0), ('"1"', 0.0), ("null", 0.0), (f"1{'0' * 400}", 1.0),
     (f"-1{'0' * 400}", 0.0)],
    ids=["a whole number", "a fraction", "NaN", "true", "a text", "null", "too large", "too small"],
)  # fmt: skip
def test_a_point_is_a_number_or_nothing(written: str, point: float) -> None:
    assert points(f'{{"routing": [{{"model": "a", "point": {written}}}]}}', CANDIDATES) == {"a": point}


def test_an_entry_right_after_a_stray_brace_is_salvaged() -> None:
    assert points('{{"model": "a", "point": 1}', CANDIDATES) == {"a": 1.0}
    assert points('{"x":{"model": "a", "point": 1}, "y":{"model": "b", "point": 0}}', CANDIDATES) == {"a": 1.0, "b": 0.0}


def test_each_example_needs_a_vector_of_the_same_length() -> None:
    intents = {"X": {"examples": ["one", "two"], "models": ["a"]}, "Y": {"examples": ["three"], "models": ["b"]}}
    policy = convert({"embedding_model": "e", "intents": intents}, SemanticIntent)
    assert texts(policy) == ["one", "two", "three"]
    assert centroids(policy, [[2, 0], [1, 0], [0, 3]]) == {"x": [1.0, 0.0], "y": [0.0, 1.0]}
    for vectors in ([[1, 0], [0, 1]], [[1, 0], [1], [1, 0]], [[0, 0], [0, 1], [1, 0]], [[1, 0], [-1, 0], [1, 0]]):
        with pytest.raises(BadVector):
            centroids(policy, vectors)


@pytest.mark.parametrize(
    ("name", "key"), [("Code Review", "code_review"), ("Q&A / misc!", "q_a_misc_"), ("X", "x"), ("für_alle2", "f_r_alle2")]
)
def test_an_intents_name_is_lower_case_with_each_run_of_other_characters_as_one_line(name: str, key: str) -> None:
    assert intent_key(name) == key


INTENT = {"examples": ["hi"], "models": ["a"]}
WRONG = [
    ({"kind": "llm"}, "policies[0].model", "is missing"),
    ({"kind": "llm", "model": "Not An Id"}, "policies[0].model", "lower-case"),
    ({"kind": "llm", "model": "a", "fallback_models": ["a", 5]}, "policies[0].fallback_models[1]", "lower-case"),
    ({"kind": "llm", "model": "a", "timeout_ms": 0}, "policies[0].timeout_ms", "from 100"),
    ({"kind": "llm", "model": "a", "max_tokens": 5}, "policies[0].max_tokens", "no setting"),
    ({"kind": "semantic-intent", "intents": {"x": INTENT}}, "policies[0].embedding_model", "is missing"),
    ({"kind": "semantic-intent", "embedding_model": "e"}, "policies[0].intents", "is missing"),
    ({"kind": "semantic-intent", "embedding_model": "e", "intents": {}}, "policies[0].intents", "at least one intent"),
    (
        {"kind": "semantic-intent", "embedding_model": "e", "intents": {"A b": INTENT, "a-B": INTENT}},
        "policies[0].intents",
        "`a_b`",
    ),
    (
        {"kind": "semantic-intent", "embedding_model": "e", "intents": {"x": {"examples": [], "models": ["a"]}}},
        "policies[0].intents.x.examples",
        "at least one request",
    ),
    (
        {"kind": "semantic-intent", "embedding_model": "e", "intents": {"x": {"examples": ["hi"], "models": []}}},
        "policies[0].intents.x.models",
        "at least one model",
    ),
    ({"kind": "rate-limit", "max_calls": 0}, "policies[0].max_calls", "from 1"),
    ({"kind": "rate-limit", "window_minutes": 0}, "policies[0].window_minutes", "above 0"),
    ({"kind": "fairness", "window_minutes": 1441}, "policies[0].window_minutes", "1440"),
    ({"kind": "model-preference", "bonus": 1.1}, "policies[0].bonus", "from 0"),
    ({"kind": "capability", "strict": True}, "policies[0].strict", "no setting"),
    ({"kind": "fairnes"}, "policies[0].kind", "fairness"),
]


@pytest.mark.parametrize(("policy", "place", "reason"), WRONG, ids=[row[1] + " " + row[2] for row in WRONG])
def test_a_wrong_parameter_is_named_with_its_place_and_its_range(policy: dict[str, Any], place: str, reason: str) -> None:
    with pytest.raises(Misfit) as misfit:
        convert({"policies": [policy]}, Routing)
    assert str(misfit.value).startswith(f"{place}: ")
    assert reason in str(misfit.value)


NAMED = b"""policies:
  - kind: semantic-intent
    embedding_model: fast
    intents:
      small talk: {examples: [hi], models: [fast, nowhere]}
  - {kind: llm, model: gone, fallback_models: [fast, lost]}
"""


def test_the_models_that_policies_name_must_be_there() -> None:
    sound = files.load(SOUND)
    with pytest.raises(files.ConfigErrors) as refused:
        files.apply(sound, {"projects/a/routing.yaml": NAMED})
    said = str(refused.value)
    for model, field in (("nowhere", "intents.small talk.models[1]"), ("gone", "model"), ("lost", "fallback_models[1]")):
        assert f"`{model}`" in said
        assert field in said
    assert "`fast`" not in said


def test_a_model_that_only_a_policy_names_cannot_be_deleted() -> None:
    routing = b"models: [{id: fast}]\npolicies: [{kind: llm, model: team/smart}]"
    config = files.apply(files.load(SOUND), {"projects/a/routing.yaml": routing})
    with pytest.raises(files.ConfigErrors, match="team/smart"):
        files.apply(config, {"models/team/smart.yaml": None})


def test_the_palette_describes_every_parameter_of_every_policy() -> None:
    described = {policy.kind: policy for policy in palette()}
    assert list(described) == list(KINDS.values())
    for kind, tag in KINDS.items():
        policy = described[tag]
        assert policy.help
        assert policy.documentation == f"docs/concepts-routing.md#{tag}"
        assert [parameter.name for parameter in policy.parameters] == list(kind.__struct_fields__)
        assert all(parameter.help and parameter.title for parameter in policy.parameters)
    assert [policy.kind for policy in palette() if policy.calls_a_model] == ["llm", "semantic-intent"]


def parameter(kind: str, name: str) -> Parameter:
    [policy] = [policy for policy in palette() if policy.kind == kind]
    return next(found for found in policy.parameters if found.name == name)


def test_the_palette_says_type_range_default_unit_and_choices() -> None:
    window = parameter("health", "window_minutes")
    assert (window.type, window.unit, window.default) == ("number", "min", 20.0)
    assert (window.minimum, window.exclusive_minimum, window.maximum, window.exclusive_maximum) == (0, True, 1440, False)
    calls = parameter("rate-limit", "max_calls")
    assert (calls.type, calls.minimum, calls.maximum, calls.default, calls.required) == ("integer", 1, 10**9, None, False)
    metric = parameter("performance", "metric")
    assert (metric.type, metric.choices, metric.default) == ("enum", ("latency", "ttft"), "latency")
    assert (parameter("llm", "model").type, parameter("llm", "model").required) == ("model", True)
    fallbacks = parameter("llm", "fallback_models")
    assert (fallbacks.type, fallbacks.max_length, fallbacks.default) == ("list", 10, [])
    assert fallbacks.items is not None
    assert fallbacks.items.type == "model"
    assert parameter("llm", "enabled").type == "boolean"
    assert (parameter("llm", "prompt").type, parameter("llm", "prompt").max_length) == ("string", 20_000)
    intents = parameter("semantic-intent", "intents")
    assert (intents.type, intents.required) == ("map", True)
    assert intents.items is not None
    assert [(field.name, field.type, field.required) for field in intents.items.fields] == [
        ("examples", "list", True),
        ("models", "list", True),
    ]


def test_a_value_at_the_ends_of_a_described_range_is_taken_and_one_beyond_is_not() -> None:
    for policy in palette():
        required = {"model": "j", "embedding_model": "j", "intents": {"x": INTENT}}
        base = {"kind": policy.kind, **{found.name: required[found.name] for found in policy.parameters if found.required}}
        for found in policy.parameters:
            for bound, exclusive, beyond in (
                (found.minimum, found.exclusive_minimum, -1),
                (found.maximum, found.exclusive_maximum, 1),
            ):
                if bound is None:
                    continue
                for number, fits in ((bound, not exclusive), (bound + beyond, False)):
                    document = {"policies": [{**base, found.name: number}]}
                    if fits:
                        convert(document, Routing)
                    else:
                        with pytest.raises((Misfit, msgspec.ValidationError)):
                            convert(document, Routing)


def test_a_policy_names_models_with_their_places() -> None:
    policy = convert({"embedding_model": "e", "intents": {"A b": {"examples": ["x"], "models": ["m", "n"]}}}, SemanticIntent)
    assert list(models_named(policy)) == [
        (("embedding_model",), "e"),
        (("intents", "A b", "models", 0), "m"),
        (("intents", "A b", "models", 1), "n"),
    ]


def explained(**document: Any) -> Any:
    whole = {"models": {"a": {}, "b": {}}, "facts": {}, **document}
    whole["routing"] = {"models": [{"id": "a"}, {"id": "b"}], "policies": document["routing"]}
    return explain(read(json.dumps(whole).encode()))


def test_offline_the_answers_of_policies_that_call_a_model_are_required() -> None:
    asking = [{"kind": "cheapest"}, {"kind": "llm", "model": "j"}, {"kind": "llm", "model": "j", "enabled": False}]
    with pytest.raises(ExplainError, match=r"given\.1: is required: `llm`") as refused:
        explained(routing=asking)
    assert len(refused.value.faults) == 1
    given = {"1": {"points": {"a": 0.1, "b": 0.9}}}
    assert explained(routing=asking, given=given).order == ("b", "a")
    assert explained(routing=asking, given={"1": "failed"}).order == ("a", "b")


def test_offline_fairness_counts_for_the_project_that_is_named_or_that_all_events_name() -> None:
    def ended(project: str, model: str) -> dict[str, Any]:
        return {"project": project, "attempts": [{"model": model, "provider": "p", "status": "success"}]}

    fair: list[Any] = [{"kind": "fairness"}]
    assert explained(routing=fair, events=[ended("x", "a")]).totals == {"a": 0.0, "b": 1.0}
    several = [ended("x", "a"), ended("y", "b")]
    assert explained(routing=fair, events=several, project="y").totals == {"a": 1.0, "b": 0.0}
    assert explained(routing=fair, events=several).totals == {"a": 1.0, "b": 1.0}
