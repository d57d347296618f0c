"""The relay of Anthropic streams: transcripts of what comes in and what goes out."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from core.money import Usage
from proxy.providers.anthropic_stream import HOLD_BYTES, MessageRelay
from tests.proxy.messages import PING, STOP, closing, error, event, finish, opening, start, stream_of, word

MODEL = Raw(b'"fast"')
START = start("claude-x-2026")
DELTA = b"event: content_block_delta\ndata: "


def delta(**said: Any) -> bytes:
    return event("content_block_delta", index=1, delta=said)


def relay() -> MessageRelay:
    return MessageRelay(MODEL, "trace-1")


def ours(*events: bytes) -> bytes:
    return b"".join(events).replace(b"claude-x-2026", b"fast")


class TestCommit:
    def test_start_ping_and_an_empty_block_are_held_until_the_first_content(self) -> None:
        it = relay()
        assert it.feed(START + PING) == b""
        assert it.feed(opening()) == b""
        assert it.feed(word("")) == b""
        assert not it.committed
        assert it.feed(word("Hello")) == ours(START, PING, opening(), word(""), word("Hello"))
        assert (it.committed, it.content_events, it.content_chars) == (True, 1, 5)

    @pytest.mark.parametrize(
        "content",
        [
            opening(type="tool_use", id="t", name="f", input={}),
            opening(type="thinking", thinking="", signature=""),
            opening(type="redacted_thinking", data="xyz"),
            opening(type="server_tool_use", id="t", name="web_search", input={}),
            opening(type="block_of_tomorrow"),
            opening(type="text", text="already"),
            event("content_block_delta", index=0, delta={"type": "thinking_delta", "thinking": "hm"}),
            event("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": "{"}),
            event("content_block_delta", index=0, delta={"type": "delta_of_tomorrow", "x": 1}),
            DELTA + b'{"type":"content_block_delta","delta":{"type":"text_delta","text":"\\ud83d"}}\n\n',
        ],
    )
    def test_content_of_every_kind_commits(self, content: bytes) -> None:
        it = relay()
        assert it.feed(START + content) == ours(START, content)
        assert (it.committed, it.content_events) == (True, 1)

    def test_after_64_kb_without_content_the_held_bytes_go_out(self) -> None:
        it = relay()
        one = event("ping", padding="x" * 5_000)
        out = b"".join(it.feed(one) for _ in range(20))
        assert it.committed
        assert len(out) > HOLD_BYTES

    def test_an_empty_answer_is_committed_by_its_proper_end(self) -> None:
        it = relay()
        out = it.feed(START + finish(output_tokens=0) + STOP)
        assert (out, it.tail, it.ended, it.committed) == (ours(START), finish(output_tokens=0) + STOP, True, True)


class TestEnd:
    def test_the_last_bytes_wait_for_the_journal(self) -> None:
        it = relay()
        events = stream_of("claude-x-2026", "a", "b")
        assert it.feed(b"".join(events)) == ours(*events[:-2])
        assert (it.tail, it.ended, it.finish_reason) == (b"".join(events[-2:]), True, "end_turn")

    def test_a_stream_that_gave_its_reason_and_no_end_gets_one(self) -> None:
        it = relay()
        it.feed(START + word("a") + finish())
        assert it.closing
        assert it.finish() == b""
        assert it.ended
        assert it.tail == finish() + STOP

    def test_a_last_event_without_its_blank_line_counts(self) -> None:
        it = relay()
        it.feed(START + word("a") + finish() + STOP[:-2])
        it.finish()
        assert (it.ended, it.tail) == (True, finish() + STOP)

    def test_a_cut_stream_ends_in_an_error_event_and_never_in_a_false_end(self) -> None:
        it = relay()
        it.feed(START + word("a") + closing())
        it.finish()
        assert it.error is not None
        assert it.error.kind == "cut"
        name, data = it.tail.decode().strip().split("\n")
        assert name == "event: error"
        said = json.loads(data.removeprefix("data: "))
        assert (said["type"], said["error"]["type"], said["request_id"]) == ("error", "api_error", "trace-1")

    def test_a_cut_in_the_middle_of_an_event_is_a_cut(self) -> None:
        it = relay()
        it.feed(START + word("a") + word("b")[:-9])
        it.finish()
        assert it.error is not None
        assert it.error.kind == "cut"

    @pytest.mark.parametrize("said", [STOP, PING + STOP])
    def test_an_end_without_an_answer_is_malformed(self, said: bytes) -> None:
        it = relay()
        it.feed(said)
        assert it.error is not None
        assert it.error.kind == "malformed"

    def test_nothing_after_the_end_is_taken(self) -> None:
        it = relay()
        it.feed(START + finish() + STOP + word("late"))
        assert it.feed(word("later")) == b""
        assert b"late" not in it.tail


class TestErrors:
    @pytest.mark.parametrize(
        ("kind", "status"),
        [
            ("overloaded_error", 529),
            ("rate_limit_error", 429),
            ("api_error", 500),
            ("invalid_request_error", 400),
            ("odd", 500),
        ],
    )
    def test_before_the_commit_it_has_a_status_and_nothing_went_out(self, kind: str, status: int) -> None:
        it = relay()
        assert it.feed(START + opening() + error(kind)) == b""
        assert it.error is not None
        assert (it.error.status, it.error.type, it.committed, it.tail) == (status, kind, False, b"")

    def test_after_the_commit_the_providers_own_event_ends_the_stream(self) -> None:
        it = relay()
        assert it.feed(START + word("a") + error()) == ours(START, word("a"))
        assert it.tail == error()

    @pytest.mark.parametrize(
        "said",
        [
            b'event: error\ndata: {"error":{"message":"m"}}\n\n',
            b'event: error\ndata: {"type":"error","error":"m"}\n\n',
            b'event: error\ndata: {"type":"error"}\n\n',
        ],
    )
    def test_an_error_of_another_form_is_said_in_the_dialects(self, said: bytes) -> None:
        it = relay()
        it.feed(START + word("a") + said)
        shown = json.loads(it.tail.split(b"data: ")[1])
        assert shown["type"] == "error"
        assert isinstance(shown["error"]["message"], str)

    def test_an_error_without_its_name_gets_it_for_else_clients_would_drop_it(self) -> None:
        it = relay()
        it.feed(START + word("a") + error().removeprefix(b"event: error\n"))
        assert it.tail == error()

    @pytest.mark.parametrize(
        "data", ["{", "[1]", "7", "x", '{"type":"content_block_delta","delta":7}', '{"type":"message_delta","delta":[]}']
    )
    def test_what_is_no_event_is_malformed(self, data: str) -> None:
        it = relay()
        assert it.feed(START + f"event: x\ndata: {data}\n\n".encode()) == b""
        assert it.error is not None
        assert it.error.kind == "malformed"


class TestTransparency:
    @pytest.mark.parametrize(
        "odd",
        [
            b'event: event_of_tomorrow\ndata: {"type":"event_of_tomorrow","delta":"a","usage":7}\n\n',
            DELTA + b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}    }\n\n',
            b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}\n\n',
            b'event: content_block_delta\nid: 7\ndata: {"type":"content_block_delta",\ndata: "delta":{"text":"a"}}\n\n',
            b'event: odd\ndata: {"type":"x","error":{"message":"only a field"}}\n\n',
        ],
    )
    def test_events_go_on_byte_for_byte(self, odd: bytes) -> None:
        it = relay()
        out = it.feed(START + word("x") + odd + word("y"))
        assert out == ours(START, word("x"), odd, word("y"))
        assert it.error is None

    def test_comments_are_waybills_own(self) -> None:
        it = relay()
        assert it.feed(START + word("x") + b": keep-alive\n\n" + word("y")) == ours(START, word("x"), word("y"))

    def test_blank_lines_inside_a_run_say_nothing(self) -> None:
        it = relay()
        assert it.feed(START + word("x") + word("y") + b"\n" + word("z")) == ours(START, word("x"), word("y"), word("z"))

    def test_only_the_model_of_the_message_is_changed(self) -> None:
        it = relay()
        data = b'{"x":{"model":"x"},"message": {"id":"m","model": "claude-x-2026","n":1.0}, "type":"message_start"}'
        odd = b"event: message_start\ndata: " + data + b"\n\n"
        assert it.feed(odd + word("a")) == odd.replace(b"claude-x-2026", b"fast") + word("a")

    @pytest.mark.parametrize(
        "data",
        [b'{"type":"message_start"}', b'{"type":"message_start","message":[]}', b'{"type":"message_start","message":{}}'],
    )
    def test_a_start_without_a_message_harms_nothing(self, data: bytes) -> None:
        it = relay()
        out = it.feed(b"event: message_start\ndata: " + data + b"\n\n" + word("a"))
        assert it.error is None
        assert out.endswith(word("a"))


class TestUsage:
    def test_the_delta_is_cumulative_and_overrides(self) -> None:
        said: dict[str, Any] = {
            "input_tokens": 4,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "output_tokens": 1,
        }
        it = relay()
        it.feed(start("m", said) + word("a") + event("message_delta", delta={}, usage={"output_tokens": 5}))
        assert not it.closing
        it.feed(finish(output_tokens=50, input_tokens=6, output_tokens_details={"thinking_tokens": 8}) + STOP)
        assert it.usage_or_estimate(0) == Usage(
            input_tokens=136, cached_input_tokens=100, cache_write_5m_tokens=10, cache_write_1h_tokens=20,
            output_tokens=50, reasoning_tokens=8,
        )  # fmt: skip

    def test_cut_off_the_beginnings_input_counts_and_the_output_is_estimated(self) -> None:
        it = relay()
        it.feed(start("m", {"input_tokens": 4, "cache_read_input_tokens": 7, "output_tokens": 1}) + word("x" * 40) + word("y"))
        assert it.usage is None
        assert it.usage_or_estimate(99) == Usage(input_tokens=11, cached_input_tokens=7, output_tokens=11, estimated=True)

    def test_without_any_usage_all_is_estimated(self) -> None:
        it = relay()
        it.feed(start("m", {}) + word("a") + word("b") + event("message_delta", delta={"stop_reason": "end_turn"}) + STOP)
        assert it.ended
        assert it.usage_or_estimate(99) == Usage(input_tokens=99, output_tokens=2, estimated=True)


# --- any split of any stream --------------------------------------------------------------------------------------------

texts = st.text(max_size=6) | st.sampled_from(["\n\n", "event: content_block_stop\n", '"}}', "é𝄞"])
tokens = st.one_of(
    st.builds(word, texts),
    st.builds(lambda text: delta(type="thinking_delta", thinking=text), texts),
    st.builds(lambda text: delta(type="input_json_delta", partial_json=text), texts),
    st.builds(lambda text, pad: word(text)[:-2] + b" " * pad + b"\n\n", texts, st.integers(0, 3)),
    st.sampled_from([
        PING, closing(), opening(1), opening(2, type="tool_use", id="t", name="f", input={}), error(), b": comment\n\n", b"\n",
        event("new", a=1), word("x").replace(b"event: content_block_delta\n", b""), b"event: content_block_delta\ndata: {\n\n",
        b'event: content_block_delta\ndata: {"type":"error","error":{"type":"api_error","message":"hidden"}}\n\n',
        word("p") + b'event: content_block_delta\ndata: {"type":"content_block_delta"}\ndata: \n\n',
    ]),
)  # fmt: skip


def one_by_one(stream: bytes) -> tuple[bytes, MessageRelay]:
    """The relay where no two events come together: nothing but the exact way."""
    it = relay()
    out = b""
    for each in stream.split(b"\n\n")[:-1]:
        out += it.feed(each + b"\n") + it.feed(b"\n")
    return out + it.finish(), it


def state(it: MessageRelay) -> tuple[Any, ...]:
    kind = it.error.kind if it.error is not None else ""
    return kind, it.ended, it.committed, it.content_events, it.content_chars, it.usage_or_estimate(3), it.tail


@given(
    st.lists(tokens, max_size=12), st.booleans(), st.lists(st.integers(0, 3_000), max_size=6), st.sampled_from([b"\n", b"\r\n"])
)
def test_any_split_gives_the_same_as_event_by_event(said: list[bytes], whole: bool, cuts: list[int], end: bytes) -> None:
    stream = START + opening() + b"".join(said) + ((closing() + finish() + STOP) if whole else b"")
    expected, reference = one_by_one(stream)
    wire = stream.replace(b"\n", end)
    it = relay()
    places = sorted({0, len(wire), *(cut % (len(wire) + 1) for cut in cuts)})
    out = b"".join(it.feed(wire[first:last]) for first, last in pairwise(places))
    out += it.finish()
    assert out == expected
    assert state(it) == state(reference)
    if whole and it.error is None:
        assert it.ended
        kept = stream.replace(b": comment\n\n", b"").replace(b"claude-x-2026", b"fast")
        assert (out + it.tail).replace(b"\n", b"") == kept.replace(b"\n", b"")
