"""The OpenAI embeddings dialect on the client's side: reads request bodies. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Raw

from core import facts
from core.facts import BodyError, Facts
from proxy.dialects.bodies import invalid, members_of, refuse_lookalikes
from proxy.refusals import InvalidRequest

NAME: Literal["openai_embeddings"] = "openai_embeddings"

GOVERNED = frozenset({"model", "input"})
_KNOWN = GOVERNED | {"dimensions", "encoding_format", "user"}


class EmbeddingsRequest(msgspec.Struct, frozen=True, gc=False):
    """A checked request: its typed part, and all its top-level members as the bytes that the client sent."""

    typed: facts.EmbeddingsRequest
    members: Mapping[str, Raw]
    stream: bool = False

    def facts(self) -> Facts:
        """What policies and limits read of it."""
        return facts.embeddings_facts(self.typed)


def parse(body: bytes, query: bytes = b"") -> EmbeddingsRequest:
    """Check a `/v1/embeddings` body. Raises InvalidRequest naming the field."""
    try:
        typed = facts.decode_embeddings(body)
    except BodyError as error:
        raise invalid(error) from None
    members = members_of(body)
    if not typed.input:
        raise InvalidRequest("`input` is empty: there is nothing to embed.", param="input")
    if not members.keys() <= _KNOWN:
        refuse_lookalikes(members, GOVERNED)
    return EmbeddingsRequest(typed, members)
