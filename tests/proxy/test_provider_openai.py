"""Requests to OpenAI-compatible providers and their whole answers: what changes, and that nothing else does."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from core.config import Model, Provider
from core.money import Usage
from proxy.dialects import openai_chat
from proxy.providers import KindNotServed, endpoint
from proxy.providers.answers import WrongAnswer, trace_message
from proxy.providers.members import with_model
from proxy.providers.openai import Endpoint
from proxy.providers.openai_answers import read_answer, read_failure
from proxy.providers.openai_usage import UsageObject, usage_from, usage_of
from proxy.providers.outcomes import outcome, retry_after_s

MODEL = Raw(b'"fast"')
MESSAGES = '"messages":[{"role":"user","content":"hi","model":"inner"}]'


def provider(kind: Any = "openai-compatible", base_url: str | None = "http://127.0.0.1:9/v1", **fields: Any) -> Provider:
    return Provider(kind=kind, base_url=base_url, **fields)


def to(base: Provider | None = None, key: str | None = None) -> Endpoint:
    return endpoint("fast", Model(provider="p", upstream_name='gpt-"4"'), "p", base or provider(), key)


def sent(body: str, cap: int | None = None) -> bytes:
    return to().build(openai_chat.parse(body.encode()), {}, cap).body


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f'{{{MESSAGES},"model":"auto"}}', f'{{{MESSAGES},"model":"gpt-\\"4\\""}}'),
        (f'{{"model":"auto",{MESSAGES},"x":1.50e3}}', f'{{"model":"gpt-\\"4\\"",{MESSAGES},"x":1.50e3}}'),
        # Repeated and escaped names: one member is sent, the last, as every parser behind would read it.
        (f'{{"model":"a",{MESSAGES},"model":"b"}}', f'{{"model":"gpt-\\"4\\"",{MESSAGES}}}'),
        (f'{{"model":"a",{MESSAGES},"\\u006dodel":"b"}}', f'{{"model":"gpt-\\"4\\"",{MESSAGES}}}'),
        (f'{{"n":2,"model":"a",{MESSAGES},"n":1}}', f'{{"n":1,"model":"gpt-\\"4\\"",{MESSAGES}}}'),
        (
            f'{{"model":"a","stream":true,{MESSAGES}}}',
            f'{{"model":"gpt-\\"4\\"","stream":true,{MESSAGES},"stream_options":{{"include_usage":true}}}}',
        ),
        (
            f'{{"model":"a","stream":true,"stream_options":null,{MESSAGES}}}',
            f'{{"model":"gpt-\\"4\\"","stream":true,"stream_options":{{"include_usage":true}},{MESSAGES}}}',
        ),
        (
            f'{{"model":"a","stream":true,"stream_options":{{"include_usage":false,"x": [1]}},{MESSAGES}}}',
            f'{{"model":"gpt-\\"4\\"","stream":true,"stream_options":{{"include_usage":true,"x":[1]}},{MESSAGES}}}',
        ),
        (
            f'{{"model":"a","stream":true,"stream_options":{{"include_usage": true}},{MESSAGES}}}',
            f'{{"model":"gpt-\\"4\\"","stream":true,"stream_options":{{"include_usage": true}},{MESSAGES}}}',
        ),
    ],
)
def test_only_the_model_and_what_accounting_needs_is_changed(body: str, expected: str) -> None:
    assert sent(body) == expected.encode()


def test_an_output_cap_is_added_in_the_form_that_the_kind_knows() -> None:
    request = openai_chat.parse(f'{{"model":"a",{MESSAGES},"max_tokens":null}}'.encode())
    assert json.loads(to().build(request, {}, 500).body)["max_tokens"] == 500
    assert json.loads(to(provider("openai")).build(request, {}, 500).body)["max_completion_tokens"] == 500


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.just("model"), inner, max_size=3),
    max_leaves=8,
)
others = st.dictionaries(
    st.text(max_size=6).filter(lambda name: name.lower() not in openai_chat.GOVERNED), json_values, max_size=5
)


@given(others, others, st.sampled_from([(",", ":"), (", ", ": ")]), st.booleans())
def test_any_other_member_arrives_as_it_was_sent(before: Any, after: Any, style: tuple[str, str], ascii_only: bool) -> None:
    body = {**before, "model": "auto", "messages": [{"role": "user", "content": "hi"}], **after}
    try:
        request = openai_chat.parse(json.dumps(body, separators=style, ensure_ascii=ascii_only).encode())
    except openai_chat.InvalidRequest:
        return  # a member of a known name and a wrong type
    upstream = json.loads(to().build(request, {}).body)
    assert list(upstream.items()) == list({**body, "model": 'gpt-"4"'}.items())


def test_the_address_and_the_headers_are_the_providers() -> None:
    base = provider("openai", "https://Example.com:8443/openai/v1/", headers={"X-Team": "a"})
    upstream = to(base, "sk-secret").build(
        openai_chat.parse(f'{{"model":"a",{MESSAGES}}}'.encode()),
        {
            b"authorization": b"Bearer sk-lr-client",
            b"openai-beta": b"x",
            b"openai-organization": b"o",
            b"idempotency-key": b"i",
        },
    )
    assert (upstream.origin.scheme, upstream.origin.host, upstream.origin.port) == ("https", "example.com", 8443)
    assert upstream.target == b"/openai/v1/chat/completions"
    assert dict(upstream.headers) == {
        b"accept": b"application/json",
        b"content-type": b"application/json",
        b"authorization": b"Bearer sk-secret",
        b"x-team": b"a",
        b"openai-beta": b"x",
    }


def test_openai_needs_no_address() -> None:
    assert to(provider("openai", None)).origin.host == "api.openai.com"


def test_a_key_that_no_header_can_carry_is_refused_without_being_quoted() -> None:
    with pytest.raises(ValueError, match="no header can carry") as refused:
        to(key="sk-secret\r\nx: y")
    assert "sk-secret" not in str(refused.value)


def test_a_kind_without_a_wire_is_refused() -> None:
    with pytest.raises(KindNotServed):
        to(provider("anthropic"))


# --- whole answers ------------------------------------------------------------------------------------------------------

COMPLETION = (
    '{"id":"c1","object":"chat.completion","created":7,"model":"gpt-4o-2024", "choices":[{"index":0,"message":'
    '{"role":"assistant","content":"say \\"model\\":\\"x\\""},"finish_reason":"stop"}],'
    '"usage":{"prompt_tokens":10,"completion_tokens":5}}'
)


def test_an_answer_keeps_every_byte_but_its_model() -> None:
    answer = read_answer(COMPLETION.encode(), MODEL)
    assert answer.body == COMPLETION.replace("gpt-4o-2024", "fast").encode()
    assert (answer.usage, answer.finish_reason) == (Usage(input_tokens=10, output_tokens=5), "stop")


@pytest.mark.parametrize(
    "body",
    [
        '{"choices":[{"message":{"content":"x","model":"inner"}}],"model":"u","usage":{"prompt_tokens":1}}',
        '{"id":"a{b","model" : "u","choices":[{}],"usage":{"prompt_tokens":1}}',
        '{"object":"model","model":"u\\"v","choices":[{}],"usage":{"prompt_tokens":1}}',
        '{"choices":[{}],"usage":{"prompt_tokens":1}}',
        '{"model":null,"choices":[{}],"usage":{"prompt_tokens":1}}',
        '{"model":"u","choices":[{}],"usage":{"prompt_tokens":1},"model":"v"}',
    ],
)
def test_the_model_is_found_wherever_it_stands(body: str) -> None:
    assert json.loads(read_answer(body.encode(), MODEL).body) == {**json.loads(body), "model": "fast"}


@given(others, others, st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", "\t: ")]))
def test_rewriting_the_model_changes_nothing_else(before: Any, after: Any, style: tuple[str, str]) -> None:
    document = {**before, "model": "u", **after}
    assert json.loads(with_model(json.dumps(document, separators=style).encode(), MODEL)) == {**document, "model": "fast"}


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<html>",
        "[]",
        "{}",
        '{"choices":[]}',
        '{"choices":null}',
        '{"choices":[{}],"error":{"message":"m"}}',
        '{"choices":[{}]',
        "null",
    ],
)
def test_a_200_that_is_no_completion_is_no_answer(body: str) -> None:
    with pytest.raises(WrongAnswer):
        read_answer(body.encode(), MODEL)


@pytest.mark.parametrize(
    "usage", ["null", "{}", "7", '{"prompt_tokens":-1}', '{"prompt_tokens":"9"}', '{"prompt_tokens":1e30}']
)
def test_an_answer_without_a_credible_usage_is_estimated(usage: str) -> None:
    body = f'{{"model":"u","choices":[{{"message":{{"content":"{"x" * 40}"}},"finish_reason":"stop"}}],"usage":{usage}}}'
    answer = read_answer(body.encode(), MODEL)
    assert answer.usage is None
    assert answer.usage_or_estimate(9) == Usage(input_tokens=9, output_tokens=10, estimated=True)


USAGES = [
    ("the plain form", "prompt 10, completion 5, total 15", "input 10, output 5"),
    ("parts are inside", "prompt 10, prompt.cached 4, prompt.audio 2", "input 10, cached_input 4, audio_input 2"),
    ("parts never exceed the whole", "prompt 10, prompt.cached 99, prompt.audio 9", "input 10, cached_input 10"),
    ("DeepSeek's name", "prompt 10, prompt_cache_hit 8, prompt_cache_miss 2", "input 10, cached_input 8"),
    ("OpenRouter's writes", "prompt 10, prompt.cached 2, prompt.cache_write 3", "input 10, cached_input 2, cache_write_5m 3"),
    ("reasoning is inside", "completion 9, completion.reasoning 7", "output 9, reasoning 7"),
    ("audio out", "completion 9, completion.audio 1", "output 9, audio_output 1"),
    ("xAI's beside", "prompt 10, completion 5, total 22, completion.reasoning 7", "input 10, output 12, reasoning 7"),
]


def figures(text: str) -> dict[str, Any]:
    """`prompt 10, prompt.cached 4` as the wire's object; `input 10` as the fields of a Usage."""
    found: dict[str, Any] = {}
    for item in text.split(", "):
        name, _, figure = item.partition(" ")
        whole, _, part = name.rpartition(".")
        (found.setdefault(f"{whole}_tokens_details", {}) if whole else found)[f"{part}_tokens"] = int(figure)
    return found


