"""Who asks: a request's path and token to the token's entry. Lookup by SHA-256, so its time says nothing about the value."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from core.snapshot import Snapshot, TokenEntry
from proxy.refusals import InvalidToken

_PROJECTS = "/projects/"


def split_path(path: str) -> tuple[str, str | None]:
    """`/projects/{slug}/v1/x` is `/v1/x` of that project; any other path names no project."""
    if not path.startswith(_PROJECTS):
        return path, None
    slug, slash, rest = path[len(_PROJECTS) :].partition("/")
    return ("/" + rest, slug) if slash else (path, None)


def identify(snapshot: Snapshot, headers: Mapping[bytes, bytes], slug: str | None, now_ms: int) -> TokenEntry:
    """The token's entry. Raises InvalidToken; what it says never tells a token of another project from an unknown one."""
    value = presented_token(headers)
    if not value:
        raise InvalidToken("There is no token: send it as `Authorization: Bearer sk-lr-…` or as `x-api-key`.")
    entry = snapshot.token(sha256(value).digest())
    if entry is None or (slug is not None and entry.project != slug):
        where = "" if slug is None else f" in the project {slug}"
        raise InvalidToken(f"This token is not known{where}: it may be mistyped, revoked, replaced or another project's.")
    if entry.valid_until_ms is not None and now_ms >= entry.valid_until_ms:
        raise InvalidToken("This token has expired: ask for a new one.")
    return entry


def presented_token(headers: Mapping[bytes, bytes]) -> bytes:
    """The bearer token, else `x-api-key`; empty where there is neither."""
    authorization = headers.get(b"authorization", b"")
    if authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip()
    return headers.get(b"x-api-key", b"").strip()
