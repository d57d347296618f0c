"""What the pipeline asks of every wire: requests out, bytes in, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from core.money import Usage
from proxy.providers.answers import UnaryAnswer, UpstreamFailure
from proxy.providers.faults import StreamFault
from proxy.upstream import Origin, UpstreamRequest


class Relay(Protocol):
    """One upstream stream on its way to the client. Feed it every read, then `finish()`; look at the attributes after each.

    `committed`: content has been seen, no fallback any more. `ended`: the proper end; journal, then send `tail`. `error`: it
    failed; `tail` holds the client's error event if it was committed.
    """

    committed: bool
    ended: bool
    error: StreamFault | None
    tail: bytes
    usage: Usage | None
    finish_reason: str | None
    content_events: int
    content_chars: int

    @property
    def closing(self) -> bool:
        """Whether the answer is whole: only its end may still come."""

    def feed(self, data: bytes) -> bytes:
        """What to forward now; b"" while nothing is committed, or no event is whole."""

    def finish(self) -> bytes:
        """Say that the upstream has ended: what to forward still. Afterwards either `ended` or `error` is set."""

    def usage_or_estimate(self, input_tokens_estimate: int) -> Usage:
        """What the provider said, else an estimate from what it sent."""


class Endpoint(Protocol):
    """One model at its provider, in one dialect. `request` is what that dialect's `parse` gave."""

    wire: str
    model_id: str
    provider_id: str
    origin: Origin

    def build(self, request: Any, client_headers: Mapping[bytes, bytes], output_cap: int | None = None) -> UpstreamRequest:
        """The upstream request. `output_cap` is sent where the client gave no cap of its own."""

    def relay(self, request: Any, request_id: str = "") -> Relay:
        """What turns this endpoint's stream into the client's; the id is for errors that end it."""

    def read_answer(self, body: bytes) -> UnaryAnswer:
        """A 200's whole body for the client. Raises WrongAnswer."""

    def read_failure(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes, now_ms: int) -> UpstreamFailure:
        """Any other answer; see `outcomes.outcome` for what follows from its status."""

    def without_key(self, said: bytes) -> bytes:
        """What the provider said of a failure, its key taken out."""
