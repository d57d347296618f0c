"""The stream relay: transcripts of what comes in and what goes out, and equality with a slow reference over any split."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from core.money import Usage
from proxy.providers import sse
from proxy.providers.openai_stream import HOLD_BYTES, StreamRelay

MODEL = Raw(b'"fast"')
HEAD = '{"id":"c1","object":"chat.completion.chunk","created":7,"model":"gpt-4o-2024",'
ROLE = HEAD + '"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}'
STOP = HEAD + '"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}'
USAGE = HEAD + '"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}'
DONE = "[DONE]"


def text(words: str, index: int = 0, head: str = HEAD, rest: str = "") -> str:
    return f'{head}"choices":[{{"index":{index},"delta":{{"content":{json.dumps(words)}}},"finish_reason":null}}]{rest}}}'


def wire(*payloads: str, end: str = "\n") -> bytes:
    return "".join(f"data: {payload}{end}{end}" for payload in payloads).encode()


def ours(*payloads: str) -> bytes:
    return wire(*payloads).replace(b"gpt-4o-2024", b"fast")


def relay(wants_usage: bool = False, answers: int = 1) -> StreamRelay:
    return StreamRelay(MODEL, wants_usage=wants_usage, answers=answers)


class TestCommit:
    def test_the_role_is_held_until_the_first_content(self) -> None:
        it = relay()
        assert it.feed(wire(ROLE)) == b""
        assert not it.committed
        assert it.feed(wire(text("Hello"))) == ours(ROLE, text("Hello"))
        assert it.committed

    @pytest.mark.parametrize(
        "delta",
        [
            '{"content":" "}',
            '{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"f","arguments":""}}]}',
            '{"function_call":{"name":"f","arguments":""}}',
            '{"content":null,"reasoning_content":"hm"}',
            '{"content":"","reasoning":"hm"}',
            '{"refusal":"no"}',
            '{"content":null,"audio":{"id":"a","data":"AAAA"}}',
            '{"content":[{"type":"thinking","thinking":[]}]}',
            '{"content":"\\ud83d"}',
        ],
    )
    def test_content_of_every_kind_commits(self, delta: str) -> None:
        it = relay()
        it.feed(wire(f'{HEAD}"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}'))
        assert (it.committed, it.content_events, it.error) == (True, 1, None)

    @pytest.mark.parametrize(
        "delta",
        [
            '{"role":"assistant"}',
            '{"content":""}',
            '{"content":null,"tool_calls":[],"audio":null,"refusal":null}',
            "null",
            "{}",
        ],
    )
    def test_nothing_said_commits_nothing(self, delta: str) -> None:
        it = relay()
        assert it.feed(wire(f'{HEAD}"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}')) == b""
        assert not it.committed

    def test_after_64_kb_without_content_the_held_bytes_go_out(self) -> None:
        it = relay()
        one = wire(f'{HEAD}"padding":"{"x" * 5000}","choices":[]}}')
        out = b"".join(it.feed(one) for _ in range(20))
        assert it.committed
        assert len(out) > HOLD_BYTES
        assert it.content_events == 0

    def test_an_empty_answer_is_committed_by_its_proper_end(self) -> None:
        it = relay()
        out = it.feed(wire(ROLE, STOP, DONE))
        assert (out, it.tail, it.ended, it.committed) == (ours(ROLE), ours(STOP, DONE), True, True)


class TestEnd:
    def test_the_last_bytes_wait_for_the_journal(self) -> None:
        it = relay(wants_usage=True)
        out = it.feed(wire(ROLE, text("a"), text("b"), STOP))
        assert out == ours(ROLE, text("a"), text("b"))
        assert not it.ended
        assert it.feed(wire(USAGE, DONE)) == b""
        assert it.ended
        assert it.tail == ours(STOP, USAGE, DONE)
        assert it.usage == Usage(input_tokens=3, output_tokens=2)
        assert it.finish_reason == "stop"

    def test_a_usage_chunk_that_only_waybill_asked_for_is_removed(self) -> None:
        it = relay()
        it.feed(wire(text("a"), STOP, USAGE, DONE))
        assert it.tail == ours(STOP, DONE)
        assert it.usage == Usage(input_tokens=3, output_tokens=2)

    @pytest.mark.parametrize("rest", [',"usage":null', ',"usage":null,"obfuscation":"x}y"', ', "usage": null'])
    def test_null_usages_that_only_waybill_asked_for_are_removed(self, rest: str) -> None:
        it = relay()
        out = it.feed(b"".join(wire(text(word, rest=rest)) for word in "abc"))
        kept = rest.partition("null")[2]
        assert [json.loads(event[6:]) for event in out.decode().split("\n\n")[:-1]] == [
            json.loads(text(word, rest=kept).replace("gpt-4o-2024", "fast")) for word in "abc"
        ]

    def test_null_usages_stay_for_a_client_that_asked(self) -> None:
        events = [text(word, rest=',"usage":null') for word in "abc"]
        assert relay(wants_usage=True).feed(wire(*events)) == ours(*events)

    def test_usage_beside_content_is_the_providers_own_way_and_stays(self) -> None:
        last = STOP[:-1] + ',"usage":{"prompt_tokens":1,"completion_tokens":1}}'
        it = relay()
        it.feed(wire(text("a"), last, DONE))
        assert it.tail == ours(last, DONE)
        assert it.usage == Usage(input_tokens=1, output_tokens=1)

    def test_with_several_answers_only_the_last_end_closes(self) -> None:
        it = relay(answers=2)
        second = STOP.replace('"index":0', '"index":1')
        assert it.feed(wire(text("a"), STOP, text("b", 1))) == ours(text("a"), STOP, text("b", 1))
        assert not it.closing
        assert it.feed(wire(second)) == b""
        assert it.closing
        it.feed(wire(DONE))
        assert it.tail == ours(second, DONE)

    def test_an_end_without_done_is_an_end_if_the_answer_finished(self) -> None:
        it = relay()
        it.feed(wire(text("a"), STOP))
        assert it.finish() == b""
        assert (it.ended, it.error, it.tail) == (True, None, ours(STOP, DONE))

    def test_a_last_event_without_its_blank_line_counts(self) -> None:
        it = relay()
        it.feed(wire(text("a"), STOP) + b"data: [DONE]")
        assert not it.ended
        it.finish()
        assert (it.ended, it.tail) == (True, ours(STOP, DONE))

    def test_what_follows_the_end_is_nobodys(self) -> None:
        it = relay()
        it.feed(wire(text("a"), STOP, DONE, text("b")))
        assert it.feed(wire(text("c"))) == b""
        assert it.tail == ours(STOP, DONE)

    def test_usage_is_estimated_from_what_came_when_nobody_said(self) -> None:
        it = relay()
        it.feed(wire(text("a"), text("b"), text("c")))
        assert it.usage_or_estimate(11) == Usage(input_tokens=11, output_tokens=3, estimated=True)


class TestFailure:
    def test_an_error_before_the_commit_leaves_nothing_to_send(self) -> None:
        it = relay()
        assert it.feed(wire(ROLE, '{"error":{"message":"busy","code":429}}')) == b""
        assert it.error is not None
        assert (it.committed, it.tail, it.error.kind, it.error.message, it.error.status) == (False, b"", "error", "busy", 429)

    def test_an_error_after_the_commit_is_the_dialects_error_event_and_no_end(self) -> None:
        it = relay()
        out = it.feed(wire(text("a"), '{"error":{"message":"busy","type":"server_error","code":"x","param":null}}', DONE))
        assert out == ours(text("a"))
        assert not it.ended
        assert it.tail == b'data: {"error":{"message":"busy","type":"server_error","param":null,"code":"x"}}\n\n'

    @pytest.mark.parametrize(
        "said", ['{"error":"boom"}', '{"error":{"message":"boom"}}', '{"error":{"message":"boom","code":null}}']
    )
    def test_errors_of_any_shape_are_said_in_the_dialects(self, said: str) -> None:
        it = relay()
        it.feed(wire(text("a"), said))
        error = json.loads(it.tail[6:])["error"]
        assert error == {"message": "boom", "type": "api_error", "param": None, "code": None}

    def test_an_event_named_error_is_one(self) -> None:
        it = relay()
        it.feed(wire(text("a")) + b'event: error\ndata: {"detail":"x"}\n\n')
        assert it.error is not None

    def test_an_error_beside_content_is_one(self) -> None:
        it = relay()
        assert it.feed(wire(text("a"), text("b"), text("c", rest=',"error":{"message":"m"}'))) == ours(text("a"), text("b"))
        assert it.error is not None

    @pytest.mark.parametrize("none", ["null", "{}", '""', "false"])
    def test_an_error_member_without_an_error_is_none(self, none: str) -> None:
        it = relay()
        it.feed(wire(text("a", rest=f',"error":{none}'), text("b")))
        assert (it.error, it.content_events) == (None, 2)

    @pytest.mark.parametrize(
        "garbage", ["{", "nonsense", "[1]", '{"choices":7}', '{"choices":[3]}', "12", '{"a":' + "[" * 5000]
    )
    def test_garbage_is_a_failure(self, garbage: str) -> None:
        it = relay()
        assert it.feed(wire(text("a"), garbage, text("b"))) == ours(text("a"))
        assert it.error is not None
        assert it.error.kind == "malformed"
        assert it.tail.startswith(b'data: {"error":')

    def test_an_end_without_any_answer_is_a_failure(self) -> None:
        it = relay()
        it.feed(wire(DONE))
        assert (it.ended, it.committed, it.error is not None) == (False, False, True)

    @pytest.mark.parametrize("rest", [b"", wire(STOP)[:-20], b"data: {"])
    def test_a_cut_stream_is_never_a_false_end(self, rest: bytes) -> None:
        it = relay()
        it.feed(wire(ROLE, text("a")) + rest)
        assert it.finish() == b""
        assert it.error is not None
        assert (it.ended, it.error.kind, b"[DONE]" in it.tail) == (False, "cut", False)
        assert it.tail.startswith(b'data: {"error":')

    def test_an_event_that_never_ends_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1_000_000)
        it = relay()
        it.feed(b"data: ")
        for _ in range(20):
            it.feed(b"x" * 65_536)
        assert it.error is not None
        assert it.error.kind == "malformed"


class TestEvents:
    def test_comments_are_dropped(self) -> None:
        it = relay()
        out = it.feed(b": ping\n\n" + wire(text("a")) + b": ping\n\n" + wire(text("b")) + b":\n\n")
        assert out == ours(text("a"), text("b"))

    def test_unknown_events_and_fields_pass(self) -> None:
        it = relay()
        odd = '{"type":"usage_hint","left":1.50}'
        out = it.feed(wire(text("a")) + f"event: hint\ndata: {odd}\n\n".encode() + wire(text("b", rest=',"x":{"model":"m"}')))
        assert out == ours(text("a")) + f"event: hint\ndata: {odd}\n\n".encode() + ours(text("b", rest=',"x":{"model":"m"}'))

    def test_text_that_looks_like_structure_is_text(self) -> None:
        words = 'a","model":"evil"}]}\n\ndata: [DONE]\n\ndata: {"usage":null,"error":{}}\\'
        it = relay()
        assert it.feed(wire(text("a"), text(words), text(words))) == ours(text("a"), text(words), text(words))

    def test_a_second_model_in_a_chunk_does_not_betray_the_providers(self) -> None:
        it = relay()
        out = it.feed(wire(*(text(word, rest=',"model":"other"') for word in "abc")))
        assert out == ours(*(text(word) for word in "abc"))

    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_line_ends_of_every_kind_may_be_split_anywhere(self, end: str) -> None:
        named = f"event: hint{end}data: {{}}{end}{end}".encode()
        data = wire(text("a"), end=end) + named + wire(text("b"), STOP, DONE, end=end)
        for place in range(len(data) + 1):
            it = relay()
            out = it.feed(data[:place]) + it.feed(data[place:])
            assert out == ours(text("a")) + b"event: hint\ndata: {}\n\n" + ours(text("b"))
            assert it.ended

    def test_lines_that_are_no_fields_are_ignored(self) -> None:
        it = relay()
        stray = wire(text("b"))[:-1] + b'{"choices":[]}\n\n'
        assert it.feed(wire(text("a")) + stray + wire(text("c"))) == ours(text("a"), text("b"), text("c"))

    def test_a_usage_before_the_model_is_not_taken_for_a_constant(self) -> None:
        head = HEAD.replace('"id"', '"usage":null,"id"')
        out = relay().feed(wire(*(text(word, head=head) for word in "abc")))
        assert out == ours(*(text(word) for word in "abc"))

    def test_an_inner_null_usage_stays(self) -> None:
        rest = ',"usage":null,"x":{"a":1,"usage":null}'
        out = relay().feed(wire(*(text(word, rest=rest) for word in "abc")))
        assert out == ours(*(text(word, rest=',"x":{"a":1,"usage":null}') for word in "abc"))

    def test_a_chunk_without_a_model_gets_one(self) -> None:
        it = relay()
        out = it.feed(wire('{"choices":[{"index":0,"delta":{"content":"a"}}]}'))
        assert json.loads(out[6:])["model"] == "fast"

    def test_many_lines_of_data_are_one_event(self) -> None:
        it = relay()
        out = it.feed(b'event: message\ndata: {"model":"m",\ndata: "choices":[{"index":0,"delta":{"content":"a"}}]}\n\n')
        assert json.loads(out.replace(b"event: message\n", b"").replace(b"data: ", b""))["model"] == "fast"


# --- the reference ------------------------------------------------------------------------------------------------------


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
    it = relay(wants_usage, answers)
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


@given(st.lists(words.filter(bool), min_size=1, max_size=30), st.integers(1, 40))
def test_a_plain_stream_passes_byte_for_byte(said: list[str], size: int) -> None:
    data = wire(ROLE, *(text(word) for word in said), STOP, DONE)
    it = relay()
    out = b"".join(it.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert out + it.tail == ours(ROLE, *(text(word) for word in said), STOP, DONE)
