"""What is kept of what was said: bounded, JSON where it can be, and without the credentials that Waybill issued."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from proxy.content import KEPT_BYTES, Content

TOKEN = "sk-lr-" + secrets.token_urlsafe(32)
KEY = "wb-" + secrets.token_urlsafe(32)


def kept(request: bytes, *stream: bytes, answer: bytes | None = None) -> dict[str, Any]:
    content = Content(request)
    for part in stream:
        content.stream(part)
    if answer is not None:
        content.answer(answer)
    return {name: value if isinstance(value, list) else json.loads(bytes(value)) for name, value in content.as_values().items()}


def test_json_is_kept_as_json_and_anything_else_as_text() -> None:
    assert kept(b'{"a": 1}', answer=b"oh") == {"request": {"a": 1}, "answer": "oh"}
    assert kept(b"[]", b"data: 1\n", b"data: 2\n")["answer"] == "data: 1\ndata: 2\n"


@pytest.mark.parametrize("secret", [TOKEN, KEY], ids=["token", "API key"])
def test_a_credential_that_somebody_wrote_is_taken_out(secret: str) -> None:
    escaped = "".join(f"\\u{ord(letter):04x}" for letter in secret)
    request = f'{{"said": "use {secret}, or {escaped}.", "model": "{secret}"}}'.encode()
    found = kept(request, b"data: 1 ", f"{secret[:9]}".encode(), f"{secret[9:]}\n".encode())
    assert secret not in json.dumps(found)
    start = "sk-lr-" if secret == TOKEN else "wb-"
    assert found["request"]["said"] == f"use {start}[taken out], or {start}[taken out]."
    assert found["answer"] == f"data: 1 {start}[taken out]\n"


def test_words_that_only_look_a_little_like_one_stay() -> None:
    said = {"said": "sk-lr- is how tokens begin; wb-short, task-lr-x and sk-lr-1234"}
    assert kept(json.dumps(said).encode())["request"] == said


def test_what_is_cut_off_keeps_no_piece_that_is_most_of_a_credential() -> None:
    found = kept(b"x" * (KEPT_BYTES - 40) + TOKEN.encode())
    assert found["request"] == "x" * (KEPT_BYTES - 40) + "sk-lr-[taken out]"
    assert found["truncated"] == ["request"]
