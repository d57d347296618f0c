"""Requests for embeddings to OpenAI-compatible providers, and their answers. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Raw

from core.config import Model, Provider
from core.money import Usage
from proxy.dialects.openai_embeddings import EmbeddingsRequest
from proxy.providers.answers import UNREADABLE, UnaryAnswer, UpstreamFailure, WrongAnswer
from proxy.providers.members import with_model
from proxy.providers.modelled import ModelAtProvider, bearer
from proxy.providers.openai import forwarded
from proxy.providers.openai_answers import read_failure
from proxy.providers.openai_stream import StreamRelay
from proxy.providers.openai_usage import usage_from
from proxy.upstream import UpstreamRequest

_PATH = "/embeddings"
_encode = msgspec.json.encode


class _Embeddings(msgspec.Struct, gc=False):
    data: Annotated[list[Raw], Meta(min_length=1)]
    usage: Any = None
    error: Any = None


_embeddings = msgspec.json.Decoder(_Embeddings)


class EmbeddingsEndpoint(ModelAtProvider):
    """One embedding model at an OpenAI-compatible provider."""

    wire = "openai_embeddings"

    def __init__(self, model_id: str, model: Model, provider_id: str, provider: Provider, key: str | None) -> None:
        super().__init__(model_id, model, provider_id, provider, key, path=_PATH)
        self._headers = [(b"accept", b"application/json"), *self.fixed_headers(provider, bearer(key))]

    def build(
        self, request: EmbeddingsRequest, client_headers: Mapping[bytes, bytes], output_cap: int | None = None
    ) -> UpstreamRequest:
        """The upstream request; there is no output to cap."""
        body = _encode({**request.members, "model": self._upstream_model})
        headers = forwarded(self._headers, client_headers)
        return UpstreamRequest(origin=self.origin, method=b"POST", target=self._target, headers=headers, body=body)

    def relay(self, request: EmbeddingsRequest, request_id: str = "") -> StreamRelay:
        """Embeddings are never streamed."""
        raise NotImplementedError

    def read_answer(self, body: bytes) -> UnaryAnswer:
        """A 200's whole body for the client. Raises WrongAnswer."""
        return read_embeddings(body, self._model)

    def read_failure(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> UpstreamFailure:
        """Any other answer; see `outcomes.outcome` for what follows from its status."""
        return read_failure(status, headers, self.without_key(body), now_ms)


def read_embeddings(body: bytes, model: Raw) -> UnaryAnswer:
    """Check and rewrite the body of a 200. Raises WrongAnswer."""
    try:
        answer = _embeddings.decode(body)
        rewritten = with_model(body, model)
    except UNREADABLE as error:
        raise WrongAnswer(f"the provider's answer has no embeddings: {error}") from None
    if answer.error:
        raise WrongAnswer("the provider answered 200 with an error")
    usage = usage_from(answer.usage)
    if usage is not None and usage.output_tokens:  # vectors are no output, whatever a server says of them
        usage = Usage(input_tokens=usage.input_tokens)
    return UnaryAnswer(rewritten, usage, None, least_output=0)
