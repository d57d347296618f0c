"""Requests to OpenAI-compatible chat providers: `openai`, `openai-compatible`, and the embedded `simulated` one. No I/O.

An `Endpoint` is one model at its provider. All that does not change from request to request is worked out when it is built,
once in a revision. The client's body goes through with `model` replaced and, on streams, the usage chunk asked for.

Of the client's headers only `FORWARDED_HEADERS` go on. Not `authorization`, which is Waybill's own; not `openai-organization`
and `openai-project`, which choose the account that pays; not `idempotency-key`, which names one body: each attempt has another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Raw

from core.config import Model, Provider
from proxy.dialects.openai_chat import ChatRequest
from proxy.providers.openai_answers import UnaryAnswer, UpstreamFailure, read_answer, read_failure
from proxy.providers.openai_stream import StreamRelay
from proxy.upstream import Origin, UpstreamRequest

FORWARDED_HEADERS = (b"openai-beta", b"x-client-request-id")

_CHAT_PATH = "/chat/completions"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_WITH_USAGE = Raw(b'{"include_usage":true}')
_members = msgspec.json.Decoder(dict[str, Raw])
_encode = msgspec.json.encode


class Endpoint:
    """One model at an OpenAI-compatible provider."""

    wire = "openai_chat"

    def __init__(self, model_id: str, model: Model, provider_id: str, provider: Provider, key: str | None) -> None:
        self.model_id = model_id
        self.provider_id = provider_id
        self.origin, self._target = _address(provider.address)
        self._model = Raw(_encode(model_id))
        self._upstream_model = Raw(_encode(model.upstream_name))
        # OpenAI's newer models refuse `max_tokens`; the others know only that.
        self._cap_member = "max_completion_tokens" if provider.kind == "openai" else "max_tokens"
        self._key = key.encode("ascii", "replace") if key else None
        common = list(_headers(provider.headers, key))
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
        headers = self._stream_headers if request.stream else self._unary_headers
        for name in FORWARDED_HEADERS:
            if name in client_headers:
                headers = [*headers, (name, client_headers[name])]
        return UpstreamRequest(origin=self.origin, method=b"POST", target=self._target, headers=headers, body=_encode(members))

    def relay(self, request: ChatRequest) -> StreamRelay:
        """What turns this endpoint's stream into the client's."""
        return StreamRelay(self._model, wants_usage=request.wants_usage, answers=request.answers)

    def read_answer(self, body: bytes) -> UnaryAnswer:
        """A 200's whole body for the client. Raises WrongAnswer."""
        return read_answer(body, self._model)

    def read_failure(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> UpstreamFailure:
        """Any other answer; see `outcomes.outcome` for what follows from its status."""
        return read_failure(status, headers, self.without_key(body), now_ms)

    def without_key(self, said: bytes) -> bytes:
        """What the provider said of a failure: some quote the key that they were called with, and nobody else is to see it."""
        return said if self._key is None else said.replace(self._key, b"[key]")


def _asking_usage(options: Raw | None) -> Raw:
    """`stream_options` that ask for usage, the client's other options kept."""
    if options is None or bytes(options) == b"null":
        return _WITH_USAGE
    members = _members.decode(options)
    members["include_usage"] = Raw(b"true")
    return Raw(_encode(members))


def _address(base_url: str) -> tuple[Origin, bytes]:
    """The origin to connect to and the request target; `base_url` ends where the SDKs' does, at `/v1` for OpenAI."""
    parts = urlsplit(base_url)
    scheme = parts.scheme.lower()
    origin = Origin(scheme=scheme, host=(parts.hostname or "").lower(), port=parts.port or _DEFAULT_PORTS.get(scheme, 0))
    path = quote(parts.path.rstrip("/") + _CHAT_PATH, safe="/%:@!$&'()*+,;=~-._")
    return origin, path.encode("ascii")


def _headers(extra: Mapping[str, str], key: str | None) -> Iterable[tuple[bytes, bytes]]:
    """Content type, credential, and the provider file's own headers (`core.config` keeps reserved ones out of it)."""
    yield b"content-type", b"application/json"
    if key is not None:
        if not key.isascii() or not key.isprintable():
            raise ValueError("the provider's key holds characters that no header can carry")
        yield b"authorization", b"Bearer " + key.encode("ascii")
    for name, value in extra.items():
        yield name.lower().encode("ascii"), value.encode("ascii")
