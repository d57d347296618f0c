"""What a request says as text: all of it, or what its user said last."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.facts import decode_chat, decode_embeddings, decode_messages
from core.facts.saying import said, said_last

TURNS = [("user", "first"), ("assistant", "reply"), ("user", "last"), ("assistant", "end")]


def messages(turns: list[tuple[str, Any]]) -> list[dict[str, Any]]:
    return [{"role": role, "content": content} for role, content in turns]


def of_chat(turns: list[tuple[str, Any]]) -> Any:
    return decode_chat(json.dumps({"model": "m", "messages": messages(turns)}).encode())


def of_anthropic(turns: list[tuple[str, Any]]) -> Any:
    body = {"model": "m", "max_tokens": 1, "system": "be kind", "messages": messages(turns)}
    return decode_messages(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("request_", "everything", "last"),
    [
        (of_chat(TURNS), "first\nreply\nlast\nend", "last"),
        (of_anthropic(TURNS), "be kind\nfirst\nreply\nlast\nend", "last"),
        (of_chat([("system", "be kind"), ("assistant", "hello")]), "be kind\nhello", "be kind\nhello"),
        (of_chat([("user", "first"), ("user", "")]), "first\n", "first"),  # who said nothing at last said something before
        (of_anthropic([("assistant", "hello")]), "be kind\nhello", "be kind\nhello"),
        (of_chat([("user", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])]), "a\nb", "a\nb"),
        (decode_embeddings(b'{"model": "m", "input": ["a", "b"]}'), "a\nb", "a\nb"),
        (decode_embeddings(b'{"model": "m", "input": [1, 2]}'), "", ""),
    ],
)
def test_what_was_said(request_: Any, everything: str, last: str) -> None:
    assert said(request_) == everything
    assert said_last(request_) == last
