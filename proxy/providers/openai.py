"""Requests to OpenAI-compatible chat providers: `openai`, `openai-compatible`, and the embedded `simulated` one. No I/O.

The client's body goes through with `model` replaced and, on streams, the usage chunk asked for.

Of the client's headers only `FORWARDED_HEADERS` go on. Not `authorization`, which is Waybill's own; not `openai-organization`
and `openai-project`, which choose the account that pays; not `idempotency-key`, which names one body: each attempt has another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Raw

from core.config import Model, Provider
from core.providers import ProviderKind
from proxy.dialects.openai_chat import ChatRequest
from proxy.providers.answers import UnaryAnswer, UpstreamFailure
from proxy.providers.modelled import ModelAtProvider, bearer
from proxy.providers.openai_answers import read_answer, read_failure
from proxy.providers.openai_stream import StreamRelay
from proxy.upstream import UpstreamRequest

FORWARDED_HEADERS = (b"openai-beta", b"x-client-request-id")

_CHAT_PATH = "/chat/completions"
_WITH_USAGE = Raw(b'{"include_usage":true}')
_members = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.encode


class Endpoint(ModelAtProvider):
    """One chat model at an OpenAI-compatible provider."""

    wire = "openai_chat"

    def __init__(self, model_id: str, model: Model, provider_id: str, provider: Provider, key: str | None) -> None:
        super().__init__(model_id, model, provider_id, provider, key, path=_CHAT_PATH)
        self._cap_member = cap_member(provider.kind)
        common = self.fixed_headers(provider, bearer(key))
        self._unary_headers = [(b"accept", b"application/json"), *common]
        self._stream_headers = [(b"accept", b"text/event-stream"), *common]

    def build(
        self, request: ChatRequest, client_headers: Mapping[bytes, bytes], output_cap: int | None = None
    ) -> UpstreamRequest:
        """The upstream request. `output_cap` is sent where the client gave no cap of its own."""
        members = dict(request.members)
        members["model"] = self._upstream_model
        if request.stream and not request.wants_usage:
            members["stream_options"] = _asking_usage(members.get("stream_options"))
        if output_cap is not None:
            members[self._cap_member] = Raw(b"%d" % output_cap)
        headers = forwarded(self._stream_headers if request.stream else self._unary_headers, client_headers)
        return UpstreamRequest(origin=self.origin, method=b"POST", target=self._target, headers=headers, body=_encode(members))

    def relay(self, request: ChatRequest, request_id: str = "") -> StreamRelay:
        """What turns this endpoint's stream into the client's."""
        return StreamRelay(self._model, wants_usage=request.wants_usage, answers=request.answers)

    def read_answer(self, body: bytes) -> UnaryAnswer:
        """A 200's whole body for the client. Raises WrongAnswer."""
        return read_answer(body, self._model)

    def read_failure(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> UpstreamFailure:
        """Any other answer; see `outcomes.outcome` for what follows from its status."""
        return read_failure(status, headers, self.without_key(body), now_ms)


def cap_member(kind: ProviderKind) -> str:
    """What a chat request's cap is called: OpenAI's newer models refuse `max_tokens`, other providers know only that."""
    return "max_completion_tokens" if kind == "openai" else "max_tokens"


def forwarded(headers: list[tuple[bytes, bytes]], client_headers: Mapping[bytes, bytes]) -> list[tuple[bytes, bytes]]:
    """The headers with those of the client's that go on."""
    for name in FORWARDED_HEADERS:
        if name in client_headers:
            headers = [*headers, (name, client_headers[name])]
    return headers


def _asking_usage(options: Raw | None) -> Raw:
    """`stream_options` that ask for usage, the client's other options kept."""
    if options is None or bytes(options) == b"null":
        return _WITH_USAGE
    members = _members.decode(options)
    members["include_usage"] = Raw(b"true")
    return Raw(_encode(members))
