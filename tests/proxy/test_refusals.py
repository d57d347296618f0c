"""The refusal table in both dialects, and what the official SDK makes of it over a real connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import openai
import pytest

from proxy import refusals
from proxy.refusals import Refusal, UpstreamRefused

# case, OpenAI status, type and code, Anthropic status and type, retry-after, x-should-retry, log status
TABLE = """
InvalidToken       401 invalid_request_error invalid_api_key        401 authentication_error   - false rejected
CostLimitReached   429 insufficient_quota    budget_exceeded        402 billing_error          - false budget_exceeded
CountLimitReached  429 insufficient_quota    budget_exceeded        429 rate_limit_error       - false budget_exceeded
RoomReserved       429 rate_limit_exceeded   rate_limit_exceeded    429 rate_limit_error       1 true  budget_exceeded
AllRateLimited     429 rate_limit_exceeded   rate_limit_exceeded    429 rate_limit_error       - false error
NoModelAvailable   503 no_model_available    no_model_available     503 overloaded_error       - false rejected
AllModelsFailed    503 all_models_failed     all_models_failed      503 api_error              - false error
TimedOut           504 timeout               timeout                504 timeout_error          - false timeout
InvalidRequest     400 invalid_request_error invalid_request_error  400 invalid_request_error  - false rejected
NotFound           404 not_found             not_found              404 not_found_error        - false rejected
MethodNotAllowed   405 method_not_allowed    method_not_allowed     405 invalid_request_error  - false rejected
BodyTooSlow        408 request_timeout       request_timeout        408 invalid_request_error  - false rejected
RequestTooLarge    413 request_too_large     request_too_large      413 request_too_large      - false rejected
Overloaded         503 overloaded            overloaded             503 overloaded_error       1 true  rejected
NotReady           503 not_ready             not_ready              503 overloaded_error       - false rejected
JournalUnavailable 503 journal_unavailable   journal_unavailable    503 overloaded_error       - false rejected
InternalFault      500 internal_error        internal_error         500 api_error              - false error
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
KINDS: list[type[Refusal]] = [getattr(refusals, row[0]) for row in ROWS]

ERRORS = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    422: openai.UnprocessableEntityError,
    429: openai.RateLimitError,
    500: openai.InternalServerError,
    503: openai.InternalServerError,
    504: openai.InternalServerError,
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_refusal_in_both_dialects(row: list[str]) -> None:
    name, status, type, code, anthropic_status, anthropic_type, retry_after, should_retry, log_status = row
    refusal: Refusal = getattr(refusals, name)("Because.", param="n")
    assert refusals.status("openai_chat", refusal) == int(status)
    body = json.loads(refusals.body("openai_chat", refusal, "r1"))
    assert body == {"error": {"message": "Because.", "type": type, "param": "n", "code": code}}
    assert refusals.status("anthropic", refusal) == int(anthropic_status)
    body = json.loads(refusals.body("anthropic", refusal, "r1"))
    assert body == {"type": "error", "error": {"type": anthropic_type, "message": "Because."}, "request_id": "r1"}
    sent = {name.decode(): value.decode() for name, value in refusals.headers(refusal)}
    assert (sent.get("retry-after", "-"), sent["x-should-retry"]) == (retry_after, should_retry)
    assert sent["content-type"] == "application/json"
    assert (refusal.log_status, refusal.code) == (log_status, code)


def test_the_table_is_whole_and_drawn() -> None:
    def leaves(kind: type[Refusal]) -> set[type[Refusal]]:
        below = kind.__subclasses__()
        return {kind} if not below else set().union(*map(leaves, below))

    assert leaves(Refusal) == {*KINDS, UpstreamRefused}
    drawn = Path(refusals.__file__).read_text(encoding="utf-8").partition('"""\n\nfrom')[0]
    assert all(f" {kind.__name__} " in drawn for kind in leaves(Refusal))


@pytest.mark.parametrize(("seconds", "should_retry"), [(0, "true"), (60, "true"), (61, "false"), (86_400, "false")])
def test_retrying_is_asked_for_only_within_a_minute(seconds: int, should_retry: str) -> None:
    sent = dict(refusals.headers(refusals.CountLimitReached("Over.", retry_after_s=seconds)))
    assert (sent[b"retry-after"], sent[b"x-should-retry"]) == (b"%d" % seconds, should_retry.encode())


def test_an_upstreams_refusal_is_sent_as_it_came_to_its_own_dialect_and_translated_to_the_other() -> None:
    refusal = UpstreamRefused(422, "No.", type="odd", code="c", param="p", verbatim=b'{"error":{"message":"No.","x":1}}')
    assert refusals.status("openai_chat", refusal) == refusals.status("anthropic", refusal) == 422
    assert refusals.body("openai_chat", refusal, "r") == refusal.verbatim
    assert json.loads(refusals.body("anthropic", refusal, "r"))["error"] == {"type": "invalid_request_error", "message": "No."}
    said_anew = UpstreamRefused(422, "No.", type="odd", code="c", param="p")
    assert json.loads(refusals.body("openai_chat", said_anew, "r"))["error"] == {
        "message": "No.", "type": "odd", "param": "p", "code": "c",
    }  # fmt: skip


