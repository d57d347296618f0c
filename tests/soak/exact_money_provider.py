"""A provider that bills at random, and fails in the ways that providers do; chat, embeddings and Anthropic's messages."""

from __future__ import annotations

import json
from random import Random
from typing import Any

from tests.proxy import messages
from tests.proxy.product import DONE, Asked, Provider, error_body, event, role, whole, word

WORDS = ("one ", "two ", "three ", "four ", "five ")


class Biller:
    """Behaves for every model alike. Only `odd` bills more than anybody can expect, now and then."""

    def __init__(self, up: Provider, dice: Random) -> None:
        self._up = up
        self._dice = dice
        up.default = self

    async def __call__(self, asked: Asked) -> None:
        """Answer one request."""
        self._up.asked.clear()  # a hundred thousand of them need not be kept
        dice, body = self._dice, asked.json
        fate = dice.random()
        if fate < 0.05:
            said = error_body("the provider fails")
            status = dice.choice((b"500 Failure", b"503 Busy", b"404 Lost", b"401 Who"))
            await asked.answer(said, status=status)
        elif fate < 0.08:
            await asked.answer(error_body("too many", kind="rate_limit"), b"retry-after: 1", status=b"429 Slow down")
        elif fate < 0.09:
            await asked.answer(error_body("not so", kind="invalid_request_error"), status=b"400 Bad")
        elif fate < 0.10:
            asked.writer.close()
        elif fate < 0.102:
            await asked.gone()  # hangs
        elif b"/embeddings" in asked.head[:40]:
            await asked.answer(_vectors(body, dice))
        elif b"/messages" in asked.head[:40]:
            await self._message(asked, body)
        else:
            await self._chat(asked, body)

    async def _chat(self, asked: Asked, body: dict[str, Any]) -> None:
        usage = chat_usage(body, self._dice)
        if not body.get("stream"):
            await asked.answer(whole(body["model"], usage=usage))
            return
        await asked.begin_stream()
        await asked.events(role(body["model"]), *[word(text) for text in WORDS[: usage["completion_tokens"]]])
        fate = self._dice.random()
        if fate < 0.04:
            asked.writer.close()  # in mid-stream
            return
        if fate < 0.06:
            await asked.events(b"data: " + error_body("the provider gives up") + b"\n\n")
        elif fate > 0.09:
            await asked.events(event(finish="stop"), event(choices=[], usage=usage), DONE)
        else:
            await asked.events(event(finish="stop"), DONE)  # one that does not say what it used
        await asked.end_stream()

    async def _message(self, asked: Asked, body: dict[str, Any]) -> None:
        usage = message_usage(body, self._dice)
        if not body.get("stream"):
            await asked.answer(messages.whole(body["model"], usage=usage))
            return
        await asked.begin_stream()
        first = {**usage, "output_tokens": 1}
        said = [messages.word(text) for text in WORDS[: usage["output_tokens"]]]
        await asked.events(messages.start(body["model"], first), messages.opening(), *said)
        fate = self._dice.random()
        if fate < 0.04:
            asked.writer.close()
            return
        if fate < 0.06:
            await asked.events(messages.error())
        else:
            last = messages.finish(output_tokens=usage["output_tokens"])
            await asked.events(messages.closing(), last, messages.STOP)
        await asked.end_stream()


def chat_usage(body: dict[str, Any], dice: Random) -> dict[str, Any]:
    """What a chat request is billed for: at most what could be expected of it, but for `odd`."""
    most = sum(len(message["content"].encode()) + 16 for message in body["messages"])
    entry = dice.randint(1, most)
    if body["model"] == "odd" and dice.random() < 0.1:
        entry += 10 * most
    output = dice.randint(1, (body.get("max_tokens") or 200) * (body.get("n") or 1))
    usage: dict[str, Any] = {"prompt_tokens": entry, "completion_tokens": output, "total_tokens": entry + output}
    if dice.random() < 0.5:
        usage["prompt_tokens_details"] = {"cached_tokens": dice.randint(0, entry)}
        usage["completion_tokens_details"] = {"reasoning_tokens": dice.randint(0, output)}
    return usage


def message_usage(body: dict[str, Any], dice: Random) -> dict[str, Any]:
    """The same in Anthropic's convention: what was cached comes on top of `input_tokens`."""
    left = dice.randint(1, sum(len(message["content"].encode()) + 16 for message in body["messages"]))
    read = dice.randint(0, left)
    five_minutes = dice.randint(0, left - read)
    hour = dice.randint(0, left - read - five_minutes)
    return {
        "input_tokens": left - read - five_minutes - hour,
        "cache_read_input_tokens": read,
        "cache_creation_input_tokens": five_minutes + hour,
        "cache_creation": {"ephemeral_5m_input_tokens": five_minutes, "ephemeral_1h_input_tokens": hour},
        "output_tokens": dice.randint(1, body["max_tokens"]),
    }


def _vectors(body: dict[str, Any], dice: Random) -> bytes:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    used = dice.randint(1, sum(len(text.encode()) for text in texts))
    data = [{"object": "embedding", "index": index, "embedding": [0.5, 0.25]} for index in range(len(texts))]
    usage = {"prompt_tokens": used, "total_tokens": used}
    return json.dumps({"object": "list", "data": data, "model": body["model"], "usage": usage}).encode()
