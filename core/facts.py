"""What a request's body says that policies and limits read. Pure: bytes in, facts out, linear in the body.

A body is decoded once, typed and partial: what nobody here reads is skipped, never refused, for it goes on to the provider.

Errors: BodyError(ValueError)    the body is no request of this dialect; carries the field and the reason (400)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta, Raw

from core.tokens import PromptSize

Dialect: TypeAlias = Literal["openai_chat", "openai_responses", "anthropic", "openai_embeddings"]
Need: TypeAlias = Literal["vision", "function_calling", "json", "thinking", "audio"]


class Facts(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The facts of one request. Tokens are an estimate for policies; the bound for reservations is separate."""

    dialect: Dialect = "openai_chat"
    model_named: str | None = None
    stream: bool = False
    input_tokens_estimate: int = 0
    input_tokens_bound: int = 0  # UTF-8 bytes of prompt and tools + 16 a message + 600 if tools + images' maximum
    output_tokens_cap: int | None = None
    answers: int = 1  # `n`
    images: int = 0
    needs: tuple[Need, ...] = ()


class BodyError(ValueError):
    """The body is not a request of its dialect: `field` (dotted, "" for the whole body) and `reason`."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.field = field
        self.reason = reason


Count: TypeAlias = Annotated[int, Meta(ge=0)]


class Part(msgspec.Struct):
    """One part of a message's content; media stay raw, so their base64 is never copied."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    image_url: Raw = Raw()
    input_audio: Raw = Raw()
    file: Raw = Raw()


class ChatMessage(msgspec.Struct):
    """One message of a chat request, as far as its size and its needs go."""

    role: str = ""
    content: str | list[Part] | None = None
    name: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_call_id: str | None = None
    tool_calls: Raw = Raw()
    function_call: Raw = Raw()
    audio: Raw = Raw()


class ResponseFormat(msgspec.Struct):
    """The answer's form: `text`, `json_object` or `json_schema`."""

    type: str = ""
    json_schema: Raw = Raw()


class StreamOptions(msgspec.Struct):
    """Whether the client asked for the usage chunk."""

    include_usage: bool | None = None


class ChatRequest(msgspec.Struct):
    """A chat-completions body as far as Waybill reads it; every other field passes unread."""

    model: str
    messages: list[ChatMessage]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_completion_tokens: Count | None = None
    max_tokens: Count | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    tools: list[Raw] | None = None
    functions: list[Raw] | None = None
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    modalities: list[str] | None = None
    audio: Raw = Raw()


_CHAT = msgspec.json.Decoder(ChatRequest)
_NULL = b"null"


def decode_chat(body: bytes) -> ChatRequest:
    """The typed part of a chat-completions body. Raises BodyError naming the field."""
    try:
        return _CHAT.decode(body)
    except msgspec.ValidationError as error:
        raise _invalid(error) from None
    except msgspec.DecodeError as error:
        raise BodyError("", f"the body is not valid JSON: {error}") from None
    except UnicodeDecodeError:
        raise BodyError("", "the body is not valid UTF-8") from None
    except RecursionError:
        raise BodyError("", "the body is nested too deeply") from None


def _invalid(error: msgspec.ValidationError) -> BodyError:
    """msgspec says "Expected `int`, got `str` - at `$.n`"; its path is taken apart from its reason."""
    reason, _, path = str(error).rpartition(" - at `$")
    if reason:
        return BodyError(path.rstrip("`").lstrip("."), reason)
    missing = str(error).partition("missing required field `")[2]
    return BodyError(missing.rstrip("`"), str(error))


def chat_facts(request: ChatRequest) -> Facts:
    """The facts of a decoded chat request; linear in its text, whatever its media weigh."""
    size = PromptSize()
    audio = (request.audio and _present(request.audio)) or (request.modalities is not None and "audio" in request.modalities)
    tools_used = bool(request.tools or request.functions)
    for message in request.messages:
        audio |= _add_message(size, message)
        # A model without function calling cannot read a conversation that holds calls and their results either.
        tools_used |= message.tool_call_id is not None or bool(
            (message.tool_calls and _present(message.tool_calls)) or (message.function_call and _present(message.function_call))
        )
    _add_tools(size, request.tools)
    _add_tools(size, request.functions)
    form = request.response_format
    wants_json = form is not None and form.type.startswith("json")
    if form is not None and _present(form.json_schema):
        size.add_raw(len(form.json_schema))  # providers put the schema into the prompt
    cap = request.max_completion_tokens
    return Facts(
        model_named=request.model or None,
        stream=bool(request.stream),
        input_tokens_estimate=size.estimate(),
        input_tokens_bound=size.bound(),
        output_tokens_cap=request.max_tokens if cap is None else cap,
        answers=request.n or 1,
        images=size.images,
        needs=_needs(size.images > 0, tools_used, wants_json, _thinks(request.reasoning_effort), audio),
    )


def facts_from_chat(body: bytes) -> Facts:
    """The facts of a chat-completions body in one step. Raises BodyError."""
    return chat_facts(decode_chat(body))


def _add_message(size: PromptSize, message: ChatMessage) -> bool:
    """Count one message; whether it holds audio."""
    size.messages += 1
    audio = bool(message.audio) and _present(message.audio)
    content = message.content
    if content.__class__ is str:
        size.texts.append(content)
    elif content:
        for part in content:
            audio |= _add_part(size, part)  # type: ignore[arg-type]  # mypy does not narrow by __class__, which is twice as fast
    for text in (message.name, message.refusal, message.reasoning_content, message.tool_call_id):
        if text is not None:
            size.texts.append(text)
    for raw in (message.tool_calls, message.function_call):
        if raw and _present(raw):
            size.add_raw(len(raw))
    return audio


def _add_part(size: PromptSize, part: Part) -> bool:
    """Count one part of a message's content; whether it is audio."""
    if part.text is not None:
        size.texts.append(part.text)
    if part.refusal is not None:
        size.texts.append(part.refusal)
    if _present(part.image_url):
        size.images += 1
    if _present(part.file):
        size.file_chars += len(part.file)
    if _present(part.input_audio):
        size.audio_chars += len(part.input_audio)
        return True
    return False


def _add_tools(size: PromptSize, tools: Sequence[Raw] | None) -> None:
    if tools:
        size.has_tools = True
        for tool in tools:
            size.add_raw(len(tool))


def _present(raw: Raw) -> bool:
    """Whether a raw field was sent and is not null."""
    return len(raw) > 0 and (len(raw) != len(_NULL) or bytes(raw) != _NULL)


def _thinks(effort: str | None) -> bool:
    return effort is not None and effort != "none"


_NO_NEEDS: tuple[Need, ...] = ()


def _needs(vision: bool, function_calling: bool, json: bool, thinking: bool, audio: bool) -> tuple[Need, ...]:
    """The needs in the order of `Need`, so that equal requests have equal facts."""
    if not (vision or function_calling or json or thinking or audio):
        return _NO_NEEDS
    flags: tuple[tuple[Need, bool], ...] = (
        ("vision", vision),
        ("function_calling", function_calling),
        ("json", json),
        ("thinking", thinking),
        ("audio", audio),
    )
    return tuple(need for need, needed in flags if needed)
