"""The content blocks of Anthropic's messages: what each adds to a prompt and to its needs.

Unknown blocks pass, and count with all of their JSON. Tool results, search results and documents hold blocks themselves.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from core.facts.decoding import BodyError, decode, present
from core.tokens import PromptSize

NESTING = 4  # a tool result, a document in it, its content and their blocks: the dialect goes no deeper


class Block(msgspec.Struct):
    """One block. What differs in type between blocks stays raw, so that unknown ones pass."""

    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: Raw = Raw()
    data: Raw = Raw()
    source: Raw = Raw()
    content: Raw = Raw()
    input: Raw = Raw()
    name: Raw = Raw()
    title: Raw = Raw()
    context: Raw = Raw()


class Source(msgspec.Struct):
    """Where a document is: `base64`, `text`, `content`, `url` or `file`."""

    type: str = ""
    data: Raw = Raw()
    content: Raw = Raw()


_CONTENT: msgspec.json.Decoder[str | list[Block]] = msgspec.json.Decoder(str | list[Block])
_RAW_BLOCKS = msgspec.json.Decoder(list[Raw])
_SOURCE = msgspec.json.Decoder(Source)
_CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})


def add_content(size: PromptSize, field: str, raw: Raw, depth: int = 1) -> None:
    """Count a content, text or blocks. Raises BodyError with its field if it is neither."""
    try:
        content = decode(_CONTENT, raw)
    except BodyError as error:
        raise BodyError(field + error.field, error.reason) from None
    if isinstance(content, str):
        size.texts.append(content)
        return
    strange = [position for position, block in enumerate(content) if not _add_block(size, block, depth)]
    if strange:
        blocks = _RAW_BLOCKS.decode(raw)
        for position in strange:
            size.add_raw(blocks[position])


def _add_block(size: PromptSize, block: Block, depth: int) -> bool:
    """Count one block; False if its type is unknown."""
    kind = block.type
    if kind == "text":
        if block.text is not None:
            size.texts.append(block.text)
    elif kind == "image":
        size.images += 1
    elif kind in _CALLS:
        size.calls = True
        size.add_raw(block.name)
        size.add_raw(block.input)
    elif kind == "tool_result" or kind.endswith("_tool_result"):
        size.calls = True
        _add_nested(size, block.content, depth)
    elif kind in ("thinking", "redacted_thinking"):
        if block.thinking is not None:
            size.texts.append(block.thinking)
        size.encrypted_chars += len(block.signature) + len(block.data)
    elif kind in ("document", "search_result"):
        _add_document(size, block, depth)
    elif kind == "audio":
        size.audio = True
        size.audio_chars += len(block.source)
    else:
        return False
    return True


def _add_document(size: PromptSize, block: Block, depth: int) -> None:
    for raw in (block.title, block.context):
        size.add_raw(raw)
    _add_nested(size, block.content, depth)
    if not present(block.source):
        return
    try:
        source = _SOURCE.decode(block.source)
    except msgspec.ValidationError:
        size.add_raw(block.source)  # the source of a search result is a line of text
        return
    if source.type == "base64":
        size.file_chars += len(source.data)
    elif source.type in ("text", "content"):
        size.add_raw(source.data)
        _add_nested(size, source.content, depth)
    else:
        size.files_elsewhere += 1


def _add_nested(size: PromptSize, raw: Raw, depth: int) -> None:
    """Count the content of a block; what is neither text nor blocks is the provider's to judge, and counts as it stands."""
    if not present(raw):
        return
    try:
        if depth < NESTING:
            add_content(size, "", raw, depth + 1)
            return
    except BodyError:
        pass
    size.add_raw(raw)
