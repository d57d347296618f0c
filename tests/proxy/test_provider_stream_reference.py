"""The stream relay equals a slow reference over any split of any stream: well-formed, odd, cut off or garbage."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from proxy.providers.openai_stream import StreamRelay


def pairs(data: str) -> Any:
    """JSON with the order of members and the spelling of numbers kept."""
    return json.loads(data, object_pairs_hook=lambda items: ("object", items), parse_float=str, parse_int=str)


class Reference:
    """The relay's promise written down slowly: the whole stream at once, every event taken apart and put together."""

    def __init__(self, stream: bytes, wants_usage: bool, answers: int) -> None:
        self.out: list[tuple[str, Any]] = []
        self.wants_usage = wants_usage
        self.answers = answers
        self.state = ""
        self.committed = False
        self.chunks = False
        self.events = 0
        self.usage: Any = None
        self.finished: set[int] = set()
        self.closing_from: int | None = None
        *whole, rest = re.sub("\r\n?", "\n", stream.decode()).split("\n\n")
        for event in whole:
            self.take(event)
        if not self.state and rest.strip("\n"):
            self.take(rest)
            self.state = "cut" if self.state == "malformed" else self.state
        if not self.state:
            self.state = "ended" if self.closing_from is not None else "cut"
        self.committed |= self.state == "ended"
        if self.state != "ended" and self.closing_from is not None:
            del self.out[self.closing_from :]

    def take(self, event: str) -> None:
        if self.state:
            return
        lines = [line.partition(":")[::2] for line in event.split("\n")]
        data = "\n".join(value.removeprefix(" ") for field, value in lines if field == "data")
        name = next((value.removeprefix(" ") for field, value in reversed(lines) if field == "event"), "")
        if not data.strip():
            return
        if data.strip() == "[DONE]":
            self.state = "ended" if self.chunks else "malformed"
            return
        try:
            value, ordered = json.loads(data), pairs(data)[1]
        except (ValueError, TypeError):
            self.state = "malformed"
            return
        if value.get("error") or name == "error":
            self.state = "error"
            return
        self.look(value)
        self.rewrite(value, ordered, name)

    def look(self, value: dict[str, Any]) -> None:
        self.usage = value.get("usage") or self.usage
        self.chunks |= "choices" in value
        for choice in value.get("choices") or ():
            delta = choice.get("delta") or {}
            if any(delta.get(name) for name in ("content", "reasoning_content", "tool_calls", "refusal")):
                self.committed = True
                self.events += 1
            if choice.get("finish_reason"):
                self.finished.add(choice.get("index", 0))
        if len(self.finished) >= self.answers and self.closing_from is None:
            self.closing_from = len(self.out)

    def rewrite(self, value: dict[str, Any], ordered: list[tuple[str, Any]], name: str) -> None:
        if "usage" in value and not self.wants_usage:
            if value["usage"] is None:
                ordered = [item for item in ordered if item[0] != "usage"]
            elif not value.get("choices"):
                return
        if "model" in value:
            ordered = [(key, "fast" if key == "model" else inner) for key, inner in ordered]
        elif "choices" in value or ("usage" in value and value["usage"] is None and not self.wants_usage):
            ordered = [*ordered, ("model", "fast")]
        self.out.append((name, ("object", ordered)))


def visible(out: bytes) -> list[tuple[str, Any]]:
    events = []
    for event in out.decode().split("\n\n")[:-1]:
        lines = [line.partition(": ")[::2] for line in event.split("\n")]
        data = "\n".join(value for field, value in lines if field == "data")
        name = next((value for field, value in lines if field == "event"), "")
        events.append((name, data if data == "[DONE]" else pairs(data)))
    return events


words = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028"), max_size=12) | st.sampled_from(
    ['"', "\\", '","model":"x"', "\n\ndata: [DONE]\n\n", '"usage":null}', "é", "日本", ""]
)
styles = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : ")])
rests = st.sampled_from(
    [
        {},
        {"usage": None},
        {"usage": None, "obfuscation": "a}]b"},
        {"usage": None, "x": {"a": 1, "usage": None}},
        {"x": {"model": "n", "usage": None}},
        {"error": None},
    ]
)
deltas = st.one_of(
    st.builds(lambda word: {"content": word}, words),
    st.builds(lambda word: {"content": word or "."}, words),
    st.builds(lambda word: {"content": None, "reasoning_content": word}, words),
    st.builds(lambda word: {"tool_calls": [{"index": 0, "function": {"arguments": word}}]}, words),
    st.sampled_from([{}, {"role": "assistant", "content": ""}, {"role": "assistant", "content": None}]),
)
USAGES = [{"prompt_tokens": 3, "completion_tokens": 2}, {"prompt_tokens": 4, "completion_tokens": 9, "total_tokens": 13}]


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    """Streams as providers send them, and as they should not."""
    style, end = draw(styles), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    prefix = draw(st.sampled_from(["data: ", "data:"]))
    base: dict[str, Any] = {"id": draw(st.sampled_from(["c1", "c1", "a{b", 'q"'])), "created": 7, "model": "gpt-4o-2024"}
    if draw(st.integers(0, 7)) == 0:
        base = {"usage": None, **base}
    if draw(st.booleans()):
        base["fingerprint"] = "fp"
    ascii_only = draw(st.booleans())
    parts: list[str] = []

    def put(value: Any) -> None:
        data = value if isinstance(value, str) else json.dumps(value, separators=style, ensure_ascii=ascii_only)
        parts.append(prefix + data + end + end)

    def chunk(head: dict[str, Any], choices: list[dict[str, Any]], rest: dict[str, Any]) -> dict[str, Any]:
        return {**head, "choices": choices, **rest}

    rest = draw(rests)
    odd_kinds = ["odd", "comment", "named", "blank", "lines", "usage", "stop", "error", "garbage", "done"]
    body = draw(st.lists(st.just("delta") | st.sampled_from(["delta", "delta", *odd_kinds]), max_size=10))
    for kind in body + draw(
        st.sampled_from([[], ["stop"], ["stop", "done"], ["stop", "usage", "done"], ["usage", "delta", "stop"]])
    ):
        index = draw(st.sampled_from([0, 0, 0, 1]))
        delta = chunk(base, [{"index": index, "delta": draw(deltas), "finish_reason": None}], rest)
        if kind == "delta":
            put(delta)
        elif kind == "odd":
            odd = [
                {"choices": delta["choices"], "model": "last"},
                {**delta, "created": 8},
                {"choices": delta["choices"]},
                {"k": 1},
            ]
            put(draw(st.sampled_from([*odd, {"k": [], "model": "z", "choices": []}])))
        elif kind == "comment":
            parts.append(": keep-alive" + end + end)
        elif kind == "named":
            parts.append("event: odd" + end)
            put(delta)
        elif kind == "blank":
            parts.append(end)
        elif kind == "lines":
            put(json.dumps(delta, indent=1).replace("\n", end + "data: "))
        elif kind == "usage":
            put(chunk(base, [], {"usage": draw(st.sampled_from(USAGES))}))
        elif kind == "stop":
            put(chunk(base, [{"index": index, "delta": draw(deltas), "finish_reason": "stop"}], rest))
        elif kind == "error":
            put(draw(st.sampled_from([{"error": {"message": "m"}}, {**delta, "error": {"message": "m"}}])))
        elif kind == "garbage":
            put(draw(st.sampled_from(["{", "x", '{"choices":[}'])))
        else:
            put("[DONE]")
    data = "".join(parts).encode()
    return data[: draw(st.integers(0, len(data)))] if draw(st.integers(0, 3)) == 0 else data


@settings(max_examples=400, deadline=None)
@given(streams(), st.booleans(), st.integers(1, 2), st.lists(st.integers(0, 2_000), max_size=6))
def test_the_relay_equals_the_reference_over_any_split(data: bytes, wants_usage: bool, answers: int, cuts: list[int]) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:  # truncated inside a character: the reference reads text
        data = data[: error.start]
    expected = Reference(data, wants_usage, answers)
    it = StreamRelay(Raw(b'"fast"'), wants_usage=wants_usage, answers=answers)
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    out = b"".join(it.feed(data[start:end]) for start, end in pairwise(places))
    out += it.finish()
    state = "ended" if it.ended else it.error.kind if it.error else ""
    assert (state, it.committed, it.content_events) == (expected.state, expected.committed, expected.events)
    assert (it.usage and it.usage.output_tokens) == (expected.usage and expected.usage["completion_tokens"])
    if it.ended:
        closing = len(expected.out) if expected.closing_from is None else expected.closing_from
        assert visible(out) == expected.out[:closing]
        assert visible(it.tail) == [*expected.out[closing:], ("", "[DONE]")]
    elif it.committed:
        assert visible(out) == expected.out
        assert [name for name, _ in visible(it.tail)] == [""]
        assert b"[DONE]" not in it.tail
    else:
        assert (out, it.tail) == (b"", b"")
