"""A small, conservative look for secrets in clear. Pure: bytes in, line numbers and kinds out; a value is never repeated."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

# (kind, a literal that every match holds, the shape). The literal makes the common case, no secret, one substring search.
_EDGE = rb"(?<![A-Za-z0-9_+/=-])"
_SHAPES: tuple[tuple[str, bytes, re.Pattern[bytes]], ...] = tuple(
    (kind, literal, re.compile(_EDGE + shape))
    for kind, literal, shape in (
        ("a Waybill token", b"sk-lr-", rb"sk-lr-[A-Za-z0-9_-]{32,}"),
        ("an Anthropic key", b"sk-ant-", rb"sk-ant-[A-Za-z0-9_-]{24,}"),
        ("an API key", b"sk-", rb"sk-(?:[A-Za-z0-9]{32,}|(?:proj|svcacct|admin|or-v1)-[A-Za-z0-9_-]{32,})"),
        ("a Google API key", b"AIza", rb"AIza[A-Za-z0-9_-]{35}"),
        ("a Groq key", b"gsk_", rb"gsk_[A-Za-z0-9]{40,}"),
        ("an xAI key", b"xai-", rb"xai-[A-Za-z0-9]{40,}"),
        ("a Hugging Face token", b"hf_", rb"hf_[A-Za-z0-9]{30,}"),
        ("an AWS access key", b"AKIA", rb"AKIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("a GitHub token", b"gh", rb"(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,})"),
        ("a private key", b"PRIVATE KEY", rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    )
)
# Placeholders such as sk-xxxxxxxx repeat themselves; random text of these lengths does not.
_LEAST_DISTINCT = 10


class Leak(msgspec.Struct, frozen=True):
    """Where a secret seems to stand (1-based line) and what kind of secret it looks like."""

    line: int
    kind: str


def leaks(data: bytes) -> Iterator[Leak]:
    """Every place in one file that looks like a live secret, in order of kind."""
    for kind, literal, shape in _SHAPES:
        if literal not in data:
            continue
        for found in shape.finditer(data):
            if len(set(found[0])) >= _LEAST_DISTINCT:
                yield Leak(data.count(b"\n", 0, found.start()) + 1, kind)
