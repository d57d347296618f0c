"""The two figures of a prompt, held against real tokenizers on the texts in `texts/`, which the rates were not fitted to."""

from __future__ import annotations

import gc
import json
import statistics
from pathlib import Path
from typing import Any

import bpe_openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts import decode_chat, decode_embeddings, embeddings_facts, facts_from_chat
from core.facts.chat import chat_facts
from core.images import IMAGE_TOKENS_BOUND, image_tokens_bound
from core.tokens import PromptSize, measure, text_tokens

TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted((Path(__file__).parent / "texts").glob("*.txt"))}
CODE = {"python-code", "typescript-code", "sql-and-shell", "json-document", "yaml-and-markdown", "html-page", "log-lines"}
BYTE_LEVEL = ("o200k_base", "cl100k_base")
UNICODE = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


COUNTERS = {name: bpe_openai.get_encoding(name) for name in BYTE_LEVEL}
gc.freeze()  # vocabularies are a million objects that the collector need not look through time and again


def count(text: str, encoding: str = "o200k_base") -> int:
    return len(COUNTERS[encoding].encode_ordinary(text))


def error(text: str) -> float:
    return abs(text_tokens(text) / 1000 / count(text) - 1)


def test_the_estimate_is_within_15_percent_at_the_median() -> None:
    assert len(TEXTS) >= 30
    assert statistics.median(map(error, TEXTS.values())) <= 0.15
    assert statistics.median(error(text) for name, text in TEXTS.items() if name in CODE) <= 0.15
    assert statistics.median(error(text) for name, text in TEXTS.items() if name not in CODE) <= 0.15


@pytest.mark.parametrize("name", TEXTS)
def test_the_estimate_is_never_far_off(name: str) -> None:
    assert error(TEXTS[name]) <= 0.20


@pytest.mark.parametrize("encoding", BYTE_LEVEL)
@given(texts=st.lists(UNICODE, min_size=1, max_size=4))
def test_the_bound_is_never_below_a_real_count(encoding: str, texts: list[str]) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    body = json.dumps({"model": "m", "messages": messages}).encode()
    # OpenAI's chat template: 3 tokens around each message, its role, and 3 for the answer to begin.
    real = 3 + sum(3 + count("user", encoding) + count(text, encoding) for text in texts)
    assert facts_from_chat(body).input_tokens_bound >= real


@pytest.mark.parametrize("encoding", BYTE_LEVEL)
@given(text=UNICODE)
def test_the_bound_of_embeddings_is_never_below_a_real_count(encoding: str, text: str) -> None:
    body = json.dumps({"model": "m", "input": text}).encode()
    assert embeddings_facts(decode_embeddings(body)).input_tokens_bound >= count(text, encoding)


@given(UNICODE, UNICODE)
def test_more_text_is_never_fewer_bytes_and_any_text_has_an_estimate(one: str, other: str) -> None:
    tokens, size = measure(one)
    assert size == len(one.encode())
    assert 0 <= tokens <= 1_800 * len(one)
    assert measure(one + other)[1] == size + len(other.encode())


# Rates, in thousandths: letter 233, word 60, indent 290, line 190, digit 850, mark 545; beyond 8 letters for each space, line,
# mark and once more 600.
@pytest.mark.parametrize(
    ("text", "thousandths"),
    [
        ("", 0),
        ("hello", 5 * 233),
        ("Hello", 5 * 233),
        ("hello world", 10 * 233 + 60),
        ("a  b", 2 * 233 + 1 * 60 + 290),  # two spaces: one pair
        ("a    b", 2 * 233 + 2 * 60 + 2 * 290),  # four spaces are counted as two pairs
        ("a\nb", 2 * 233 + 190),
        ("2026", 4 * 850),
        ("a1", 233 + 850),
        ("f(x);", 2 * 233 + 3 * 545),
        ("a" * 8, 8 * 233),
        ("a" * 9, 9 * 233 + 600),  # one letter more than a word has
        ("a" * 17 + " ", 17 * 233 + 60 + 600),  # 17 − 8 × 2
        ("a" * 17 + "\n", 17 * 233 + 190 + 600),
        ("a" * 17 + ".", 17 * 233 + 545 + 600),
        ("a" * 17 + "  ", 17 * 233 + 60 + 290 + 600),
        ("é", 1_350),
        ("é\x7f\x80\xff", 545 + 3 * 1_350),  # ASCII ends with 7F, Latin-1 with FF
        ("é\x7f" + "a" * 8, 9 * 233 - 233 + 545 + 1_350),  # the same where little is foreign
        ("aé", 233 + 1_350),
        ("\u0100\u02ff", 2 * 1_700),
        ("αβ", 2 * 420),
        ("да", 2 * 330),
        ("\u0500\u05d0", 2 * 510),
        ("سل", 2 * 380),
        ("\u0900\u09ff", 2 * 390),
        ("\u0a00\u0dff", 2 * 400),
        ("\u0e01\u0fff", 2 * 440),
        ("\u1000\u12ff", 2 * 400),
        ("\u1300\u1dff", 2 * 1_000),
        ("\u1e00\u1fff", 2 * 90),
        ("\u2014\u2dff", 2 * 950),
        ("\u2e00\u2fff", 2 * 800),
        ("かナ", 2 * 685),
        ("\u3200字\u9fff", 3 * 800),
        ("\ua000한\ud7ff", 3 * 770),
        ("😀", 2 * 900),  # two halves
        ("\ue000\uffff", 2 * 800),
        ("да字да", 4 * 330 + 800),
        ("é да, 字", 1_350 + 2 * 330 + 800 + 2 * 60 + 545),
    ],
)
def test_the_estimate_is_the_sum_of_rates_by_script_and_content(text: str, thousandths: int) -> None:
    assert text_tokens(text) == thousandths


