"""The stream relay: transcripts of what comes in and what goes out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
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


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=30), st.integers(1, 40))
def test_a_plain_stream_passes_byte_for_byte(said: list[str], size: int) -> None:
    data = wire(ROLE, *(text(word) for word in said), STOP, DONE)
    it = relay()
    out = b"".join(it.feed(data[at : at + size]) for at in range(0, len(data), size))
    assert out + it.tail == ours(ROLE, *(text(word) for word in said), STOP, DONE)
