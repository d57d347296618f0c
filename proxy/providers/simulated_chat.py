"""How a simulated model speaks OpenAI's chat completions: requests in, bytes of answers out. No I/O, no dice of its own."""

from __future__ import annotations

from typing import Any

import msgspec

from core import facts
from core.facts import ChatRequest
from proxy.providers.simulated_dice import Dice
from proxy.providers.simulated_said import Said, Wish, call_parts

_CREATED = 1_735_689_600  # constant: the same request has the same answer
_REASONS = {"end": "stop", "cap": "length", "call": "tool_calls"}
_encode = msgspec.json.encode


class ChatVoice:
    """OpenAI's chat completions."""

    def __init__(self, name: str) -> None:
        model = _encode(name)
        self._unary_head = b'","object":"chat.completion","created":%d,"model":%b,"choices":[' % (_CREATED, model)
        self._chunk_head = b'","object":"chat.completion.chunk","created":%d,"model":%b,' % (_CREATED, model)

    def read(self, body: bytes) -> Wish:
        """What a body asks for. Raises BodyError."""
        request = facts.decode_chat(body)
        form = request.response_format
        return Wish(
            request,
            last_user_text(request),
            stream=bool(request.stream),
            cap=request.max_tokens if request.max_completion_tokens is None else request.max_completion_tokens,
            json=form is not None and form.type.startswith("json"),
        )

    def whole(self, wish: Wish, said: Said, dice: Dice) -> bytes:
        """The whole answer."""
        request: ChatRequest = wish.request
        reason, message = _REASONS[said.end].encode(), _message(said)
        choices = b",".join(
            b'{"index":%d,"message":%b,"logprobs":null,"finish_reason":"%b"}' % (index, message, reason)
            for index in range(request.n or 1)
        )
        return b'{"id":"chatcmpl-%016x%b%b],"usage":%b}' % (dice.bits(), self._unary_head, choices, _usage(request, said))

    def pieces(self, wish: Wish, said: Said, dice: Dice, *, at_once: bool) -> list[bytes]:
        """The stream, a token a piece, or all in one."""
        request: ChatRequest = wish.request
        head = b'data: {"id":"chatcmpl-%016x%b' % (dice.bits(), self._chunk_head)
        tails: list[bytes] = []
        for index in range(request.n or 1):
            tails += _answer_tails(said, index)
        opening, *tails = tails
        if said.cut_after is not None:
            tails = tails[: said.cut_after]
        elif request.stream_options is not None and request.stream_options.include_usage:
            tails.append(b'"choices":[],"usage":%b}\n\n' % _usage(request, said))
        if at_once:
            pieces = [head + head.join([opening, *tails])]
        else:
            pieces = [head + tail for tail in tails]
            pieces[:1] = [head + opening + piece for piece in pieces[:1]] or [head + opening]
        if said.cut_after is None:
            pieces[-1] += b"data: [DONE]\n\n"
        return pieces

    def error(self, status: int, kind: str, message: str, param: str | None, dice: Dice) -> bytes:
        """The body of a failure."""
        return openai_error(kind, message, param)


def openai_error(kind: str, message: str, param: str | None) -> bytes:
    """A failure in OpenAI's words."""
    return _encode({"error": {"message": message, "type": kind, "param": param, "code": kind}})


def last_user_text(request: ChatRequest) -> str:
    """The text of the last message of the user: what scripted answers are matched against."""
    for message in reversed(request.messages):
        if message.role == "user":
            content = message.content
            if isinstance(content, list):
                return "\n".join(part.text for part in content if part.text)
            return content or ""
    return ""


def _message(said: Said) -> bytes:
    """The message of a whole answer."""
    if said.call is None:
        return b'{"role":"assistant","content":%b,"refusal":null}' % said.words.text(said.start, said.count)
    id, name, text = call_parts(said.call)
    function = b'{"name":%b,"arguments":%b}' % (name, _encode(text))
    return b'{"role":"assistant","content":null,"refusal":null,"tool_calls":[{"id":%b,"type":"function","function":%b}]}' % (
        id,
        function,
    )


def _answer_tails(said: Said, index: int) -> list[bytes]:
    """One answer's chunks, each without the beginning that all chunks share: role, words or call, end."""
    if said.call is None:
        role = b'"choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"finish_reason":null}]}\n\n'
        tails = [role, *said.words.tails(said.start, said.count)]
    else:
        tails = list(_call_tails(said.call))
    tails.append(b'"choices":[{"index":0,"delta":{},"finish_reason":"%b"}]}\n\n' % _REASONS[said.end].encode())
    if index:
        place = b'"choices":[{"index":%d,' % index
        tails = [tail.replace(b'"choices":[{"index":0,', place, 1) for tail in tails]
    return tails


def _call_tails(call: dict[str, Any]) -> list[bytes]:
    id, name, text = call_parts(call)
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


def _usage(request: ChatRequest, said: Said) -> bytes:
    entry = max(1, facts.chat_facts(request).input_tokens_estimate)
    output = said.count * (request.n or 1)
    return b'{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}' % (entry, output, entry + output)
