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


class Prompt:
    """What the contents of a request add up to."""

    __slots__ = ("audio", "size", "tools_used")

    def __init__(self) -> None:
        self.size = PromptSize()
        self.tools_used = False  # a model without function calling cannot read calls and their results either
        self.audio = False

    def add(self, field: str, raw: Raw, depth: int = 1) -> None:
        """Count a content, text or blocks. Raises BodyError with its field if it is neither."""
        try:
            content = decode(_CONTENT, raw)
        except BodyError as error:
            place = error.field if error.field.startswith("[") or not error.field else f".{error.field}"
            raise BodyError(field + place, error.reason) from None
        if isinstance(content, str):
            self.size.texts.append(content)
            return
        strange = [position for position, block in enumerate(content) if not self._add_block(block, depth)]
        if strange:
            blocks = _RAW_BLOCKS.decode(raw)
            for position in strange:
                self.size.add_raw(blocks[position])

    def _add_block(self, block: Block, depth: int) -> bool:
        """Count one block; False if its type is unknown."""
        size, kind = self.size, block.type
        if kind == "text":
            if block.text is not None:
                size.texts.append(block.text)
        elif kind == "image":
            size.images += 1
        elif kind in _CALLS:
            self.tools_used = True
            size.add_raw(block.name)
            size.add_raw(block.input)
        elif kind == "tool_result" or kind.endswith("_tool_result"):
            self.tools_used = True
            self._add_nested(block.content, depth)
        elif kind in ("thinking", "redacted_thinking"):
            if block.thinking is not None:
                size.texts.append(block.thinking)
            size.encrypted_chars += len(block.signature) + len(block.data)
        elif kind in ("document", "search_result"):
            self._add_document(block, depth)
        elif kind == "audio":
            self.audio = True
            size.audio_chars += len(block.source)
        else:
            return False
        return True

    def _add_document(self, block: Block, depth: int) -> None:
        for raw in (block.title, block.context):
            self.size.add_raw(raw)
        self._add_nested(block.content, depth)
        if not present(block.source):
            return
        try:
            source = _SOURCE.decode(block.source)
        except msgspec.ValidationError:
            self.size.add_raw(block.source)  # the source of a search result is a line of text
            return
        if source.type == "base64":
            self.size.file_chars += len(source.data)
        elif source.type in ("text", "content"):
            self.size.add_raw(source.data)
            self._add_nested(source.content, depth)
        else:
            self.size.files_elsewhere += 1

    def _add_nested(self, raw: Raw, depth: int) -> None:
        """Count the content of a block; what is neither text nor blocks is the provider's to judge, and counts as it stands."""
        if not present(raw):
            return
        try:
            if depth < NESTING:
                self.add("", raw, depth + 1)
                return
        except BodyError:
            pass
        self.size.add_raw(raw)