@pytest.mark.parametrize(("case", "wire", "expected"), USAGES)
def test_usage_of_every_speaker_in_one_convention(case: str, wire: str, expected: str) -> None:
    assert usage_from(figures(wire)) == Usage(**figures(expected)), case


def test_a_usage_may_hold_nulls_and_strangers() -> None:
    wire = {"prompt_tokens": 1, "prompt_tokens_details": None, "completion_tokens_details": None, "cost": 0.1}
    assert usage_from(wire) == Usage(input_tokens=1)


counts = st.integers(0, 50) | st.none()


@given(st.lists(counts, min_size=8, max_size=8))
def test_parts_of_a_usage_never_exceed_the_whole(drawn: list[int | None]) -> None:
    prompt, completion, total, cached, audio, written, reasoning, audio_out = drawn
    wire = {
        "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": audio, "cache_write_tokens": written},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": audio_out},
    }  # fmt: skip
    usage = usage_of(msgspec.convert(wire, UsageObject))
    if usage is None:
        assert prompt is completion is None
        return
    assert usage.cached_input_tokens + usage.cache_write_5m_tokens + usage.audio_input_tokens <= usage.input_tokens
    assert usage.reasoning_tokens + usage.audio_output_tokens <= usage.output_tokens


# --- other answers ------------------------------------------------------------------------------------------------------


