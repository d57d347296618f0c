"""A commit's words: who, why, and the trailers that tie it to a request. Pure.

What a person writes never reaches the trailers: they are the last paragraph, and each value is kept to one line. They count
only where Waybill is the committer, which no push may say (`pushes.py`): who rewrites a commit of ours becomes its committer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote

import msgspec

if TYPE_CHECKING:
    import pygit2

ACTOR = "Waybill-Actor"
REQUEST = "Waybill-Request"
IDEMPOTENCY_KEY = "Waybill-Idempotency-Key"
WISH = "Waybill-Wish"  # a digest of what was asked for: a retry is told from another wish with the same key

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_TRAILER = re.compile(r"^([A-Za-z][A-Za-z0-9-]*): (.*)$")


class Author(msgspec.Struct, frozen=True):
    """The person whose change it is."""

    name: str
    email: str


WAYBILL = Author("Waybill", "waybill@localhost")


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """What a commit did. Nothing to change gives the head itself, `changed` empty; `replayed` is an earlier twin's commit."""

    revision: str
    changed: tuple[str, ...] = ()
    replayed: bool = False


def message(reason: str, trailers: Mapping[str, str]) -> str:
    """The reason as the commit's text, then the trailers in order; empty ones are left out."""
    text = _CONTROL.sub("", reason.replace("\r\n", "\n")).strip() or "Change the configuration"
    values = {key: key_line(value) if key == IDEMPOTENCY_KEY else _one_line(value) for key, value in trailers.items()}
    lines = [f"{key}: {value}" for key, value in values.items() if value]
    return "\n\n".join([text, "\n".join(lines)] if lines else [text]) + "\n"


def trailers(text: str) -> dict[str, str]:
    """The trailers of a commit's message; empty when its last paragraph is anything else."""
    paragraphs = text.rstrip().split("\n\n")
    found = [_TRAILER.match(line) for line in paragraphs[-1].splitlines()]
    return {match[1]: match[2] for match in found if match} if len(paragraphs) > 1 and all(found) else {}


def reason(text: str) -> str:
    """A commit's message without its trailers."""
    return (text.rstrip().rpartition("\n\n")[0] if trailers(text) else text).strip()


def is_ours(commit: pygit2.Commit) -> bool:
    """Whether Waybill committed it: by the very bytes of the committer's name and address."""
    committer = commit.committer
    return bool(committer.raw_name == WAYBILL.name.encode() and committer.raw_email == WAYBILL.email.encode())


def identity(author: Author) -> Author:
    """The author without what a commit's header cannot hold."""
    name, email = (re.sub(r"[<>\x00-\x1f\x7f]", "", part).strip() for part in (author.name, author.email))
    return Author(name or email or "unknown", email or "unknown")


def key_line(key: str) -> str:
    """How an idempotency key is written: as it is where that reads back the same, else percent-encoded; no two keys alike."""
    plain = key.isprintable() and key == _one_line(key) and "%" not in key
    return key if plain else quote(key, safe="", errors="surrogatepass")


def _one_line(value: str) -> str:
    return " ".join(_CONTROL.sub(" ", value).split())
