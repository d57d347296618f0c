"""Exact counts of input tokens, where a model's tokenizer is known and the extra `waybill[tokenizers]` is installed.

For `count_tokens`, and once more before a limit refuses; never on the way of a request that is admitted. A tokenizer takes
100 µs a KB and 145 MB, and holds the interpreter meanwhile, so it lives in a process of its own (`proxy.tokenizer_process`),
started when it is first asked. Whatever goes wrong there, there is no count, and the estimate and the bound hold.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import struct
import sys
from importlib.util import find_spec
from typing import Final, TypeAlias

import msgspec

from core.facts import (
    BodyError,
    ChatRequest,
    CountTokensRequest,
    EmbeddingsRequest,
    chat_prompt,
    embeddings_prompt,
    messages_prompt,
)
from core.tokens import PromptSize
from proxy.tokenizer_process import NO_COUNT

Request: TypeAlias = ChatRequest | CountTokensRequest | EmbeddingsRequest

LARGEST_TEXT: Final = 500_000  # characters; a twentieth of a second
MOST_WAITING: Final = 8
TIMEOUT_S: Final = 5.0  # the first count waits for the process to start
MESSAGE_TOKENS: Final = 4  # OpenAI's chat template: <|start|>, the role, <|message|>, <|end|>
REPLY_TOKENS: Final = 3  # and the head of the answer

# By the longest beginning of an upstream name. Anthropic, Google and Mistral publish no tokenizer of their present models.
_ENCODINGS: Final = {
    "gpt-3.5": "cl100k_base",
    "gpt-4": "cl100k_base",
    "gpt-4o": "o200k_base",
    "gpt-4.": "o200k_base",
    "gpt-5": "o200k_base",
    "chatgpt-4o": "o200k_base",
    "o1": "o200k_base",
    "o3": "o200k_base",
    "o4": "o200k_base",
    "text-embedding-3": "cl100k_base",
    "text-embedding-ada": "cl100k_base",
}
_KINDS: Final = frozenset({"openai", "azure", "openai-compatible"})
_LENGTH: Final = struct.Struct(">I")

_log = logging.getLogger(__name__)


class Tokenizers:
    """Counts in one process, one after another; more than `MOST_WAITING` at once get no count."""

    def __init__(self, *, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._installed: bool | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def count(self, provider_kind: str, upstream_name: str, request: Request) -> int | None:
        """The tokens of a request's text as the model counts them, with the bound of what is not text; None if unknown.

        It may take the place of the bound: without images, files, tools and schemas it is exact, with them it is not below.
        """
        encoding = encoding_of(provider_kind, upstream_name)
        if encoding is None or self._waiting >= MOST_WAITING or not self._is_installed():
            return None
        try:
            size = prompt_of(request)
        except BodyError:
            return None
        if sum(map(len, size.texts)) > LARGEST_TEXT:
            return None
        counted = await self._counted(encoding, size.texts)
        return None if counted is None else counted + _around(size)

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def _is_installed(self) -> bool:
        if self._installed is None:
            self._installed = find_spec("bpe_openai") is not None
        return self._installed

    async def _counted(self, encoding: str, texts: list[str]) -> int | None:
        self._waiting += 1
        try:
            async with asyncio.timeout(self._timeout_s), self._turn:
                try:
                    return await self._ask(encoding, texts)
                except BaseException:
                    await asyncio.shield(self.close())  # what it still answers belongs to nobody
                    raise
        except (OSError, TimeoutError, asyncio.IncompleteReadError, UnicodeEncodeError) as error:
            _log.warning("no exact token count: %s", type(error).__name__)
            return None
        finally:
            self._waiting -= 1

    async def _ask(self, encoding: str, texts: list[str]) -> int | None:
        process = self._process
        if process is None or process.returncode is not None:
            # Its input is its lifeline: it ends when this end is closed, whatever became of us.
            pipe = asyncio.subprocess.PIPE
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "proxy.tokenizer_process", stdin=pipe, stdout=pipe
            )
        assert process.stdin is not None
        assert process.stdout is not None
        question = msgspec.json.encode((encoding, texts))
        process.stdin.write(_LENGTH.pack(len(question)) + question)
        await process.stdin.drain()
        (count,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        return None if count == NO_COUNT else int(count)


def encoding_of(provider_kind: str, upstream_name: str) -> str | None:
    """The tokenizer of a model, where its name says it; a deployment under a name of its own has none."""
    if provider_kind not in _KINDS:
        return None
    for length in range(len(upstream_name), 1, -1):
        if (found := _ENCODINGS.get(upstream_name[:length])) is not None:
            return found
    return None


def prompt_of(request: Request) -> PromptSize:
    """What a request's prompt is made of. Raises BodyError as its facts do."""
    if isinstance(request, ChatRequest):
        return chat_prompt(request)
    if isinstance(request, EmbeddingsRequest):
        return embeddings_prompt(request)
    return messages_prompt(request)


def _around(size: PromptSize) -> int:
    """What the template adds to the text, and the bound of tools and media, which no tokenizer here counts."""
    raws = sum(len(raw) for raw in size.raws)
    return size.ids + raws + size.media_bound() + (size.messages * MESSAGE_TOKENS + REPLY_TOKENS if size.messages else 0)
