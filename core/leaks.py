"""A small, conservative look for secrets in clear: where they stand, and text without them. A value is never repeated.

Two kinds of shapes: keys that their issuer marks, found anywhere; and long random text that is called a key where it stands
(`api_key: …`), for the issuers that mark nothing (Azure's older keys, Mistral, Cohere, Together, AWS's secret keys).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

# (kind, a literal that every match holds, the shape). The literal makes the common case, no secret, one substring search.
# Inside a longer word, such as a sealed box, nothing begins; after an `=` something does, and after a `/` or a `_` what no box
# can hold: a `-` or a `_` of its own.
_EDGE = rb"(?<![A-Za-z0-9_+/-])"
_MARKED_EDGE = rb"(?<![A-Za-z0-9])"
_PEM = "a private key"
_SHAPES: tuple[tuple[str, bytes, re.Pattern[bytes]], ...] = tuple(
    (kind, literal, re.compile((_MARKED_EDGE if literal[-1:] in (b"-", b"_") else _EDGE) + shape))
    for kind, literal, shape in (
        ("a Waybill token", b"sk-lr-", rb"sk-lr-[A-Za-z0-9_-]{32,}"),
        ("a Waybill API key", b"wb-", rb"wb-[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"),
        ("an Anthropic key", b"sk-ant-", rb"sk-ant-[A-Za-z0-9_-]{24,}"),
        ("an API key", b"sk-", rb"sk-(?:[A-Za-z0-9]{32,}|(?:proj|svcacct|admin|None|or-v1)-[A-Za-z0-9_-]{32,})"),
        ("a Google API key", b"AIza", rb"AIza[A-Za-z0-9_-]{35}"),
        ("a Google API key", b"AQ.A", rb"AQ\.A[A-Za-z0-9_-]{40,}"),
        ("a Groq key", b"gsk_", rb"gsk_[A-Za-z0-9]{40,}"),
        ("an xAI key", b"xai-", rb"xai-[A-Za-z0-9]{40,}"),
        ("a Together key", b"tgp_v1_", rb"tgp_v1_[A-Za-z0-9_-]{40,}"),
        ("a Cerebras key", b"csk-", rb"csk-[a-z0-9]{40,}"),
        ("a Perplexity key", b"pplx-", rb"pplx-[A-Za-z0-9]{40,}"),
        ("an NVIDIA key", b"nvapi-", rb"nvapi-[A-Za-z0-9_-]{60,}"),
        ("a Hugging Face token", b"hf_", rb"hf_[A-Za-z0-9]{30,}"),
        # What Azure puts into its newer keys, so that they can be found.
        ("an Azure key", b"JQQJ9", rb"[A-Za-z0-9]{52}JQQJ9[9DH][A-Za-z0-9]{26,}"),
        ("an AWS access key", b"AKIA", rb"AKIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("an AWS access key", b"ASIA", rb"ASIA[A-Z0-9]{16}(?![A-Za-z0-9])"),
        ("an AWS Bedrock key", b"ABSK", rb"ABSK[A-Za-z0-9+/]{80,}"),
        ("a GitLab token", b"glpat-", rb"glpat-[A-Za-z0-9_-]{20,}"),
        ("a Slack token", b"xox", rb"xox[abeoprs]-[A-Za-z0-9-]{24,}"),
        ("a Stripe key", b"k_live_", rb"[rs]k_live_[A-Za-z0-9]{20,}"),
        ("a GitHub token", b"gh", rb"gh[pousr]_[A-Za-z0-9]{36}"),
        ("a GitHub token", b"github_pat_", rb"github_pat_[A-Za-z0-9_]{40,}"),
        (_PEM, b"PRIVATE KEY", rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----"),
    )
)
# A name that says "secret", at the end of a longer one or not, and after it a value of one piece, in quotes or not, at least as
# long as the shortest keys without a mark (Azure's and Mistral's 32); on the next line too, as YAML's blocks and lists have it.
# What is matched is kept (`*+`): a text made for it must not make this look at the same blanks again and again.
# A public key is none, and an idempotency key stands in every message that has one.
_CALLED = re.compile(
    rb"(?i)(?<!public)(?<!public[ _-])(?<!idempotency-)(?:key|secret|token|password|passwd|bearer|\bfile|\benv)"
    rb"[\"'`]?(?:[ \t]*+[:=][ \t]*+(?:(?:[>|][-+1-9]*+)?[ \t]*+(?:#[^\n]{0,200}+)?\r?\n[ \t]*+(?:-[ \t]++)?)?|[ \t]++)"
    rb"(?:bearer[ \t]++)?[\"'`]?(?P<value>[A-Za-z0-9+/_=-]{32,})"
)
_CALLED_LITERALS = (b"key", b"secret", b"token", b"passw", b"bearer", b"file", b"env")
_CAPITAL, _CAPITALS = re.compile(rb"[A-Z]"), re.compile(rb"[A-Z](?=[A-Z])")
SHORTEST = 20  # characters of the shortest value that is found: AWS's
# Placeholders such as sk-xxxxxxxx repeat themselves; random text of these lengths does not.
# Of an AWS id's 20 characters, 8 different ones are enough.
_LEAST_DISTINCT = 10


class Leak(msgspec.Struct, frozen=True):
    """Where a secret seems to stand (1-based line) and what kind of secret it looks like."""

    line: int
    kind: str


def leaks(data: bytes) -> Iterator[Leak]:
    """Every place in one file that looks like a live secret, in order of kind; a line is named once."""
    seen: set[int] = set()
    text = data.replace(b"\0", b"")  # UTF-16, whose every other byte is one
    for start, _, kind in _found(text):
        line = text.count(b"\n", 0, start) + 1
        if line not in seen:
            seen.add(line)
            yield Leak(line, kind)


def masked(text: str) -> str:
    """The text with what looks like a secret taken out, for what is kept or answered and anybody may have written."""
    if len(text) < SHORTEST:
        return text
    data = text.encode(errors="surrogatepass")
    spans = sorted(_found(data))
    if not spans:
        return text
    parts, at = [], 0
    for start, end, kind in spans:
        if start >= at:
            parts += [data[at:start], f"[{kind}, taken out]".encode()]
        at = len(data) if kind == _PEM else max(at, end)  # only where it begins is found
    return b"".join([*parts, data[at:]]).decode(errors="surrogatepass")


def _found(data: bytes) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of what looks like a secret."""
    for kind, literal, shape in _SHAPES:
        if literal not in data:
            continue
        for found in shape.finditer(data):
            if len(set(found[0])) >= min(_LEAST_DISTINCT, 2 * len(found[0]) // 5):
                yield *found.span(), kind
    lowered = data.lower()
    if any(literal in lowered for literal in _CALLED_LITERALS):
        for found in _CALLED.finditer(data):
            if _is_random(found["value"]):
                yield *found.span("value"), "a key"


def _is_random(value: bytes) -> bool:
    """Whether it can be no name or path: letters and digits mixed in one long piece. `WAYBILL_SECRET_EU_2` is a name."""
    return len(set(value)) >= _LEAST_DISTINCT and any(_is_mixed(piece) for piece in re.split(rb"[_-]", value))


def _is_mixed(piece: bytes) -> bool:
    digits = sum(c in b"0123456789" for c in piece)
    cases = piece.lower() != piece and piece.upper() != piece
    if len(piece) >= 16 and 2 <= digits < len(piece) and (cases or b"/" not in piece):
        return True
    # One random key in forty has fewer digits than that. Capitals one after the other, and many: no words written together.
    capitals = len(_CAPITAL.findall(piece))
    return len(piece) >= 24 and len(piece) <= 5 * capitals <= 4 * len(piece) and len(_CAPITALS.findall(piece)) >= 2