def test_lone_surrogates_are_counted_like_any_character() -> None:
    assert measure("\ud800") == (900, 3)


# Estimate: 4 a message, image 765, file 1 for 48 characters, elsewhere 5,000, encrypted 1 for 6, audio 1 for 1,000, tool 700.
# Bound: 16 a message, image 48,169, file and encrypted 1 a character, elsewhere 200,000, audio 1 for 16, tool 1,500, tools 600.
@pytest.mark.parametrize(
    ("attributes", "estimate", "bound"),
    [
        ({}, 0, 0),
        ({"messages": 3}, 12, 48),
        ({"images": 2}, 2 * 765, 2 * 48_169),
        ({"file_chars": 47}, 0, 47),
        ({"file_chars": 96}, 2, 96),
        ({"files_elsewhere": 2}, 10_000, 400_000),
        ({"encrypted_chars": 13}, 2, 13),
        ({"audio_chars": 3_999}, 3, 250),  # 3,999 / 16 = 249.9
        ({"audio_chars": 16}, 0, 1),
        ({"audio_chars": 17}, 0, 2),
        ({"has_tools": True}, 0, 600),
        ({"has_tools": True, "tools_elsewhere": 2}, 1_400, 600 + 3_000),
        ({"texts": ["a"]}, 1, 1),  # 233 thousandths are rounded up
        ({"texts": ["hello", " world"]}, 3, 11),
    ],
)
def test_what_each_part_of_a_prompt_adds(attributes: dict[str, Any], estimate: int, bound: int) -> None:
    size = PromptSize()
    for name, value in attributes.items():
        setattr(size, name, value)
    assert size.figures() == (estimate, bound)


def test_json_that_was_escaped_is_estimated_as_what_it_says_and_bound_as_it_stands() -> None:
    def facts(*, ascii_only: bool) -> Any:
        tool = {"type": "function", "function": {"name": "wetter", "description": "Погода в городе и прогноз на завтра"}}
        body = {"model": "m", "messages": [], "tools": [tool]}
        return chat_facts(decode_chat(json.dumps(body, ensure_ascii=ascii_only, separators=(",", ":")).encode()))

    escaped, plain = facts(ascii_only=True), facts(ascii_only=False)
    assert escaped.input_tokens_estimate == plain.input_tokens_estimate
    assert escaped.input_tokens_bound > plain.input_tokens_bound


def test_json_that_cannot_be_read_again_counts_as_it_stands() -> None:
    tool = b'{"description": "\\u0041", "maximum": 1e999}'
    body = b'{"model": "m", "messages": [], "tools": [' + tool + b"]}"
    size = len(tool)
    seen = facts_from_chat(body)
    assert seen.input_tokens_bound == size + 600
    assert seen.input_tokens_estimate == -(-text_tokens(tool.decode()) // 1_000)


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("gpt-4o-mini", 2_833 + 8 * 5_667),
        ("gpt-4o-mini-2024-07-18", 48_169),
        ("gpt-4o", 1_445),
        ("gpt-4o-2024-11-20", 1_445),
        ("gpt-4-turbo", 1_445),
        ("gpt-4.1", 1_445),
        ("gpt-4.1-mini", 2_489),
        ("gpt-4.1-nano", 3_779),
        ("gpt-5", 1_190),
        ("gpt-5-mini", 2_489),
        ("gpt-5-nano", 3_779),
        ("o1", 1_275),
        ("o3-2025-04-16", 1_275),
        ("o4-mini", 2_642),
        ("claude-opus-4-8", 4_784),
        ("gpt-5.6", IMAGE_TOKENS_BOUND),  # of another family
        ("gpt-4o-audio-preview", IMAGE_TOKENS_BOUND),
        ("my-deployment", IMAGE_TOKENS_BOUND),
        ("", IMAGE_TOKENS_BOUND),
    ],
)
def test_the_most_tokens_of_an_image_by_the_models_name(name: str, tokens: int) -> None:
    assert image_tokens_bound(name) == tokens
