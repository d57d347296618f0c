"""Facts of an Anthropic messages request: its needs, what it asks for, and the two figures of its input."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.facts import BodyError, Facts, decode_count_tokens, decode_messages, messages_facts
from core.images import IMAGE_TOKENS, IMAGE_TOKENS_BOUND
from core.tokens import (
    FILE_ELSEWHERE_TOKENS_BOUND,
    TOOL_ELSEWHERE_TOKENS_BOUND,
    TOOLS_TOKENS_BOUND,
)

PIXELS = "A" * 200_000
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXELS}}
IMAGE_URL = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
IMAGE_FILE = {"type": "image", "source": {"type": "file", "file_id": "file_1"}}
TOOL = {"name": "weather", "description": "The weather", "input_schema": {"type": "object"}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Ulm"}}
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}
FORMAT = {"type": "json_schema", "schema": SCHEMA}


def facts(content: Any = "hello", **fields: Any) -> Facts:
    body = {"model": "auto", "max_tokens": 100, "messages": [{"role": "user", "content": content}], **fields}
    return messages_facts(decode_messages(json.dumps(body, ensure_ascii=False).encode()))


def result(content: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": "toolu_1", "content": content}


def document(**source: Any) -> dict[str, Any]:
    return {"type": "document", "source": source}


def bound_of(*blocks: Any) -> int:
    """The bound less that of one message without content."""
    return facts(list(blocks)).input_tokens_bound - 16


def test_a_plain_request_needs_nothing() -> None:
    assert facts(model="claude") == Facts(
        dialect="anthropic", model_named="claude", input_tokens_estimate=6, input_tokens_bound=5 + 16, output_tokens_cap=100
    )


@pytest.mark.parametrize(
    ("fields", "needs"),
    [
        ({"content": [{"type": "text", "text": "what is it"}, IMAGE]}, ("vision",)),
        ({"content": [IMAGE_URL]}, ("vision",)),
        ({"content": [IMAGE_FILE]}, ("vision",)),
        ({"content": [result([IMAGE])]}, ("vision", "function_calling")),
        ({"content": [document(type="content", content=[IMAGE])]}, ("vision",)),
        ({"content": [document(type="base64", media_type="application/pdf", data="JVBERi0=")]}, ()),
        ({"tools": [TOOL]}, ("function_calling",)),
        ({"tools": []}, ()),
        ({"tools": None}, ()),
        ({"tool_choice": {"type": "none"}}, ()),
        ({"content": [USE]}, ("function_calling",)),
        ({"content": [{"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}]}, ("function_calling",)),
        ({"content": [{"type": "mcp_tool_use", "id": "s", "name": "x", "input": {}}]}, ("function_calling",)),
        ({"content": [{"type": "web_search_tool_result", "content": []}]}, ("function_calling",)),
        ({"content": [result("sunny")]}, ("function_calling",)),
        ({"output_config": {"format": FORMAT}}, ("json",)),
        ({"output_format": FORMAT}, ("json",)),
        ({"output_config": {"effort": "high"}}, ()),
        ({"output_config": {"format": None}}, ()),
        ({"thinking": {"type": "enabled", "budget_tokens": 1024}}, ("thinking",)),
        ({"thinking": {"type": "adaptive"}}, ("thinking",)),
        ({"thinking": {"type": "disabled"}}, ()),
        ({"thinking": None}, ()),
        ({"content": [{"type": "thinking", "thinking": "hm", "signature": "x"}]}, ()),
        ({"content": [{"type": "audio", "source": {"type": "base64", "data": "AAAA"}}]}, ("audio",)),
        ({"content": [IMAGE], "tools": [TOOL], "thinking": {"type": "adaptive"}}, ("vision", "function_calling", "thinking")),
    ],
)
def test_needs_are_read_from_the_request(fields: dict[str, Any], needs: tuple[str, ...]) -> None:
    assert facts(**fields).needs == needs


def test_the_cap_is_required_and_whether_it_streams_is_read() -> None:
    assert facts(max_tokens=0).output_tokens_cap == 0
    assert facts(stream=True).stream
    assert not facts(stream=None).stream
    with pytest.raises(BodyError, match="max_tokens"):
        decode_messages(b'{"model": "m", "messages": []}')


def test_count_tokens_has_the_same_facts_without_a_cap() -> None:
    body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": "hello"}], "tools": [TOOL]}).encode()
    seen, whole = messages_facts(decode_count_tokens(body)), facts(tools=[TOOL])
    assert seen.output_tokens_cap is None
    assert (seen.input_tokens_bound, seen.input_tokens_estimate) == (whole.input_tokens_bound, whole.input_tokens_estimate)


@pytest.mark.parametrize("system", ["grüß", [{"type": "text", "text": "grüß", "cache_control": {"type": "ephemeral"}}]])
def test_the_bound_is_bytes_and_16_a_message_and_600_if_tools(system: Any) -> None:
    messages = [{"role": "user", "content": "你好"}, {"role": "assistant", "content": [{"type": "text", "text": "hi"}]}]
    tool = json.dumps(TOOL)
    # "grüß" has 6 bytes, "你好" has 6, "hi" has 2; two messages; the tool as it was sent.
    assert facts(system=system, messages=messages).input_tokens_bound == 6 + 6 + 2 + 2 * 16
    assert facts(system=system, messages=messages, tools=[TOOL]).input_tokens_bound == 6 + 6 + 2 + 2 * 16 + len(tool) + 600


@pytest.mark.parametrize(
    ("block", "bound"),
    [
        ({"type": "text", "text": "four"}, 4),
        ({"type": "text"}, 0),
        (USE, len('"weather"') + len('{"city": "Ulm"}')),
        (result("sunny"), 5),
        (result([{"type": "text", "text": "sunny"}]), 5),
        (result(None), 0),
        ({"type": "tool_result", "tool_use_id": "x"}, 0),
        (result([{"type": "text", "text": "sunny"}, IMAGE]), 5 + IMAGE_TOKENS_BOUND),
        (result({"type": "odd"}), len('{"type": "odd"}')),
        (result([7]), len("[7]")),
        ({"type": "web_search_tool_result", "content": [{"type": "web_search_result", "url": "u"}]}, 41),
        (IMAGE, IMAGE_TOKENS_BOUND),
        (IMAGE_URL, IMAGE_TOKENS_BOUND),
        ({"type": "thinking", "thinking": "hm", "signature": "abcd"}, 2 + len('"abcd"')),
        ({"type": "redacted_thinking", "data": "abcd"}, len('"abcd"')),
        (document(type="text", media_type="text/plain", data="four"), len('"four"')),
        (document(type="content", content="four"), 4),
        (document(type="content", content=[{"type": "text", "text": "four"}]), 4),
        (document(type="base64", media_type="application/pdf", data="JVBE"), len('"JVBE"')),
        (document(type="url", url="https://example.com/a.pdf"), FILE_ELSEWHERE_TOKENS_BOUND),
        (document(type="file", file_id="file_1"), FILE_ELSEWHERE_TOKENS_BOUND),
        ({**document(type="text", data="four"), "title": "t", "context": "c"}, len('"t""c""four"')),
        ({"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "four"}]}, 3 + 3 + 4),
        ({"type": "hologram", "light": {"text": "é"}}, len('{"type": "hologram", "light": {"text": "é"}}'.encode())),
        ({"source": "no type"}, len('{"source": "no type"}')),
    ],
)
def test_what_each_block_adds_to_the_bound(block: dict[str, Any], bound: int) -> None:
    assert bound_of(block) == bound


def test_unknown_blocks_count_beside_known_ones() -> None:
    strange = {"type": "hologram", "light": 1}
    size = len(json.dumps(strange))
    text = {"type": "text", "text": "four"}
    assert bound_of(text, strange, text, strange) == 2 * 4 + 2 * size
    assert bound_of(result([text, strange])) == 4 + size


@pytest.mark.parametrize(
    ("levels", "bound"), [(1, 4), (2, 4), (3, 4), (4, len('"four"')), (5, len(json.dumps([result("four")])))]
)
def test_results_are_read_three_deep_and_deeper_ones_count_as_they_stand(levels: int, bound: int) -> None:
    content: Any = "four"
    for _ in range(levels):
        content = [result(content)]
    assert bound_of(*content) == bound


def test_blocks_that_are_nested_too_deeply_count_with_all_their_json() -> None:
    inner: Any = "four"
    for _ in range(200):
        inner = [result(inner)]
    assert bound_of(*inner) > 200 * len('{"type": "tool_result"}')


def test_an_image_counts_a_fixed_figure_and_never_its_base64_text() -> None:
    plain, seen = facts("hello"), facts([{"type": "text", "text": "hello"}, IMAGE, result([IMAGE])])
    assert seen.images == 2
    assert seen.input_tokens_estimate == plain.input_tokens_estimate + 2 * IMAGE_TOKENS
    assert seen.input_tokens_bound == plain.input_tokens_bound + 2 * IMAGE_TOKENS_BOUND


def test_a_tool_that_the_provider_defines_counts_its_own_figure() -> None:
    own = {"type": "bash_20250124", "name": "bash"}
    custom = {"type": "custom", **TOOL}
    base = facts().input_tokens_bound + TOOLS_TOKENS_BOUND
    assert facts(tools=[own]).input_tokens_bound == base + len(json.dumps(own)) + TOOL_ELSEWHERE_TOKENS_BOUND
    assert facts(tools=[custom]).input_tokens_bound == base + len(json.dumps(custom))


def test_the_schema_of_the_answer_is_part_of_the_prompt() -> None:
    for fields in ({"output_config": {"format": FORMAT}}, {"output_format": FORMAT}):
        assert facts(**fields).input_tokens_bound == facts().input_tokens_bound + len(json.dumps(SCHEMA))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"{", ""),
        (b"[]", ""),
        (b'{"max_tokens": 1, "messages": []}', "model"),
        (b'{"max_tokens": 1, "model": "m"}', "messages"),
        (b'{"model": "m", "messages": []}', "max_tokens"),
        (b'{"model": "m", "messages": [], "max_tokens": null}', "max_tokens"),
        (b'{"model": "m", "messages": [], "max_tokens": -1}', "max_tokens"),
        (b'{"model": 1, "max_tokens": 1, "messages": []}', "model"),
        (b'{"model": "m", "max_tokens": 1, "messages": {}}', "messages"),
        (b'{"model": "m", "max_tokens": 1, "messages": [1]}', "messages[0]"),
        (b'{"model": "m", "max_tokens": 1, "messages": [{"content": "x"}, {"content": 5}]}', "messages[1].content"),
        (b'{"model": "m", "max_tokens": 1, "messages": [{"content": [{"text": 5}]}]}', "messages[0].content[0].text"),
        (b'{"model": "m", "max_tokens": 1, "messages": [], "system": 5}', "system"),
        (b'{"model": "m", "max_tokens": 1, "messages": [], "tools": {}}', "tools"),
        (b'{"model": "m", "max_tokens": 1, "messages": [], "tools": [{}, 1]}', "tools[1]"),
        (b'{"model": "m", "max_tokens": 1, "messages": [], "thinking": "yes"}', "thinking"),
        (b'{"model": "m", "max_tokens": 1, "messages": [{"content": "\xff"}]}', "messages[0].content"),
    ],
)
def test_a_wrong_body_is_refused_with_its_field(body: bytes, field: str) -> None:
    with pytest.raises(BodyError) as caught:
        messages_facts(decode_messages(body))
    assert caught.value.field == field
    assert caught.value.reason


def test_what_nobody_here_reads_passes() -> None:
    assert facts(some_future_field={"deep": [1, 2]}, temperature="hot", mcp_servers=[{"url": "x"}]).needs == ()
