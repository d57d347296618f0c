"""Facts of a chat request: its needs, what it asks for, and the two figures of its input."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.facts import BodyError, Facts, decode_chat, facts_from_chat
from core.images import IMAGE_TOKENS, IMAGE_TOKENS_BOUND
from core.tokens import text_tokens

PIXELS = "A" * 200_000
IMAGE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}}
TOOL = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}


def facts(content: Any = "hello", **fields: Any) -> Facts:
    body = {"model": "auto", "messages": [{"role": "user", "content": content}], **fields}
    return facts_from_chat(json.dumps(body).encode())


def test_a_plain_request_needs_nothing() -> None:
    assert facts(model="fast") == Facts(model_named="fast", input_tokens_estimate=6, input_tokens_bound=5 + 16)


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"content": [{"type": "text", "text": "what is it"}, IMAGE]}, ("vision",)),
        ({"tools": [TOOL]}, ("function_calling",)),
        ({"functions": [{"name": "weather"}]}, ("function_calling",)),
        ({"tools": []}, ()),
        ({"tools": None}, ()),
        ({"messages": [{"role": "assistant", "content": None, "tool_calls": [CALL]}]}, ("function_calling",)),
        ({"messages": [{"role": "tool", "tool_call_id": "call_1", "content": "rain"}]}, ("function_calling",)),
        ({"messages": [{"role": "assistant", "content": "x", "tool_calls": None}]}, ()),
        ({"response_format": {"type": "json_object"}}, ("json",)),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {}}}}, ("json",)),
        ({"response_format": {"type": "text"}}, ()),
        ({"reasoning_effort": "high"}, ("thinking",)),
        ({"reasoning_effort": "none"}, ()),
        ({"reasoning_effort": None}, ()),
        ({"modalities": ["text", "audio"], "audio": {"voice": "x", "format": "wav"}}, ("audio",)),
        ({"modalities": ["text"], "audio": None}, ()),
        ({"content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}]}, ("audio",)),
        ({"content": [IMAGE], "tools": [TOOL], "reasoning_effort": "low"}, ("vision", "function_calling", "thinking")),
    ],
)
def test_needs_are_read_from_the_request(fields: dict[str, Any], needs: tuple[str, ...]) -> None:
    assert facts(**fields).needs == needs


@pytest.mark.parametrize(
    ("fields", "cap"),
    [
        ({}, None),
        ({"max_tokens": 7}, 7),
        ({"max_completion_tokens": 9, "max_tokens": 7}, 9),
        ({"max_completion_tokens": 0, "max_tokens": 7}, 0),
        ({"max_completion_tokens": None, "max_tokens": 7}, 7),
    ],
)
def test_the_output_cap_is_the_newer_field_before_the_older(fields: dict[str, Any], cap: int | None) -> None:
    assert facts(**fields).output_tokens_cap == cap


def test_stream_and_number_of_answers() -> None:
    assert facts(stream=True, n=3).stream
    assert facts(n=3).answers == 3
    assert not facts(stream=None, n=None).stream
    assert facts(n=None).answers == 1


def test_facts_that_are_not_given_are_none() -> None:
    assert msgspec.structs.astuple(Facts()) == ("openai_chat", None, False, 0, 0, None, 1, 0, ())


@pytest.mark.parametrize(("number", "taken"), [(0, False), (1, True), (128, True), (129, False)])
def test_how_many_answers_a_request_may_ask_for(number: int, taken: bool) -> None:
    if taken:
        assert facts(n=number).answers == number
    else:
        with pytest.raises(BodyError, match=r"^n: "):
            facts(n=number)


def test_an_image_counts_a_fixed_figure_and_never_its_base64_text() -> None:
    seen = facts([{"type": "text", "text": "hello"}, IMAGE, IMAGE])
    assert seen.images == 2
    assert seen.input_tokens_estimate == facts("hello").input_tokens_estimate + 2 * IMAGE_TOKENS
    assert seen.input_tokens_bound == facts("hello").input_tokens_bound + 2 * IMAGE_TOKENS_BOUND


def test_speech_is_counted_by_its_length_and_not_as_text() -> None:
    heard = facts([{"type": "input_audio", "input_audio": {"data": PIXELS, "format": "mp3"}}])
    assert heard.input_tokens_estimate < 300
    assert heard.input_tokens_bound < len(PIXELS) // 10


def test_the_bound_is_bytes_and_16_a_message_and_600_if_tools() -> None:
    tool = json.dumps(TOOL)
    seen = facts(messages=[{"role": "system", "content": "grüß"}, {"role": "user", "content": "你好"}], tools=[TOOL])
    assert seen.input_tokens_bound == (2 + 2 + 2) + 6 + 2 * 16 + len(tool) + 600


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), min_size=1, max_size=5), st.booleans())
def test_the_bound_holds_every_byte_of_text_however_it_was_escaped(texts: list[str], ascii_only: bool) -> None:
    messages = [{"role": "user", "content": text} for text in texts]
    body = json.dumps({"model": "m", "messages": messages}, ensure_ascii=ascii_only).encode()
    seen = facts_from_chat(body)
    assert seen.input_tokens_bound == sum(len(text.encode()) for text in texts) + 16 * len(texts)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        # Counted with o200k_base.
        ("The quick brown fox jumps over the lazy dog. It was the best of times, it was the worst of times.", 24),
        (
            "我们今天去公园散步，天气很好，孩子们都很高兴。人工智能正在改变我们的生活方式，许多公司开始使用大型语言模型来提高工作效率。",
            39,
        ),
        (
            "今日は天気がいいので、公園へ散歩に行きました。子供たちはとても喜んでいました。人工知能は私たちの生活を変えつつあります。",
            43,
        ),
        (
            "오늘은 날씨가 좋아서 공원에 산책하러 갔습니다. 아이들이 매우 기뻐했습니다. "
            "인공지능은 우리의 삶을 바꾸고 있습니다.",
            39,
        ),
        ("Hoy fuimos a pasear por el parque, el tiempo era muy bueno y los niños estaban muy contentos.", 23),
        ("ذهبنا اليوم للتنزه في الحديقة، كان الطقس جميلاً وكان الأطفال سعداء جداً. الذكاء الاصطناعي يغير حياتنا.", 34),
    ],
)
def test_the_estimate_of_prose_is_within_a_quarter_of_a_tokenizer(text: str, tokens: int) -> None:
    assert text_tokens(text) / 1000 == pytest.approx(tokens, rel=0.25)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b'{"messages": []}', "model"),
        (b'{"model": "m"}', "messages"),
        (b'{"model": 1, "messages": []}', "model"),
        (b'{"model": "m", "messages": {}}', "messages"),
        (b'{"model": "m", "messages": [{"content": 5}]}', "messages[0].content"),
        (b'{"model": "m", "messages": [], "max_tokens": "many"}', "max_tokens"),
        (b'{"model": "m", "messages": [], "max_tokens": -1}', "max_tokens"),
        (b'{"model": "m", "messages": [], "n": 0}', "n"),
        (b'{"model": "m", "messages": [{"content": "\xff"}]}', ""),
        (b'{"model": "m", "messages": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", ""),
    ],
)
def test_a_wrong_body_is_refused_with_its_field(body: bytes, field: str) -> None:
    with pytest.raises(BodyError) as caught:
        decode_chat(body)
    assert caught.value.field == field
    assert caught.value.reason


def test_what_nobody_here_reads_passes() -> None:
    assert facts(some_future_field={"deep": [1, 2]}, temperature="hot").needs == ()
