"""How a simulated model speaks Anthropic's messages: requests in, bytes of answers out. No I/O, no dice of its own."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import msgspec
from msgspec import Raw

from core import facts
from core.facts import MessagesRequest
from proxy.providers.simulated_dice import Dice
from proxy.providers.simulated_said import Said, Wish, call_parts
from proxy.providers.simulated_text import COMMON

THOUGHT_TOKENS = 8

_REASONS = {"end": b"end_turn", "cap": b"max_tokens", "call": b"tool_use"}
_ERRORS = {400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
           404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error",
           529: "overloaded_error"}  # fmt: skip
_BLOCK_START = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
_BLOCK_STOP = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"%b","%b":%b}}\n\n'
_END = b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"%b","stop_sequence":null},"usage":%b}\n\n'
_STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_PING = b'event: ping\ndata: {"type":"ping"}\n\n'
_encode = msgspec.json.encode


class _TextBlock(msgspec.Struct):
    type: str = ""
    text: str = ""


_content = msgspec.json.Decoder(str | list[_TextBlock] | None)


class MessagesVoice:
    """Anthropic's messages."""

    def __init__(self, name: str) -> None:
        self._head = b'","type":"message","role":"assistant","model":%b,"content":[' % _encode(name)

    def read(self, body: bytes) -> Wish:
        """What a body asks for. Raises BodyError."""
        request = facts.decode_messages(body)
        form = request.output_config.format if request.output_config is not None else request.output_format
        thinking = request.thinking
        return Wish(
            request,
            _last_user_text(request),
            stream=bool(request.stream),
            cap=request.max_tokens,
            json=form is not None and form.type.startswith("json"),
            thinks=thinking is not None and thinking.type in ("enabled", "adaptive"),
        )

    def whole(self, wish: Wish, said: Said, dice: Dice) -> bytes:
        """The whole answer."""
        id = dice.bits()
        blocks = [_thought_block()] if wish.thinks else []
        if said.call is None:
            blocks.append(b'{"type":"text","text":%b}' % said.words.text(said.start, said.count))
        else:
            blocks.append(_call_block(said.call, _arguments(said.call)))
        return b'{"id":"msg_%016x%b%b],"stop_reason":"%b","stop_sequence":null,"usage":%b}' % (
            id, self._head, b",".join(blocks), _REASONS[said.end], _usage(wish, said, _output_tokens(wish, said)),
        )  # fmt: skip

    def pieces(self, wish: Wish, said: Said, dice: Dice, *, at_once: bool) -> list[bytes]:
        """The stream, a token a piece, or all in one."""
        start = b'{"id":"msg_%016x%b],"stop_reason":null,"stop_sequence":null,"usage":%b}' % (
            dice.bits(), self._head, _usage(wish, said, 1),
        )  # fmt: skip
        opening = b'event: message_start\ndata: {"type":"message_start","message":%b}\n\n' % start + _PING
        tokens = [*(_thinking_tokens() if wish.thinks else ()), *_answer_tokens(said, index=1 if wish.thinks else 0)]
        if said.cut_after is not None:
            tokens = tokens[: said.cut_after]
        else:
            tokens.append(_END % (_REASONS[said.end], b'{"output_tokens":%d}' % _output_tokens(wish, said)) + _STOP)
        tokens[:1] = [opening + token for token in tokens[:1]] or [opening]
        return [b"".join(tokens)] if at_once else tokens

    def error(self, status: int, kind: str, message: str, param: str | None, dice: Dice) -> bytes:
        """The body of a failure."""
        error = {"type": _ERRORS.get(status, "api_error"), "message": message}
        return _encode({"type": "error", "error": error, "request_id": f"req_{dice.bits():016x}"})


def _last_user_text(request: MessagesRequest) -> str:
    for message in reversed(request.messages):
        if message.role == "user":
            return _text(message.content)
    return ""


def _text(content: Raw) -> str:
    try:
        found = _content.decode(content)
    except msgspec.DecodeError:
        return ""
    return "\n".join(block.text for block in found if block.text) if isinstance(found, list) else found or ""


def _thought() -> bytes:
    return COMMON.text(0, THOUGHT_TOKENS)


def _signature() -> bytes:
    return b64encode(_thought()[:24])


def _thought_block() -> bytes:
    return b'{"type":"thinking","thinking":%b,"signature":"%b"}' % (_thought(), _signature())


def _call_block(call: dict[str, Any], arguments: bytes) -> bytes:
    id, name, _ = call_parts(call)
    return b'{"type":"tool_use","id":%b,"name":%b,"input":%b}' % (id, name, arguments)


def _arguments(call: dict[str, Any]) -> bytes:
    """A call's arguments as the object that this dialect has them be; {} for a text that is none."""
    text = call_parts(call)[2].encode()
    try:
        return text if isinstance(msgspec.json.decode(text), dict) else b"{}"
    except msgspec.DecodeError:
        return b"{}"


def _thinking_tokens() -> list[bytes]:
    """The thought, a piece each token, its block's ends on the outer ones."""
    start = _BLOCK_START % (0, b'{"type":"thinking","thinking":"","signature":""}')
    tokens = [_DELTA % (0, b"thinking_delta", b"thinking", word) for word in COMMON.texts(0, THOUGHT_TOKENS)]
    end = _DELTA % (0, b"signature_delta", b"signature", b'"%b"' % _signature()) + _BLOCK_STOP % 0
    return [start + tokens[0], *tokens[1:-1], tokens[-1] + end]


def _answer_tokens(said: Said, index: int) -> list[bytes]:
    """The words or the call in the same way."""
    if said.call is None:
        start = _BLOCK_START % (index, b'{"type":"text","text":""}')
        tokens = [_DELTA % (index, b"text_delta", b"text", word) for word in said.words.texts(said.start, said.count)]
    else:
        start = _BLOCK_START % (index, _call_block(said.call, b"{}"))
        text = _arguments(said.call).decode()
        parts = (text[at : at + 12] for at in range(0, len(text), 12))
        tokens = [_DELTA % (index, b"input_json_delta", b"partial_json", _encode(part)) for part in parts]
    tokens[:1] = [start + token for token in tokens[:1]] or [start]
    tokens[-1] += _BLOCK_STOP % index
    return tokens


def _output_tokens(wish: Wish, said: Said) -> int:
    return said.count + (THOUGHT_TOKENS if wish.thinks else 0)


def _usage(wish: Wish, said: Said, output: int) -> bytes:
    entry = max(1, facts.messages_facts(wish.request).input_tokens_estimate)
    return (
        b'{"input_tokens":%d,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":%d,'
        b'"service_tier":"standard"}'
    ) % (entry, output)
