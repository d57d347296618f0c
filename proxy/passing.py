"""Which of a provider's headers reach the client. The SDKs read some; the account's names and cookies stay here."""

from __future__ import annotations

from collections.abc import Iterable

_RELAYED = frozenset({b"content-type", b"x-request-id", b"request-id", b"openai-processing-ms", b"openai-version"})
_RELAYED_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-")


def relayed_headers(upstream: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers to pass on, in their order, in a new list."""
    return [header for header in upstream if header[0] in _RELAYED or header[0].startswith(_RELAYED_PREFIXES)]
