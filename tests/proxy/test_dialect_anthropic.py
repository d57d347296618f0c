"""What a messages request must be, what is counted of one, and what the lists look like to the official SDK's types."""

from __future__ import annotations

import json

import pytest
from anthropic.types import MessageTokensCount, ModelInfo

from proxy.dialects import anthropic
from proxy.refusals import InvalidRequest

MESSAGES = '"messages":[{"role":"user","content":"hi"}]'


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("", None),
        ("[]", None),
        ('{"model":"a","max_tokens":5', None),
        ('{"max_tokens":5,' + MESSAGES + "}", "model"),
        ('{"model":7,"max_tokens":5,' + MESSAGES + "}", "model"),
        ('{"model":"a",' + MESSAGES + "}", "max_tokens"),
        ('{"model":"a","max_tokens":-1,' + MESSAGES + "}", "max_tokens"),
        ('{"model":"a","max_tokens":null,' + MESSAGES + "}", "max_tokens"),
        ('{"model":"a","max_tokens":5}', "messages"),
        ('{"model":"a","max_tokens":5,"messages":[]}', "messages"),
        ('{"model":"a","max_tokens":5,"messages":"hi"}', "messages"),
        ('{"model":"a","max_tokens":5,"messages":[{"role":"user"},{"role":7}]}', "messages[1].role"),
        ('{"model":"a","max_tokens":5,"messages":[{"role":"user","content":7}]}', "messages[0].content"),
        ('{"model":"a","max_tokens":5,"stream":"yes",' + MESSAGES + "}", "stream"),
        ('{"model":"a","max_tokens":5,"thinking":"yes",' + MESSAGES + "}", "thinking"),
        ('{"model":"a","max_tokens":5,"Max_Tokens":9,' + MESSAGES + "}", "Max_Tokens"),
        ('{"model":"a","max_tokens":5,"x":' + "[" * 100_000 + "]" * 100_000 + "," + MESSAGES + "}", None),
        ('{"model":"a","max_tokens":5,"\\ud800":1,' + MESSAGES + "}", None),
    ],
)
def test_a_wrong_request_names_its_field(body: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        anthropic.parse(body.encode()).facts()
    assert refused.value.param == param
    assert param is None or param in refused.value.message


@pytest.mark.parametrize(
    ("members", "query", "stream", "beta"),
    [
        ("", b"", False, False),
        ('"stream":null,', b"x=1", False, False),
        ('"stream":true,"field_of_tomorrow":{},', b"beta=true", True, True),
        ('"tools":null,"system":null,', b"a=b&beta=true", False, True),
    ],
)
def test_what_is_asked(members: str, query: bytes, stream: bool, beta: bool) -> None:
    parsed = anthropic.parse(b'{"model":"m","max_tokens":7,%b%b}' % (members.encode(), MESSAGES.encode()), query)
    assert (parsed.stream, parsed.beta) == (stream, beta)
    facts = parsed.facts()
    assert (facts.dialect, facts.stream, facts.output_tokens_cap) == ("anthropic", stream, 7)


def counted(body: bytes, exact: int | None = None) -> bytes:
    return anthropic.CountRequest.parse(body).answer(exact)


def test_tokens_are_counted_without_a_cap() -> None:
    known = MessageTokensCount.model_validate_json(counted(b'{"model":"m",%b}' % MESSAGES.encode()))
    assert 1 <= known.input_tokens <= 20
    more = counted(b'{"model":"m","system":"%b",%b}' % (b"word " * 100, MESSAGES.encode()))
    assert json.loads(more)["input_tokens"] > known.input_tokens + 50
    assert json.loads(counted(b'{"model":"m",%b}' % MESSAGES.encode(), 7)) == {"input_tokens": 7}


@pytest.mark.parametrize("body", [b"", b"{}", b'{"model":"m","messages":[]}', b'{"model":"m","messages":[{"content":7}]}'])
def test_a_wrong_request_is_not_counted(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        counted(body)


def test_lists_of_models() -> None:
    listed = json.loads(anthropic.models_body(["auto", "b/c"]))
    assert [ModelInfo.model_validate(model).id for model in listed["data"]] == ["auto", "b/c"]
    assert (listed["has_more"], listed["first_id"], listed["last_id"]) == (False, "auto", "b/c")
    assert json.loads(anthropic.models_body([])) == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    assert ModelInfo.model_validate_json(anthropic.model_body("b/c")).type == "model"