# --- the official SDK ---------------------------------------------------------------------------------------------------


class Answering(ThreadingHTTPServer):
    """Answers every request with `refusal`, or with the bytes of `stream`, and counts them."""

    daemon_threads = True
    refusal: Refusal
    stream = b""
    asked = 0


class Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_POST(self) -> None:
        self.server.asked += 1
        self.rfile.read(int(self.headers["content-length"]))
        if self.server.stream:
            self.answer(200, [(b"content-type", b"text/event-stream")], self.server.stream)
        else:
            refusal = self.server.refusal
            body = refusals.body("openai_chat", refusal, "trace-1")
            self.answer(refusals.status("openai_chat", refusal), refusals.headers(refusal), body)

    do_GET = do_POST

    def answer(self, status: int, headers: refusals.Headers, body: bytes) -> None:
        self.send_response(status)
        for name, value in [*headers, (b"content-length", b"%d" % len(body)), (b"x-request-id", b"trace-1")]:
            self.send_header(name.decode(), value.decode())
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def ask(server: Answering, *, retries: int = 0, stream: bool = False) -> Any:
    with openai.OpenAI(api_key="sk-lr-x", base_url=f"http://127.0.0.1:{server.server_port}/v1", max_retries=retries) as client:
        answer = client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "hi"}], stream=stream)
        return [chunk.choices[0].delta.content for chunk in answer] if stream else answer


SEEN_BY_SDK = [kind("Because.", param="n") for kind in KINDS] + [UpstreamRefused(422, "Because.", code="c", param="n")]


@pytest.mark.parametrize("refusal", SEEN_BY_SDK, ids=lambda refusal: type(refusal).__name__)
def test_the_sdk_raises_its_own_class(server: Answering, refusal: Refusal) -> None:
    server.refusal = refusal
    with pytest.raises(openai.APIStatusError) as raised:
        ask(server)
    wire = refusal.wire("openai_chat")
    assert isinstance(raised.value, ERRORS.get(wire.status, openai.APIStatusError))
    assert (raised.value.status_code, raised.value.type, raised.value.code) == (wire.status, wire.type, wire.code)
    assert (raised.value.param, raised.value.request_id) == ("n", "trace-1")
    assert "Because." in raised.value.message


async def test_the_async_sdk_raises_the_same(server: Answering) -> None:
    server.refusal = refusals.CostLimitReached("Over.")
    url = f"http://127.0.0.1:{server.server_port}/v1"
    async with openai.AsyncOpenAI(api_key="sk-lr-x", base_url=url, max_retries=2) as client:
        with pytest.raises(openai.RateLimitError) as raised:
            await client.chat.completions.create(model="auto", messages=[{"role": "user", "content": "hi"}])
    assert (raised.value.code, raised.value.type, server.asked) == ("budget_exceeded", "insufficient_quota", 1)


@pytest.mark.parametrize(
    ("refusal", "asked"),
    [
        (refusals.AllModelsFailed("Failed."), 1),
        (refusals.CountLimitReached("Over.", retry_after_s=61), 1),
        (refusals.RoomReserved("Full.", retry_after_s=0), 2),
    ],
)
def test_the_sdk_retries_only_what_may_succeed(server: Answering, refusal: Refusal, asked: int) -> None:
    server.refusal = refusal
    with pytest.raises(openai.APIStatusError):
        ask(server, retries=1)
    assert server.asked == asked


def test_an_error_event_raises_in_mid_stream(server: Answering) -> None:
    choice = b'{"index":0,"delta":{"content":"a"}}'
    chunk = b'{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%b]}' % choice
    server.stream = b"data: " + chunk + b"\n\n" + refusals.event("openai_chat", refusals.TimedOut("Too slow."), "trace-1")
    with pytest.raises(openai.APIError) as raised:
        ask(server, stream=True)
    assert (raised.value.message, raised.value.type, raised.value.code) == ("Too slow.", "timeout", "timeout")


def test_error_events_of_the_other_dialects_have_their_names() -> None:
    refusal = refusals.TimedOut("Too slow.")
    assert refusals.event("anthropic", refusal, "r") == (
        b'event: error\ndata: {"type":"error","error":{"type":"timeout_error","message":"Too slow."},"request_id":"r"}\n\n'
    )
    assert refusals.event("openai_responses", refusal, "r").startswith(
        b'event: error\ndata: {"type":"error","error":{"message"'
    )
