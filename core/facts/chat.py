"""Facts of OpenAI's chat completions."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from core.facts.decoding import Count, add_tools, decode, present
from core.facts.request import Facts, named, needs_of
from core.tokens import PromptSize


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


def decode_chat(body: bytes) -> ChatRequest:
    """The typed part of a chat-completions body. Raises BodyError naming the field."""
    return decode(_CHAT, body)


def chat_prompt(request: ChatRequest) -> PromptSize:
    """What the prompt of a chat request is made of."""
    size = PromptSize()
    size.audio = (bool(request.audio) and present(request.audio)) or "audio" in (request.modalities or ())
    size.calls = bool(request.tools or request.functions)
    for message in request.messages:
        _add_message(size, message)
    add_tools(size, request.tools)
    add_tools(size, request.functions)
    form = request.response_format
    if form is not None and present(form.json_schema):
        size.add_raw(form.json_schema)  # providers put the schema into the prompt
    return size


def chat_facts(request: ChatRequest) -> Facts:
    """The facts of a decoded chat request; linear in its text, whatever its media weigh."""
    size = chat_prompt(request)
    estimate, bound = size.figures()
    form = request.response_format
    cap = request.max_completion_tokens
    return Facts(
        model_named=named(request.model),
        stream=bool(request.stream),
        input_tokens_estimate=estimate,
        input_tokens_bound=bound,
        output_tokens_cap=request.max_tokens if cap is None else cap,
        answers=request.n or 1,
        images=size.images,
        needs=needs_of(
            vision=size.images > 0,
            function_calling=size.calls,
            json=form is not None and form.type.startswith("json"),
            thinking=_thinks(request.reasoning_effort),
            audio=size.audio,
        ),
    )


def facts_from_chat(body: bytes) -> Facts:
    """The facts of a chat-completions body in one step. Raises BodyError."""
    return chat_facts(decode_chat(body))


def _add_message(size: PromptSize, message: ChatMessage) -> None:
    size.messages += 1
    if message.audio and present(message.audio):
        size.audio = True
    content = message.content
    if content.__class__ is str:
        size.texts.append(content)
    elif content:
        for part in content:
            _add_part(size, part)  # type: ignore[arg-type]  # mypy does not narrow by __class__, which is twice as fast
    for text in (message.name, message.refusal, message.reasoning_content, message.tool_call_id):
        if text is not None:
            size.texts.append(text)
    for raw in (message.tool_calls, message.function_call):
        if raw and present(raw):
            size.calls = True
            size.add_raw(raw)
    if message.tool_call_id is not None:
        size.calls = True


def _add_part(size: PromptSize, part: Part) -> None:
    if part.text is not None:
        size.texts.append(part.text)
    if part.refusal is not None:
        size.texts.append(part.refusal)
    if present(part.image_url):
        size.images += 1
    if present(part.file):
        size.file_chars += len(part.file)
    if present(part.input_audio):
        size.audio_chars += len(part.input_audio)
        size.audio = True


def _thinks(effort: str | None) -> bool:
    return effort is not None and effort != "none"
