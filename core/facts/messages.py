"""Facts of Anthropic's messages, and of its count_tokens, whose body is the same without the cap."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from core.facts.blocks import add_content
from core.facts.decoding import BodyError, Count, add_tools, decode, present
from core.facts.request import Facts, named, needs_of
from core.tokens import PromptSize


class Message(msgspec.Struct):
    """One message, as far as its size and its needs go."""

    role: str = ""
    content: Raw = Raw()  # text or blocks: `core.facts.blocks`


class Thinking(msgspec.Struct):
    """How the model is to think: `enabled`, `adaptive` or `disabled`."""

    type: str = ""


class OutputFormat(msgspec.Struct):
    """The answer's form: `json_schema` with its schema."""

    type: str = ""
    schema: Raw = Raw()


class OutputConfig(msgspec.Struct):
    """How the answer is to be."""

    format: OutputFormat | None = None


class CountTokensRequest(msgspec.Struct, kw_only=True):
    """A count_tokens body as far as Waybill reads it; every other field passes unread."""

    model: str
    messages: list[Message]
    system: Raw = Raw()
    tools: list[Raw] | None = None
    tool_choice: Raw = Raw()
    thinking: Thinking | None = None
    output_config: OutputConfig | None = None
    output_format: OutputFormat | None = None  # where betas had it before `output_config`
    stream: bool | None = None


class Tool(msgspec.Struct):
    """The kind of a tool: the provider's own have a dated type, and their definition is not in the request."""

    type: str | None = None


class MessagesRequest(CountTokensRequest, kw_only=True):
    """A messages body: the same, and the cap on the answer, which this dialect requires."""

    max_tokens: Count


_MESSAGES = msgspec.json.Decoder(MessagesRequest)
_TOOL = msgspec.json.Decoder(Tool)
_COUNT_TOKENS = msgspec.json.Decoder(CountTokensRequest)


def decode_messages(body: bytes) -> MessagesRequest:
    """The typed part of a messages body. Raises BodyError naming the field."""
    return decode(_MESSAGES, body)


def decode_count_tokens(body: bytes) -> CountTokensRequest:
    """The typed part of a count_tokens body. Raises BodyError naming the field."""
    return decode(_COUNT_TOKENS, body)


def messages_prompt(request: CountTokensRequest) -> PromptSize:
    """What the prompt of a request is made of. Raises BodyError where a content is neither text nor blocks."""
    size = PromptSize()
    size.calls = bool(request.tools)
    if present(request.system):
        add_content(size, "system", request.system)
    for position, message in enumerate(request.messages):
        size.messages += 1
        if present(message.content):
            add_content(size, f"messages[{position}].content", message.content)
    _add_tools(size, request.tools)
    form = _form(request)
    if form is not None and present(form.schema):
        size.add_raw(form.schema)  # the provider puts it into the prompt
    return size


def messages_facts(request: CountTokensRequest) -> Facts:
    """The facts of a decoded request; linear in its text. Raises BodyError where a content is neither text nor blocks."""
    size = messages_prompt(request)
    estimate, bound = size.figures()
    form = _form(request)
    thinking = request.thinking
    return Facts(
        dialect="anthropic",
        model_named=named(request.model),
        stream=bool(request.stream),
        input_tokens_estimate=estimate,
        input_tokens_bound=bound,
        output_tokens_cap=request.max_tokens if isinstance(request, MessagesRequest) else None,
        images=size.images,
        needs=needs_of(
            vision=size.images > 0,
            function_calling=size.calls,
            json=form is not None and form.type.startswith("json"),
            thinking=thinking is not None and thinking.type not in ("", "disabled"),
            audio=size.audio,
        ),
    )


def _form(request: CountTokensRequest) -> OutputFormat | None:
    """The form of the answer, where it is now or where it was."""
    config = request.output_config
    return request.output_format if config is None or config.format is None else config.format


def _add_tools(size: PromptSize, tools: list[Raw] | None) -> None:
    add_tools(size, tools)
    for position, tool in enumerate(tools or ()):
        try:
            kind = _TOOL.decode(tool).type
        except msgspec.ValidationError:
            raise BodyError(f"tools[{position}]", "must be an object whose `type`, if any, is a string") from None
        size.tools_elsewhere += kind not in (None, "custom")
