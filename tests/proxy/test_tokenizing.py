"""Exact counts: which tokenizer a model has, what is counted, and that nothing ever waits for it or fails by it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from typing import Any

import bpe_openai
import pytest

from core.facts import decode_chat, decode_count_tokens, decode_embeddings, facts_from_chat
from proxy import tokenizing
from proxy.tokenizing import Tokenizers, encoding_of


@pytest.fixture
async def tokenizers() -> AsyncIterator[Tokenizers]:
    made = Tokenizers(timeout_s=60)  # a busy machine may take long to start a process
    yield made
    await made.close()


def chat(*texts: str, **fields: Any) -> bytes:
    return json.dumps({"model": "auto", "messages": [{"role": "user", "content": text} for text in texts], **fields}).encode()


def tokens(text: str, encoding: str = "o200k_base") -> int:
    return len(bpe_openai.get_encoding(encoding).encode_ordinary(text))


@pytest.mark.parametrize(
    ("kind", "name", "encoding"),
    [
        ("openai", "gpt-5-mini", "o200k_base"),
        ("openai", "gpt-4o-2024-11-20", "o200k_base"),
        ("openai", "gpt-4.1", "o200k_base"),
        ("openai", "gpt-4-turbo", "cl100k_base"),
        ("openai", "gpt-4", "cl100k_base"),
        ("openai", "gpt-3.5-turbo", "cl100k_base"),
        ("openai", "o3", "o200k_base"),
        ("azure", "o4-mini", "o200k_base"),
        ("openai", "text-embedding-3-small", "cl100k_base"),
        ("openai-compatible", "gpt-oss-120b", None),  # its template says more than OpenAI's
        ("openai-compatible", "gpt-4o", "o200k_base"),
        ("openai-compatible", "mistral-large", None),
        ("azure", "our-deployment", None),
        ("openai", "", None),
        ("anthropic", "claude-opus-4-8", None),
        ("simulated", "gpt-4o", None),
    ],
)
def test_a_model_has_the_tokenizer_that_its_name_says(kind: str, name: str, encoding: str | None) -> None:
    assert encoding_of(kind, name) == encoding


async def test_text_is_counted_exactly_with_its_template(tokenizers: Tokenizers) -> None:
    texts = ("Wie wird das Wetter?", "我们今天去公园散步", "<|endoftext|> is text here")
    # 4 for each message, 3 for the head of the answer.
    expected = sum(map(tokens, texts)) + 4 * 3 + 3
    assert await tokenizers.count("openai", "gpt-4o", decode_chat(chat(*texts))) == expected


async def test_each_dialect_is_counted_with_the_models_own_tokenizer(tokenizers: Tokenizers) -> None:
    texts = ["Прогулка по городу", "नमस्ते"]
    embedding = decode_embeddings(json.dumps({"model": "x", "input": texts}).encode())
    ids = decode_embeddings(json.dumps({"model": "x", "input": [[1, 2], [3]]}).encode())
    counting = decode_count_tokens(json.dumps({"model": "x", "messages": [{"role": "user", "content": texts[0]}]}).encode())
    assert await tokenizers.count("openai", "text-embedding-3-large", embedding) == sum(tokens(t, "cl100k_base") for t in texts)
    assert await tokenizers.count("openai", "text-embedding-3-large", ids) == 3
    assert await tokenizers.count("openai", "gpt-4o", counting) == tokens(texts[0]) + 4 + 3


async def test_tools_and_images_keep_their_bound(tokenizers: Tokenizers) -> None:
    tool = {"type": "function", "function": {"name": "weather"}}
    image = {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]}
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}, image], "tools": [tool]}).encode()
    bound = facts_from_chat(body).input_tokens_bound
    # Of the bound, the 5 bytes of text become 1 token, and 16 a message 4 with 3 once.
    assert await tokenizers.count("openai", "gpt-4o", decode_chat(body)) == bound - 5 + 1 - 2 * 16 + 2 * 4 + 3


async def test_what_is_not_known_or_too_large_starts_nothing(tokenizers: Tokenizers) -> None:
    request = decode_chat(chat("hello"))
    large = decode_chat(chat("a" * (tokenizing.LARGEST_TEXT + 1)))
    wrong = decode_count_tokens(b'{"model": "m", "messages": [{"content": 5}]}')
    assert await tokenizers.count("anthropic", "claude-opus-4-8", request) is None
    assert await tokenizers.count("openai", "gpt-4o", large) is None
    assert await tokenizers.count("openai", "gpt-4o", wrong) is None
    assert tokenizers._process is None


async def test_without_the_extra_there_is_no_count(tokenizers: Tokenizers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizing, "find_spec", lambda name: None)
    assert await tokenizers.count("openai", "gpt-4o", decode_chat(chat("hello"))) is None
    assert tokenizers._process is None


async def test_a_text_that_the_tokenizer_does_not_take_has_no_count_and_does_no_harm(tokenizers: Tokenizers) -> None:
    assert await tokenizers.count("openai", "gpt-4o", decode_chat(chat("a " * 220_000))) is None
    process = tokenizers._process
    assert await tokenizers.count("openai", "gpt-4o", decode_chat(chat("hello"))) == 8
    assert tokenizers._process is process


async def test_many_at_once_are_counted_in_turn_up_to_a_bound(tokenizers: Tokenizers) -> None:
    request = decode_chat(chat("hello"))
    wanted = [tokenizers.count("openai", "gpt-4o", request) for _ in range(tokenizing.MOST_WAITING + 3)]
    counted = await asyncio.gather(*wanted)
    assert counted == [1 + 4 + 3] * tokenizing.MOST_WAITING + [None] * 3


async def test_a_process_that_died_is_started_again(tokenizers: Tokenizers) -> None:
    request = decode_chat(chat("hello"))
    assert await tokenizers.count("openai", "gpt-4o", request) == 8
    first = tokenizers._process
    assert first is not None
    os.kill(first.pid, signal.SIGKILL)
    await first.wait()
    assert await tokenizers.count("openai", "gpt-4o", request) == 8
    assert tokenizers._process is not first


async def test_one_that_hangs_is_given_up_and_leaves_no_answer_behind(tokenizers: Tokenizers) -> None:
    request = decode_chat(chat("hello"))
    assert await tokenizers.count("openai", "gpt-4o", request) == 8
    stopped = tokenizers._process
    assert stopped is not None
    os.kill(stopped.pid, signal.SIGSTOP)
    tokenizers._timeout_s = 0.05
    assert await tokenizers.count("openai", "gpt-4o", decode_chat(chat("another text"))) is None
    assert stopped.returncode is not None
    tokenizers._timeout_s = 60
    assert await tokenizers.count("openai", "gpt-4o", request) == 8


async def test_a_caller_that_leaves_leaves_no_answer_behind(tokenizers: Tokenizers) -> None:
    request = decode_chat(chat("hello"))
    assert await tokenizers.count("openai", "gpt-4o", request) == 8
    asked = asyncio.ensure_future(tokenizers.count("openai", "gpt-4o", decode_chat(chat("a much longer text " * 1_000))))
    await asyncio.sleep(0)  # it has written its question
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert await tokenizers.count("openai", "gpt-4o", request) == 8


async def test_the_event_loop_goes_on_while_much_is_counted(tokenizers: Tokenizers) -> None:
    request = decode_chat(chat("The quick brown fox jumps over the lazy dog. " * 11_000))
    assert await tokenizers.count("openai", "gpt-4o", decode_chat(chat("hello"))) == 8
    counting = asyncio.ensure_future(tokenizers.count("openai", "gpt-4o", request))
    turns = 0
    started = time.perf_counter()
    while not counting.done():
        await asyncio.sleep(0.001)
        turns += 1
    assert (counting.result() or 0) > 100_000
    assert turns >= 3, f"{turns} turns in {time.perf_counter() - started:.3f} s"


async def test_the_process_ends_when_its_owner_is_gone(tokenizers: Tokenizers) -> None:
    assert await tokenizers.count("openai", "gpt-4o", decode_chat(chat("hello"))) == 8
    process = tokenizers._process
    assert process is not None
    assert process.stdin is not None
    process.stdin.close()  # as the kernel does when a process dies
    async with asyncio.timeout(10):
        assert await process.wait() == 0
