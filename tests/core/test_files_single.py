"""One file alone: what is wrong in it is said with line, field, reason and how to mend it, all of it at once."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import files
from core.config import Model
from core.files import ConfigErrors, parse
from tests.core.configurations import sample

A_HASH = "a" * 64
ORIGIN = "https://api.openai.com"

WRONG = [
    # (path, text, the error sentences)
    ("waybill.yaml", "", ["1: format: is missing: give `1`"]),
    ("waybill.yaml", "format: 2", ["1: format: must be `1`, not 2"]),
    (
        "waybill.yaml",
        "format: 1\ntimeout: 3",
        ["2: timeout: is no setting here (did you mean `timeouts`?); known are `format`,"],
    ),
    ("waybill.yaml", "- format", ["1: must be a mapping (`key: value`), not a list"]),
    ("waybill.yaml", "format: 1\nlimits:", ["2: limits: is empty: give a mapping (`key: value`), or remove the line"]),
    (
        "waybill.yaml",
        "format: 1\njournal_failure: serv",
        ['2: journal_failure: "serv" is not known (did you mean `serve`?); give one of'],
    ),
    (
        "waybill.yaml",
        "format: 1\ntimeouts:\n  timeout_ms: 0",
        ["3: timeouts.timeout_ms: must be a whole number from 1 to 86400000, not 0"],
    ),
    (
        "waybill.yaml",
        "format: 1\ntimeouts: {timeout_ms: 1.5}",
        ["2: timeouts.timeout_ms: must be a whole number from 1 to 86400000, not 1.5"],
    ),
    (
        "waybill.yaml",
        "format: 1\nalert_webhooks:\n- url: ftp://x\n  secret: {env: WAYBILL_SECRET_A}",
        ["3: alert_webhooks[0].url: must begin with http:// or https:// and name a host"],
    ),
    (
        "waybill.yaml",
        f"format: 1\nalert_webhooks:\n- url: https://x.example\n  secret: {{sealed: {'A' * 112}}}",
        [
            "4: alert_webhooks[0].secret.sealed: the API signs alerts, and only the proxy opens sealed secrets: "
            "use `env` or `file`"
        ],
    ),
    ("waybill.yaml", "format: 1\na: 1\na: 2", ["3: `a` is given twice"]),
    ("roles.yaml", "roles:\n  admin:\n    permissions: []", ["2: roles.admin: `admin` is a built-in role"]),
    (
        "roles.yaml",
        "roles:\n  x:\n    permissions: [project:rite]",
        ['3: roles.x.permissions[0]: "project:rite" is not known (did you mean `project:write`?)'],
    ),
    (
        "roles.yaml",
        "roles:\n  Big One: {permissions: []}",
        ["2: roles.Big One: must be lower-case letters, digits and single hyphens"],
    ),
    (
        "projects/a/routing.yaml",
        "policies:\n- kind: helth",
        ['2: policies[0].kind: "helth" is not known (did you mean `health`?); give one of `cheapest`, `health`, `performance`'],
    ),
    (
        "projects/a/routing.yaml",
        "policies:\n- window_minutes: 3",
        ["2: policies[0].kind: is missing: give one of `cheapest`, `health`, `performance`"],
    ),
    (
        "projects/a/routing.yaml",
        "policies:\n- kind: health\n  window_minutes: x",
        ['3: policies[0].window_minutes: must be a number above 0 and at most 1440, not "x"'],
    ),
    (
        "projects/a/routing.yaml",
        "policies:\n- kind: health\n  half_life_minutes: 0.001",
        ["3: policies[0].half_life_minutes: must be 0 or at"],
    ),
    ("projects/a/routing.yaml", "policies: [health]", ['1: policies[0]: must be a mapping (`key: value`), not "health"']),
    ("projects/a/routing.yaml", "models:\n- fast", ['2: models[0]: must be a mapping (`key: value`), not "fast"']),
    (
        "projects/a/routing.yaml",
        "models:\n- id: a\n- id: b\n- id: a",
        ["4: models[2].id: `a` is in the list already, at position 0"],
    ),
    ("projects/a/routing.yaml", 'models: [{id: "a\\n"}]', ["1: models[0].id: must be lower-case letters, digits and . _ / -"]),
    ("projects/a/project.yaml", "name: x", ["1: id: is missing: give non-empty text of at most 64 characters"]),
    (
        "projects/a/project.yaml",
        "id: 1\nname: on",
        ["1: id: must be non-empty text of at most 64 characters, not 1: put it in quotes"],
    ),
    ("projects/a/project.yaml", "id: x\nname: '  '", ["2: name: must not be empty"]),
    (
        "projects/a/project.yaml",
        "id: x\nname: y\nmembers:\n- {user: a@b, role: admin}\n- {user: a@b, role: viewer}",
        ["5: members[1].user: `a@b` is in the list already"],
    ),
    (
        "projects/a/project.yaml",
        "id: x\nname: y\nlabels:\n  a: 1",
        ["4: labels.a: must be text of at most 1000 characters, not 1: put it in quotes"],
    ),
    (
        "projects/a/project.yaml",
        'id: x\nname: y\nlabels:\n  " ": a',
        ['4: labels. : must be a key of 1 to 100 characters, not " "'],
    ),
    (
        "projects/a/project.yaml",
        "id: x\nname: y\nlabels:\n" + "".join(f"  k{number}: v\n" for number in range(51)),
        ["3: labels: must be at most 50, not 51"],
    ),
    ("projects/a/project.yaml", "id: x\nname: y\ntrace: {content: on}", ['3: trace.content: must be true or false, not "on"']),
    ("models/m.yaml", "provider: p", ["1: upstream_name: is missing"]),
    (
        "models/m.yaml",
        "provider: p\nupstream_name: m\nprices:\n  input: -1\n  output: 2",
        ["4: prices.input: must be from 0 to 1,000,000, not -1"],
    ),
    (
        "models/m.yaml",
        "provider: p\nupstream_name: m\nprices:\n  input: 1\n  output: 0.0000001",
        ["5: prices.output: must have at most 6 decimals, not 1E-7"],
    ),
    (
        "models/m.yaml",
        "provider: p\nupstream_name: m\nprices:\n  input: 1\n  output: 2\n  tiers:\n"
        "  - above_input_tokens: 9\n  - above_input_tokens: 9",
        ["8: prices.tiers[1].above_input_tokens: tiers must ascend"],
    ),
    (
        "models/m.yaml",
        "provider: p\nupstream_name: m\nprices: {input: 1, output: 2, tiers: [{above_input_tokens: 1, input: .0000001}]}",
        ["3: prices.tiers[0].input: must have at most 6 decimals"],
    ),
    (
        "projects/a/tokens/t.yaml",
        f"name: n\nsha256: {A_HASH}\nprefix: sk-lr-AAAA\nexpires_at: 2026-01-01T00:00:00",
        ["4: expires_at: must be a date and time with its zone, such as"],
    ),
    (
        "projects/a/tokens/t.yaml",
        f"name: n\nsha256: {A_HASH}\nprefix: sk-lr-AAAA\nlimits:\n  rules:\n  - {{metric: cost, window: dayly, value: 1}}",
        ['6: limits.rules[0].window: "dayly" is not known (did you mean `daily`?)'],
    ),
    (
        "projects/a/tokens/t.yaml",
        f"name: n\nsha256: {A_HASH}\nprefix: sk-lr-AAAA\nlimits:\n  rules:\n"
        "  - {metric: calls, window: {rolling: 1, unit: days}, value: 1.5}",
        ["6: limits.rules[0].value: must be a whole number, not 1.5"],
    ),
    (
        "projects/a/tokens/t.yaml",
        f"name: n\nsha256: {A_HASH}\nprefix: sk-lr-AAAA\nlimits:\n  rules:\n"
        "  - {metric: calls, window: {rolling: 0, unit: day}, value: 1}",
        [
            "6: limits.rules[0].window.rolling: must be a whole number from 1",
            '6: limits.rules[0].window.unit: "day" is not known (did',
        ],
    ),
    ("providers/p.yaml", "kind: opnai", ['1: kind: "opnai" is not known (did you mean `openai`?); give one of']),
    ("providers/p.yaml", "kind: ollama", ["1: base_url: is missing: a provider of kind `ollama` has no default address"]),
    ("providers/p.yaml", "kind: simulated\nbase_url: http://x", ["2: base_url: a simulated provider has none"]),
    ("providers/p.yaml", "kind: openai\nsimulation: {}", ["2: simulation: only a provider of kind `simulated` has it"]),
    (
        "providers/p.yaml",
        "kind: openai\ncredential: {env: WAYBILL_SECRET_A}",
        ["2: credential.origin: is missing: a credential is bound to where it may go, here `https://api.openai.com`"],
    ),
    (
        "providers/p.yaml",
        f"kind: openai\nbase_url: http://localhost:9/v1\ncredential:\n  env: WAYBILL_SECRET_A\n  origin: {ORIGIN}",
        ["5: credential.origin: the credential was given for https://api.openai.com; base_url is at http"],
    ),
    (
        "providers/p.yaml",
        f"kind: openai\ncredential:\n  file: a\n  origin: {ORIGIN}:443/v1",
        ["4: credential.origin: write it as `https://api.openai.com`"],
    ),
    (
        "providers/p.yaml",
        "kind: openai\ncredential: {file: ../etc/passwd}",
        ["2: credential.file: must be a file name in the secrets folder, not a path"],
    ),
    (
        "providers/p.yaml",
        "kind: openai\ncredential: {sealed: sk-proj-in-clear}",
        ["2: credential.sealed: must be a box that `waybill seal` printed, never a key in clear"],
    ),
    (
        "providers/p.yaml",
        f"kind: openai\ncredential: {{sealed: {'A' * 164}-}}",
        ["2: credential.sealed: must be a box that `waybill seal` printed, never a key in clear"],
    ),
    (
        "providers/p.yaml",
        "kind: openai\ncredential: {env: A, file: b}",
        ["2: credential.env: must be the name of a WAYBILL_SECRET_… variable"],
    ),
    (
        "providers/p.yaml",
        "kind: openai\ncredential: {origin: x}",
        ["2: credential: a credential has exactly one of `env`, `file` or `sealed`"],
    ),
    (
        "providers/p.yaml",
        "kind: openai\nheaders:\n  Authorization: Bearer x",
        ["3: headers.Authorization: this header is set by the proxy"],
    ),
    (
        "providers/p.yaml",
        "kind: openai\nheaders:\n  X-A: one\n  x-a: two",
        ["4: headers.x-a: this header is given twice"],
    ),
    (
        "providers/p.yaml",
        'kind: openai\nheaders:\n  x: "a\\r\\nb"',
        ["3: headers.x: must be printable ASCII characters in one line"],
    ),
    ("providers/p.yaml", "kind: openai\nbase_url: https://user:hunter2@x", ["2: base_url: must not hold a user or a password"]),
    ("providers/p.yaml", "kind: openai\nbase_url: https://x/?key=hunter2", ["2: base_url: must not have a query"]),
    ("providers/p.yaml", "kind: openai\nbase_url: https://x/#a", ["2: base_url: must not have a query (`?`) or a fragment"]),
    ("providers/p.yaml", "kind: openai\nbase_url: https://x:99999", ["2: base_url: must be an address such as"]),
    ("providers/p.yaml", "kind: openai\nbase_url: gopher://x", ["2: base_url: must begin with http:// or https://"]),
    ("models/Bad.yaml", "", ["1: no configuration lives here: there are waybill.yaml"]),
    (
        "projects/a/routing.yaml",
        "# two at once\nmodels: [3]\npolicies:\n- kind: x\nmodel: 1",
        ["2: models[0]: must be", "4: policies[0].kind: ", "5: model: is no setting here (did you mean `models`?)"],
    ),
]


@pytest.mark.parametrize(("path", "text", "sentences"), WRONG)
def test_a_wrong_file_is_told_by_line_field_and_reason(path: str, text: str, sentences: list[str]) -> None:
    with pytest.raises(ConfigErrors) as caught:
        parse(path, text.encode())
    told = str(caught.value).splitlines()
    assert len(told) == len(sentences)
    for line, sentence in zip(told, sentences, strict=True):
        assert line.startswith(f"{path}:{sentence}")


SECRETS = [
    ("providers/p.yaml", "kind: openai\ncredential: sk-verysecret"),
    ("providers/p.yaml", "kind: openai\ncredential: {env: sk-verysecret}"),
    ("providers/p.yaml", "kind: openai\ncredential: {env: [sk-verysecret]}"),
    ("providers/p.yaml", "kind: openai\ncredential: {file: sk-verysecret/}"),
    ("providers/p.yaml", "kind: openai\napi_key: sk-verysecret"),
    ("providers/p.yaml", "kind: openai\nheaders: sk-verysecret"),
    ("providers/p.yaml", 'kind: openai\nheaders: {x: "sk-verysecret\\n"}'),
    ("providers/p.yaml", "kind: openai\nbase_url: https://sk-verysecret@x"),
    ("providers/p.yaml", "kind: openai\nbase_url: https://x?key=sk-verysecret"),
    ("providers/p.yaml", "kind: openai\ncredential: *sk-verysecret"),
    ("projects/a/tokens/t.yaml", "name: n\nsha256: sk-verysecret\nprefix: sk-verysecret"),
    ("projects/a/tokens/t.yaml", "name: n\nsha256: ' sk-verysecret\nprefix: [sk-verysecret"),
]


@pytest.mark.parametrize(("path", "text"), SECRETS)
def test_no_error_quotes_what_could_be_a_secret(path: str, text: str) -> None:
    with pytest.raises(ConfigErrors) as caught:
        parse(path, text.encode())
    assert "verysecret" not in str(caught.value)


def test_a_file_with_more_faults_than_anybody_reads_is_refused_quickly() -> None:
    text = b"models: [" + b"1," * 200_000 + b"]"
    with pytest.raises(ConfigErrors) as caught:
        parse("projects/a/routing.yaml", text)
    assert len(caught.value.errors) == 100


def test_a_tool_call_of_the_simulated_provider_keeps_json_numbers() -> None:
    text = b"provider: p\nupstream_name: m\nsimulation: {answers: [{when: x, tool_call: {name: f, arguments: {a: [0.5, 1]}}}]}"
    model = parse("models/m.yaml", text)
    assert isinstance(model, Model)
    assert model.simulation is not None
    assert model.simulation.answers[0].tool_call == {"name": "f", "arguments": {"a": [0.5, 1]}}


TEXTS = [text.decode() for path, text in sample().items() if path.endswith(".yaml")]
WORDS = sorted({word for text in TEXTS for word in text.split()})
KINDS = [
    "waybill.yaml",
    "roles.yaml",
    "providers/a.yaml",
    "models/a.yaml",
    "projects/a/project.yaml",
    "projects/a/routing.yaml",
    "projects/a/tokens/a.yaml",
    "strange.yaml",
]


@st.composite
def mutilated(draw: st.DrawFn) -> bytes:
    """A file of the sample with some words put in, taken out or swapped for others."""
    words = draw(st.sampled_from(TEXTS)).replace("\n", " \n ").split(" ")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(words)))
        words[at : at + draw(st.integers(0, 2))] = draw(st.lists(st.sampled_from(WORDS) | st.text(max_size=4), max_size=2))
    return " ".join(words).encode("utf-8", "surrogatepass")


@given(path=st.sampled_from(KINDS), data=st.binary(max_size=50) | mutilated())
def test_whatever_the_bytes_only_config_errors_are_raised(path: str, data: bytes) -> None:
    with contextlib.suppress(ConfigErrors):
        files.parse(path, data)
    with contextlib.suppress(ConfigErrors):
        files.load({path: data, "waybill.yaml": b"format: 1"})
