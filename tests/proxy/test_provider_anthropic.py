"""Requests to Anthropic providers, and their whole answers: bytes, usage, failures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from core.config import Model, Provider
from core.fields import Credential
from core.money import Usage
from proxy.dialects import anthropic
from proxy.providers.answers import WrongAnswer
from proxy.providers.anthropic import MessagesEndpoint
from proxy.providers.anthropic_answers import read_answer, read_failure
from proxy.providers.anthropic_usage import UsageObject, usage_object, usage_of
from tests.proxy import messages

KEY = "sk-ant-very-secret"
MODEL = Raw(b'"fast"')


def endpoint(**provider: Any) -> MessagesEndpoint:
    credential = Credential(env="WAYBILL_SECRET_A", origin="https://api.anthropic.com")
    made = Provider(kind="anthropic", **{"credential": credential, **provider})
    return MessagesEndpoint("fast", Model(provider="a", upstream_name="claude-x"), "a", made, KEY)


BODY = b'{"model":"gpt","max_tokens":5,"messages":[ {"role":"user", "content":"\\u00e9 \\/"} ],"x":{"b":1e-7, "a" :[]},"n":1.0}'


def test_the_body_goes_on_byte_for_byte_but_for_model() -> None:
    sent = endpoint().build(anthropic.parse(BODY), {})
    assert sent.body == BODY.replace(b'"gpt"', b'"claude-x"')
    assert (sent.method, sent.target) == (b"POST", b"/v1/messages")
    assert (sent.origin.host, sent.origin.port) == ("api.anthropic.com", 443)


def test_the_key_is_shown_in_anthropics_way_and_the_clients_token_is_not() -> None:
    client = {b"authorization": b"Bearer sk-lr-1", b"x-api-key": b"sk-lr-1", b"cookie": b"c", b"user-agent": b"u"}
    headers = dict(endpoint().build(anthropic.parse(BODY), client).headers)
    assert headers[b"x-api-key"] == KEY.encode()
    assert not {b"authorization", b"cookie", b"user-agent"} & headers.keys()
    assert headers[b"anthropic-version"] == b"2023-06-01"
    assert b"anthropic-beta" not in headers


@pytest.mark.parametrize(
    ("file", "client", "version", "beta"),
    [
        ({}, {b"anthropic-version": b"2024-01-01", b"anthropic-beta": b"a,b"}, b"2024-01-01", b"a,b"),
        ({"Anthropic-Version": "2025-05-05", "anthropic-beta": "c"}, {}, b"2025-05-05", b"c"),
        ({"anthropic-version": "2025-05-05", "anthropic-beta": "c"}, {b"anthropic-beta": b"a"}, b"2025-05-05", b"c,a"),
        ({"anthropic-version": "2025-05-05"}, {b"anthropic-version": b"2023-06-01"}, b"2023-06-01", None),
    ],
)
def test_versions_and_betas_go_on(file: dict[str, str], client: dict[bytes, bytes], version: bytes, beta: bytes | None) -> None:
    sent = endpoint(headers=file).build(anthropic.parse(BODY), client).headers
    assert [value for name, value in sent if name == b"anthropic-version"] == [version]
    assert [value for name, value in sent if name == b"anthropic-beta"] == ([] if beta is None else [beta])


def test_a_beta_request_is_asked_as_one() -> None:
    assert endpoint().build(anthropic.parse(BODY, b"beta=true"), {}).target == b"/v1/messages?beta=true"
    assert endpoint().build(anthropic.parse(BODY, b"beta=1"), {}).target == b"/v1/messages"


def test_a_base_url_may_have_a_path() -> None:
    made = endpoint(base_url="https://gateway.example/anthropic/", credential=None)
    assert made.build(anthropic.parse(BODY), {}).target == b"/anthropic/v1/messages"


def test_streams_are_asked_for_as_streams() -> None:
    parsed = anthropic.parse(BODY[:-1] + b',"stream":true}')
    assert dict(endpoint().build(parsed, {}).headers)[b"accept"] == b"text/event-stream"


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        # input_tokens leaves out what was read from and written to the cache: all input is the sum.
        (
            {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 40, "output_tokens": 7},
            Usage(input_tokens=150, cached_input_tokens=100, cache_write_5m_tokens=40, output_tokens=7),
        ),
        (
            {
                "input_tokens": 10,
                "cache_creation_input_tokens": 40,
                "cache_creation": {"ephemeral_5m_input_tokens": 15, "ephemeral_1h_input_tokens": 25},
                "output_tokens": 7,
                "output_tokens_details": {"thinking_tokens": 5},
            },
            Usage(input_tokens=50, cache_write_5m_tokens=15, cache_write_1h_tokens=25, output_tokens=7, reasoning_tokens=5),
        ),
        # The breakdown alone.
        (
            {"input_tokens": 0, "cache_creation": {"ephemeral_5m_input_tokens": 1, "ephemeral_1h_input_tokens": 2}},
            Usage(input_tokens=3, cache_write_5m_tokens=1, cache_write_1h_tokens=2),
        ),
        # A breakdown above its total never makes more than the total, and no part is negative.
        (
            {"input_tokens": 1, "cache_creation_input_tokens": 5, "cache_creation": {"ephemeral_1h_input_tokens": 9}},
            Usage(input_tokens=6, cache_write_1h_tokens=5),
        ),
        ({"output_tokens": 2, "output_tokens_details": {"thinking_tokens": 9}}, Usage(output_tokens=2, reasoning_tokens=2)),
        ({"input_tokens": 3, "cache_read_input_tokens": None, "new": {"x": 1}}, Usage(input_tokens=3)),
        ({}, None),
        ({"input_tokens": -1}, None),
        ({"input_tokens": "9"}, None),
        (None, None),
    ],
)
def test_usage_is_one_convention(said: Any, usage: Usage | None) -> None:
    wire = usage_object(said)
    assert (usage_of(wire) if wire is not None else None) == usage


def test_a_later_usage_overrides_member_by_member() -> None:
    earlier = UsageObject(input_tokens=5, output_tokens=1, cache_read_input_tokens=3)
    assert earlier.updated(UsageObject(output_tokens=9, input_tokens=6)) == UsageObject(
        input_tokens=6, output_tokens=9, cache_read_input_tokens=3
    )


def test_an_answer_goes_on_byte_for_byte_but_for_model() -> None:
    body = b'{"model" : "claude-x-2026","id":"m","content":[{"text":"\\u00e9","x":1.00}],\n"usage":{"input_tokens":1}}'
    answer = read_answer(body, MODEL)
    assert answer.body == body.replace(b"claude-x-2026", b"fast")
    assert answer.usage == Usage(input_tokens=1)


def test_an_answer_whose_content_names_models_keeps_them() -> None:
    body = messages.whole("claude", 'so "model": "x" and {"model":"y"}')
    rewritten = json.loads(read_answer(body, MODEL).body)
    assert rewritten == {**json.loads(body), "model": "fast"}


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"content":"hi"}', b'{"content":7,"usage":{"input_tokens":1}}', b'{"type":"error","content":[]}',
     messages.error_body("overloaded_error", "busy"), b'{"content":[}', b"<html>"],
)  # fmt: skip
def test_what_is_no_message_is_a_wrong_answer(body: bytes) -> None:
    with pytest.raises(WrongAnswer):
        read_answer(body, MODEL)


def test_an_answer_without_usage_is_estimated() -> None:
    answer = read_answer(messages.whole("m", "x" * 400, usage=None), MODEL)
    assert answer.usage is None
    estimate = answer.usage_or_estimate(11)
    assert estimate.estimated
    assert estimate.input_tokens == 11
    assert estimate.output_tokens >= 100


def test_a_refusal_of_the_request_is_the_clients_word_for_word() -> None:
    body = messages.error_body("invalid_request_error", "max_tokens: too large")
    failure = read_failure(400, [], body, 0)
    assert (failure.type, failure.message, failure.verbatim) == ("invalid_request_error", "max_tokens: too large", body)
    refusal = failure.refusal()
    assert refusal.wire("anthropic").status == 400


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"error":"x"}', b'{"error":{"message":"openai\'s"}}', b"[1]", b'{"type":"error"}']
)
def test_an_error_of_another_form_is_said_anew(body: bytes) -> None:
    failure = read_failure(529, [(b"retry-after", b"7")], body, 0)
    assert (failure.verbatim, failure.retry_after_s) == (None, 7)
    assert "529" in failure.message


def test_of_a_refused_credential_nothing_is_kept() -> None:
    failure = endpoint().read_failure(401, [], messages.error_body("authentication_error", f"invalid x-api-key {KEY}"), 0)
    assert KEY not in repr(failure)


def test_a_quoted_key_is_taken_out() -> None:
    failure = endpoint().read_failure(400, [], messages.error_body("invalid_request_error", f"with {KEY}"), 0)
    assert failure.message == "with [key]"
    assert KEY.encode() not in (failure.verbatim or b"")


def test_a_key_that_no_header_carries_is_refused() -> None:
    with pytest.raises(ValueError, match="header"):
        MessagesEndpoint("m", Model(provider="a", upstream_name="u"), "a", Provider(kind="anthropic"), "ключ")
