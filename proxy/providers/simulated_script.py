"""What a simulated model does with a request: a pure function of its settings and the request's bytes, on the OpenAI wire.

The dice are thrown from a hash of the seed and the body, so the same request to the same model has the same answer, failures
and delays, on every machine. Tokens are words. Who plays a script, on which clock, is `simulated.py`.
"""

from __future__ import annotations

import math
import re
import zlib
from typing import Any

import msgspec

from core import facts
from core.config import SimulatedAnswer, Simulation
from core.facts import BodyError, ChatRequest
from proxy.providers.simulated_text import COMMON, Words

_CREATED = 1_735_689_600  # constant: the same request has the same answer
_JSON_HEADERS = [(b"content-type", b"application/json")]
_STREAM_HEADERS = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]
_MASK = (1 << 64) - 1
_WORD = re.compile(r"\s*\S+|\s+")
_encode = msgspec.json.encode


class Script(msgspec.Struct, gc=False):
    """An answer before it is played. Piece i of the body is due `first_s + i × each_s` after the request.

    `status` 0: the connection is lost before any answer. `cut`: it is lost behind the last piece. `streams`: the head of the
    answer comes at once, not with its first piece.
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]
    first_s: float = 0.0
    each_s: float = 0.0
    cut: bool = False
    streams: bool = False


class Dice:
    """Repeatable random numbers (SplitMix64): cheap to seed, unlike `random.Random`."""

    __slots__ = ("_state",)

    def __init__(self, seed: int, body: bytes) -> None:
        self._state = (seed * 0x9E3779B97F4A7C15 + (zlib.crc32(body) << 32) + zlib.adler32(body)) & _MASK

    def bits(self) -> int:
        """64 random bits."""
        self._state = (self._state + 0x9E3779B97F4A7C15) & _MASK
        z = self._state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return z ^ (z >> 31)

    def roll(self) -> float:
        """A number in 0 ≤ x < 1."""
        return (self.bits() >> 11) / (1 << 53)

    def gauss(self) -> float:
        """A normally distributed number: mean 0, deviation 1."""
        return math.sqrt(-2.0 * math.log(1.0 - self.roll())) * math.cos(math.tau * self.roll())


class _Said(msgspec.Struct, gc=False):
    """What the model says to one request: its words or its call, and why it stops."""

    words: Words
    start: int
    count: int
    finish_reason: str
    call: dict[str, Any] | None = None
    cut_after: int | None = None


class Playwright:
    """Writes the scripts of one simulated model; whatever requests share is worked out here, once."""

    def __init__(self, name: str, simulation: Simulation) -> None:
        self._simulation = simulation
        self._each_s = 1.0 / simulation.tokens_per_second if simulation.tokens_per_second else 0.0
        self._spoken = [(answer, Words(_WORD.findall(answer.text))) for answer in simulation.answers]
        model = _encode(name)
        self._unary_head = b'","object":"chat.completion","created":%d,"model":%b,"choices":[' % (_CREATED, model)
        self._chunk_head = b'","object":"chat.completion.chunk","created":%d,"model":%b,' % (_CREATED, model)

    def script(self, body: bytes) -> Script:
        """The script for a request's body."""
        try:
            request = facts.decode_chat(body)
        except BodyError as error:
            return _error(400, str(error), "invalid_request_error", param=error.field or None)
        simulation = self._simulation
        dice = Dice(simulation.seed, body)
        first_s = simulation.latency_ms / 1_000
        if first_s and simulation.latency_sigma:
            first_s *= math.exp(simulation.latency_sigma * dice.gauss())
        answer, words = self._scripted(request)
        cut_after = answer.fail_after_chunks if answer is not None else None
        if answer is not None and answer.status != 200:
            return _scripted_failure(answer, first_s)
        if simulation.failure_rate and dice.roll() < simulation.failure_rate:
            fate = dice.roll()
            if fate < 0.85:
                return _failure(fate, first_s)
            cut_after = dice.bits() % simulation.output_tokens
        said = _say(request, simulation, dice, answer, words, cut_after)
        return self._stream(request, said, dice, first_s) if request.stream else self._unary(request, said, dice, first_s)

    def _scripted(self, request: ChatRequest) -> tuple[SimulatedAnswer | None, Words]:
        if self._spoken:
            asked = last_user_text(request)
            for answer, words in self._spoken:
                if answer.when in asked:
                    return answer, words
        return None, COMMON

    def _unary(self, request: ChatRequest, said: _Said, dice: Dice, first_s: float) -> Script:
        answers = request.n or 1
        message = _message(said)
        choices = b",".join(
            b'{"index":%d,"message":%b,"logprobs":null,"finish_reason":"%b"}' % (index, message, said.finish_reason.encode())
            for index in range(answers)
        )
        body = b'{"id":"chatcmpl-%016x%b%b],"usage":%b}' % (dice.bits(), self._unary_head, choices, _usage(request, said))
        first_s += said.count * self._each_s
        if said.cut_after is not None:
            return Script(200, _JSON_HEADERS, [body[: len(body) // 2]], first_s, cut=True)
        return Script(200, _JSON_HEADERS, [body], first_s)

    def _stream(self, request: ChatRequest, said: _Said, dice: Dice, first_s: float) -> Script:
        head = b'data: {"id":"chatcmpl-%016x%b' % (dice.bits(), self._chunk_head)
        tails: list[bytes] = []
        for index in range(request.n or 1):
            tails += _answer_tails(said, index)
        opening, *tails = tails
        if said.cut_after is not None:
            tails = tails[: said.cut_after]
        else:
            if request.stream_options is not None and request.stream_options.include_usage:
                tails.append(b'"choices":[],"usage":%b}\n\n' % _usage(request, said))
        if self._each_s == 0.0:
            pieces = [head + head.join([opening, *tails])]
        else:
            pieces = [head + tail for tail in tails]
            pieces[:1] = [head + opening + piece for piece in pieces[:1]] or [head + opening]
        if said.cut_after is None:
            pieces[-1] += b"data: [DONE]\n\n"
        return Script(200, _STREAM_HEADERS, pieces, first_s, self._each_s, said.cut_after is not None, True)


def last_user_text(request: ChatRequest) -> str:
    """The text of the last message of the user: what scripted answers are matched against."""
    for message in reversed(request.messages):
        if message.role == "user":
            content = message.content
            if isinstance(content, list):
                return "\n".join(part.text for part in content if part.text)
            return content or ""
    return ""


def _say(
    request: ChatRequest,
    simulation: Simulation,
    dice: Dice,
    answer: SimulatedAnswer | None,
    words: Words,
    cut_after: int | None,
) -> _Said:
    """Choose the words, as many as wanted and allowed."""
    if answer is not None and answer.tool_call is not None:
        call = answer.tool_call
        return _Said(words, 0, _call_tokens(call), "tool_calls", call=call, cut_after=cut_after)
    start, wanted = 0, words.total
    if answer is None:
        form = request.response_format
        wanted = simulation.output_tokens
        start = dice.bits() % words.total
        if form is not None and form.type.startswith("json"):
            words, start, wanted = words.as_json(start, wanted), 0, max(wanted, Words.JSON_LEAST)
    cap = request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens
    if cap is not None and cap < wanted:
        return _Said(words, start, cap, "length", cut_after=cut_after)
    return _Said(words, start, wanted, "stop", cut_after=cut_after)


def _call(call: dict[str, Any]) -> tuple[bytes, bytes, str]:
    """A scripted tool call as id, name and arguments, the last as the text that goes inside JSON."""
    arguments = call.get("arguments", {})
    text = arguments if isinstance(arguments, str) else _encode(arguments).decode()
    name = _encode(str(call.get("name", "")))
    return _encode(f"call_{zlib.crc32(name + text.encode()):08x}"), name, text


def _call_tokens(call: dict[str, Any]) -> int:
    _, name, text = _call(call)
    return 4 + (len(name) + len(text)) // 4


def _message(said: _Said) -> bytes:
    """The message of a whole answer."""
    if said.call is None:
        return b'{"role":"assistant","content":%b,"refusal":null}' % said.words.text(said.start, said.count)
    id, name, text = _call(said.call)
    function = b'{"name":%b,"arguments":%b}' % (name, _encode(text))
    return b'{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":%b,"type":"function","function":%b}]}' % (
        id,
        function,
    )


def _answer_tails(said: _Said, index: int) -> list[bytes]:
    """One answer's chunks, each without the beginning that all chunks share: role, words or call, end."""
    if said.call is None:
        role = b'"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}\n\n'
        tails = [role, *said.words.tails(said.start, said.count)]
    else:
        tails = list(_call_tails(said.call))
    tails.append(b'"choices":[{"index":0,"delta":{},"finish_reason":"%b"}]}\n\n' % said.finish_reason.encode())
    if index:
        place = b'"choices":[{"index":%d,' % index
        tails = [tail.replace(b'"choices":[{"index":0,', place, 1) for tail in tails]
    return tails


def _call_tails(call: dict[str, Any]) -> list[bytes]:
    id, name, text = _call(call)
    opening = (
        b'"choices":[{"index":0,"delta":{"role":"assistant","content":null,"tool_calls":[{"index":0,"id":%b,"type":"function",'
        b'"function":{"name":%b,"arguments":""}}]},"finish_reason":null}]}\n\n'
    ) % (id, name)
    return [
        opening,
        *(
            b'"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":%b}}]},"finish_reason":null}]}\n\n'
            % _encode(text[at : at + 12])
            for at in range(0, len(text), 12)
        ),
    ]


def _usage(request: ChatRequest, said: _Said) -> bytes:
    entry = max(1, facts.chat_facts(request).input_tokens_estimate)
    output = said.count * (request.n or 1)
    return b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}' % (entry, output, entry + output)


def _scripted_failure(answer: SimulatedAnswer, first_s: float) -> Script:
    message = answer.text or f"The simulated model was told to answer {answer.status}."
    kind = "invalid_request_error" if 400 <= answer.status < 500 and answer.status != 429 else "server_error"
    return _error(answer.status, message, kind, first_s=first_s, retry_after_s=answer.retry_after_s)


def _failure(fate: float, first_s: float) -> Script:
    """One of the failures that real providers have, by a number in 0 ≤ fate < 0.85."""
    if fate < 0.4:
        return _error(500, "The simulated model failed, as its failure_rate asks.", "server_error", first_s=first_s)
    if fate < 0.7:
        return _error(429, "The simulated model is busy.", "rate_limit_exceeded", first_s=first_s, retry_after_s=1)
    return Script(0, [], [], first_s, cut=True)


def _error(
    status: int, message: str, kind: str, *, param: str | None = None, first_s: float = 0.0, retry_after_s: int | None = None
) -> Script:
    headers = [*_JSON_HEADERS, (b"retry-after", b"%d" % retry_after_s)] if retry_after_s is not None else _JSON_HEADERS
    body = _encode({"error": {"message": message, "type": kind, "param": param, "code": kind}})
    return Script(status, headers, [body], first_s)
