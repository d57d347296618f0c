"""What a chat request must be, and what the model lists look like to the official SDK's types."""

from __future__ import annotations

import json

import pytest
from openai.types import Model

from proxy.dialects import openai_chat
from proxy.refusals import InvalidRequest

MESSAGES = '"messages":[{"role":"user","content":"hi"}]'


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("", None),
        ("hello", None),
        ("[]", None),
        ('{"model":"a"', None),
        ('{"model":"a","messages":NaN}', None),
        ('{"model":"a",' + MESSAGES + "} {}", None),
        ("{" + MESSAGES + "}", "model"),
        ('{"model":7,' + MESSAGES + "}", "model"),
        ('{"model":null,' + MESSAGES + "}", "model"),
        ('{"model":"a"}', "messages"),
        ('{"model":"a","messages":[]}', "messages"),
        ('{"model":"a","messages":null}', "messages"),
        ('{"model":"a","messages":"hi"}', "messages"),
        ('{"model":"a","messages":["hi"]}', "messages[0]"),
        ('{"model":"a","messages":[{"role":"user"},{"role":7}]}', "messages[1].role"),
        ('{"model":"a","stream":"yes",' + MESSAGES + "}", "stream"),
        ('{"model":"a","stream_options":[],' + MESSAGES + "}", "stream_options"),
        ('{"model":"a","stream_options":{"include_usage":1},' + MESSAGES + "}", "stream_options.include_usage"),
        ('{"model":"a","n":0,' + MESSAGES + "}", "n"),
        ('{"model":"a","n":1000000,' + MESSAGES + "}", "n"),
        ('{"model":"a","max_tokens":-1,' + MESSAGES + "}", "max_tokens"),
        ('{"model":"a","max_completion_tokens":"9",' + MESSAGES + "}", "max_completion_tokens"),
        ('{"model":"a","max_completion_tokens":5,"max_tokens":9,' + MESSAGES + "}", "max_tokens"),
        # Names that some servers take for the governed ones.
        ('{"model":"a","Model":"dear",' + MESSAGES + "}", "Model"),
        ('{"model":"a","MAX_TOKENS":9,' + MESSAGES + "}", "MAX_TOKENS"),
        ('{"model":"a","x":' + "[" * 100_000 + "]" * 100_000 + "," + MESSAGES + "}", None),
    ],
)
def test_a_wrong_request_names_its_field(body: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        openai_chat.parse(body.encode())
    assert refused.value.param == param
    assert param is None or param in refused.value.message


@pytest.mark.parametrize("body", [b'{"model":"\xff","messages":[{"role":"user"}]}', b"\xef\xbb\xbf{}", b'{"\\ud800":1}'])
def test_bytes_that_are_no_text_are_a_wrong_request(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        openai_chat.parse(body)


@pytest.mark.parametrize(
    ("members", "stream", "wants_usage", "answers"),
    [
        ("", False, False, 1),
        ('"stream":null,"n":null,"stream_options":null,"max_tokens":null,', False, False, 1),
        ('"stream":true,"n":3,', True, False, 3),
        ('"stream":true,"stream_options":{"include_usage":true},', True, True, 1),
        ('"stream":true,"stream_options":{"include_usage":null,"include_obfuscation":false},', True, False, 1),
        ('"stream_options":{"include_usage":true},', False, False, 1),
        ('"a field of tomorrow":{"model":1},"temperature":"warm",', False, False, 1),
    ],
)
def test_a_request_is_read_and_what_nobody_reads_passes(members: str, stream: bool, wants_usage: bool, answers: int) -> None:
    request = openai_chat.parse(f'{{"model":"any string at all",{members}{MESSAGES}}}'.encode())
    assert (request.stream, request.wants_usage, request.answers) == (stream, wants_usage, answers)
    facts = request.facts()
    assert (facts.model_named, facts.stream, facts.answers) == ("any string at all", stream, answers)


def test_models_are_listed_in_the_projects_order_behind_auto() -> None:
    listed = json.loads(openai_chat.models_body(["b/c", "a"]))
    assert listed["object"] == "list"
    assert [Model.model_validate(model, strict=True).id for model in listed["data"]] == ["auto", "b/c", "a"]
    assert openai_chat.models_body(["a"]) == openai_chat.models_body(["a"])
    assert json.loads(openai_chat.model_body("a")) == listed["data"][2]