def test_each_status_has_its_outcome() -> None:
    outcomes = {status: outcome(status) for status in range(200, 600)}
    assert [status for status, said in outcomes.items() if said == "answer"] == [200]
    assert {status for status in range(400, 500) if outcomes[status] == "fallback"} == {401, 402, 403, 404, 408, 409, 429}
    assert {outcomes[status] for status in (400, 413, 422, 418)} == {"client_error"}
    assert {outcomes[status] for status in (201, 204, 301, 307, 500, 502, 503, 529)} == {"fallback"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({b"retry-after": b"20"}, 20),
        ({b"retry-after": b"0.2"}, 1),
        ({b"retry-after": b"7", b"retry-after-ms": b"1500"}, 2),
        ({b"retry-after": b"Thu, 01 Jan 1970 00:02:00 GMT"}, 60),
        ({b"retry-after": b"Thu, 01 Jan 1970 00:00:10 GMT"}, 0),
        ({b"retry-after": b"-3"}, 0),
        ({b"retry-after": b"999999999"}, 86_400),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"nan"}, None),
        ({b"retry-after": b"inf"}, None),
    ],
)
def test_how_long_a_provider_asks_to_wait(headers: dict[bytes, bytes], expected: int | None) -> None:
    assert retry_after_s(headers.items(), now_ms=60_000) == expected


def test_a_providers_refusal_of_the_request_is_passed_on_as_it_came() -> None:
    body = (
        b'{"error":{"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}'
    )
    failure = read_failure(400, [], body, 0)
    assert (failure.message, failure.code, failure.param) == ("too long", "context_length_exceeded", "messages")
    assert failure.refusal().verbatim == body


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"error":"x"}', b'{"detail":"x"}', b"[1]", b'{"error":{"message":5}}'])
def test_an_error_in_another_form_is_said_anew(body: bytes) -> None:
    failure = read_failure(422, [(b"retry-after", b"3")], body, 0)
    assert (failure.message, failure.retry_after_s, failure.verbatim) == ("The provider answered 422.", 3, None)


def test_a_refused_credential_is_never_quoted() -> None:
    body = b'{"error":{"message":"Incorrect API key provided: sk-proj-abc123","type":"invalid_request_error"}}'
    for status in (401, 403):
        assert "sk-proj" not in msgspec.json.encode(read_failure(status, [], body, 0)).decode()


def test_the_key_that_a_request_was_sent_with_is_never_quoted() -> None:
    body = b'{"error":{"message":"sk-1 may not do this","code":"sk-1"}}'
    failure = to(key="sk-1").read_failure(400, [], body, 0)
    assert (failure.message, failure.code) == ("[key] may not do this", "[key]")
    assert failure.verbatim == body.replace(b"sk-1", b"[key]")


def test_a_long_message_is_cut_for_the_trace() -> None:
    body = json.dumps({"error": {"message": "x" * 10_000}}).encode()
    assert len(trace_message(read_failure(500, [], body, 0))) == 500
