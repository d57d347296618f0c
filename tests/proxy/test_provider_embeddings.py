"""Embeddings: what a request must be, what goes upstream, what is read of the answer."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from core.config import Model, Provider
from core.money import Usage
from proxy.dialects import openai_embeddings
from proxy.providers.answers import WrongAnswer
from proxy.providers.openai_embeddings import EmbeddingsEndpoint, read_embeddings
from proxy.refusals import InvalidRequest

MODEL = Raw(b'"fast"')


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("", None),
        ("[]", None),
        ('{"input":"a"}', "model"),
        ('{"model":"m"}', "input"),
        ('{"model":"m","input":""}', "input"),
        ('{"model":"m","input":[]}', "input"),
        ('{"model":"m","input":7}', "input"),
        ('{"model":"m","input":[{"x":1}]}', "input[0]"),
        ('{"model":"m","input":"a","Input":"b"}', "Input"),
    ],
)
def test_a_wrong_request_names_its_field(body: str, param: str | None) -> None:
    with pytest.raises(InvalidRequest) as refused:
        openai_embeddings.parse(body.encode())
    assert refused.value.param == param


def test_the_body_goes_on_byte_for_byte_but_for_model() -> None:
    body = b'{"model":"gpt","input":[ "a", "\\u00e9" ],"encoding_format":"base64","x":{"b":1e-7}}'
    provider = Provider(kind="openai-compatible", base_url="http://127.0.0.1:9/v1", headers={"x-a": "1"})
    made = EmbeddingsEndpoint("fast", Model(provider="p", upstream_name="e-3"), "p", provider, "key")
    sent = made.build(openai_embeddings.parse(body), {b"openai-beta": b"x", b"cookie": b"c"})
    assert sent.body == body.replace(b'"gpt"', b'"e-3"')
    assert sent.target == b"/v1/embeddings"
    headers = dict(sent.headers)
    assert (headers[b"authorization"], headers[b"x-a"], headers[b"openai-beta"]) == (b"Bearer key", b"1", b"x")
    assert b"cookie" not in headers


def answer(**more: Any) -> bytes:
    data = [{"object": "embedding", "index": 0, "embedding": [0.1, -2.5e-7]}]
    return json.dumps({"object": "list", "data": data, "model": "e-3", **more}, separators=(",", ":")).encode()


def test_an_answer_goes_on_with_waybills_model() -> None:
    body = answer(usage={"prompt_tokens": 8, "total_tokens": 8})
    read = read_embeddings(body, MODEL)
    assert read.body == body.replace(b"e-3", b"fast")
    assert read.usage == Usage(input_tokens=8)


def test_a_vector_is_no_output_whatever_a_server_says() -> None:
    read = read_embeddings(answer(usage={"prompt_tokens": 8, "completion_tokens": 3, "total_tokens": 11}), MODEL)
    assert read.usage == Usage(input_tokens=8)


def test_without_usage_the_input_is_estimated_and_there_is_no_output() -> None:
    assert read_embeddings(answer(), MODEL).usage_or_estimate(5) == Usage(input_tokens=5, estimated=True)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data":[]}', b'{"data":7}', answer(error={"message": "no"}), b"<html>"])
def test_what_holds_no_embedding_is_a_wrong_answer(body: bytes) -> None:
    with pytest.raises(WrongAnswer):
        read_embeddings(body, MODEL)
