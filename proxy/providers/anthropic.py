"""Requests to providers that speak Anthropic's messages: `anthropic`, and the embedded `simulated` one. No I/O.

The client's body goes through with `model` replaced. Of its headers `anthropic-version` and `anthropic-beta` go on; betas of
the provider's file are added to the client's, its version holds where the client names none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw

from core.config import Model, Provider
from proxy.dialects.anthropic import MessagesRequest
from proxy.providers.answers import UnaryAnswer, UpstreamFailure
from proxy.providers.anthropic_answers import read_answer, read_failure
from proxy.providers.anthropic_stream import MessageRelay
from proxy.providers.modelled import ModelAtProvider
from proxy.upstream import UpstreamRequest

DEFAULT_VERSION = b"2023-06-01"

_MESSAGES_PATH = "/v1/messages"
_VERSION = b"anthropic-version"
_BETA = b"anthropic-beta"
_encode = msgspec.json.encode


class MessagesEndpoint(ModelAtProvider):
    """One model at an Anthropic provider."""

    wire = "anthropic"

    def __init__(self, model_id: str, model: Model, provider_id: str, provider: Provider, key: str | None) -> None:
        super().__init__(model_id, model, provider_id, provider, key, path=_MESSAGES_PATH)
        self._beta_target = self._target + b"?beta=true"
        headers = self.fixed_headers(provider, {} if self._key is None else {b"x-api-key": self._key})
        own = dict(headers)
        self._version = own.get(_VERSION, DEFAULT_VERSION)
        self._beta = own.get(_BETA, b"")
        common = [header for header in headers if header[0] not in (_VERSION, _BETA)]
        self._unary_headers = [(b"accept", b"application/json"), *common]
        self._stream_headers = [(b"accept", b"text/event-stream"), *common]

    def build(
        self, request: MessagesRequest, client_headers: Mapping[bytes, bytes], output_cap: int | None = None
    ) -> UpstreamRequest:
        """The upstream request. `output_cap` is sent where the client gave no cap of its own."""
        members = dict(request.members)
        members["model"] = self._upstream_model
        if output_cap is not None:
            members["max_tokens"] = Raw(b"%d" % output_cap)
        headers = [
            *(self._stream_headers if request.stream else self._unary_headers),
            (_VERSION, client_headers.get(_VERSION) or self._version),
        ]
        betas = b",".join(beta for beta in (self._beta, client_headers.get(_BETA)) if beta)
        if betas:
            headers.append((_BETA, betas))
        target = self._beta_target if request.beta else self._target
        return UpstreamRequest(origin=self.origin, method=b"POST", target=target, headers=headers, body=_encode(members))

    def relay(self, request: MessagesRequest, request_id: str = "") -> MessageRelay:
        """What turns this endpoint's stream into the client's."""
        return MessageRelay(self._model, request_id)

    def read_answer(self, body: bytes) -> UnaryAnswer:
        """A 200's whole body for the client. Raises WrongAnswer."""
        return read_answer(body, self._model)

    def read_failure(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> UpstreamFailure:
        """Any other answer; see `outcomes.outcome` for what follows from its status."""
        return read_failure(status, headers, self.without_key(body), now_ms)
