"""Facts of an embeddings request: the bytes of its texts and 16 for each, or the count of its ids; no output, no needs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.facts import BodyError, Facts, decode_embeddings, embeddings_facts


def facts(given: Any, **fields: Any) -> Facts:
    body = {"model": "embed", "input": given, **fields}
    return embeddings_facts(decode_embeddings(json.dumps(body).encode()))


@pytest.mark.parametrize(
    ("given", "bound"),
    [
        ("hello", 5 + 16),
        ("grüß", 6 + 16),
        ("", 16),
        (["hello", "grüß"], 5 + 6 + 2 * 16),
        ([], 0),
        ([101, 102, 103], 3),
        ([[101, 102], [103]], 3),
        ([[]], 0),
    ],
)
def test_the_bound_is_the_bytes_of_the_texts_with_16_for_each_or_the_count_of_ids(given: Any, bound: int) -> None:
    assert facts(given).input_tokens_bound == bound


def test_the_estimate_of_ids_is_their_count_and_of_text_is_less_than_its_bytes() -> None:
    assert facts([[101, 102], [103]]).input_tokens_estimate == 3
    assert 5 < facts("The quick brown fox jumps over the lazy dog.").input_tokens_estimate < 15


def test_there_is_neither_an_output_nor_a_need() -> None:
    seen = facts(["a"], dimensions=256, encoding_format="base64", user="x", stream=True, n=4)
    assert seen == Facts(
        dialect="openai_embeddings",
        model_named="embed",
        input_tokens_estimate=seen.input_tokens_estimate,
        input_tokens_bound=17,
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""),
        (b'{"input": "x"}', "model"),
        (b'{"model": "m"}', "input"),
        (b'{"model": "m", "input": null}', "input"),
        (b'{"model": "m", "input": {"text": "x"}}', "input"),
        (b'{"model": "m", "input": [1.5]}', "input[0]"),
        (b'{"model": "m", "input": [["x"]]}', "input[0][0]"),
    ],
)
def test_a_wrong_body_is_refused_with_its_field(body: bytes, field: str) -> None:
    with pytest.raises(BodyError) as caught:
        decode_embeddings(body)
    assert caught.value.field.replace("[...]", "[0]") == field
    assert caught.value.reason
