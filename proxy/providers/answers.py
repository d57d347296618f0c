"""Whole answers of providers, whichever wire they came on: those to forward, and those to fall back from. No I/O."""

from __future__ import annotations

import msgspec

from core.facts import Dialect
from core.money import Usage
from proxy.refusals import UpstreamRefused

# What an estimate counts a token as, where a provider did not say.
CHARS_PER_TOKEN = 4
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_MESSAGE_CHARS = 500


class WrongAnswer(Exception):
    """A 200 whose body is no answer of its dialect: the next candidate is tried."""


def estimated(input_tokens: int, events: int, chars: int) -> Usage:
    """What an answer used when nobody said: a token for each content event, or for every four characters, whichever is more."""
    return Usage(input_tokens=input_tokens, output_tokens=max(events, -(-chars // CHARS_PER_TOKEN)), estimated=True)


class UnaryAnswer(msgspec.Struct, frozen=True, gc=False):
    """An answer, with the Waybill model id in `model`, everything else as the provider sent it."""

    body: bytes
    usage: Usage | None
    finish_reason: str | None
    content_chars: int = 0  # known only where the usage is not
    least_output: int = 1  # tokens that an estimate has at least; an embedding has no output

    def usage_or_estimate(self, input_tokens_estimate: int) -> Usage:
        """What the provider said, else an estimate from what it sent."""
        return self.usage or estimated(input_tokens_estimate, self.least_output, self.content_chars)


class UpstreamFailure(msgspec.Struct, frozen=True):
    """An answer that is not 200: what the trace says of it, and what fallback needs. `verbatim`: a body fit for a client."""

    status: int
    message: str
    type: str
    code: str | None = None
    param: str | None = None
    retry_after_s: int | None = None
    verbatim: bytes | None = None
    dialect: Dialect = "openai_chat"  # of the body

    def refusal(self) -> UpstreamRefused:
        """The client's answer where the provider found fault with the request itself."""
        return UpstreamRefused(
            self.status,
            self.message,
            type=self.type,
            code=self.code,
            param=self.param,
            verbatim=self.verbatim,
            dialect=self.dialect,
        )


def refused_credential(status: int) -> UpstreamFailure:
    """Of a refused credential nothing is kept but the status: providers quote parts of the key that they refuse."""
    return UpstreamFailure(status, f"The provider refused its credential ({status}).", "authentication_error")


def trace_message(failure: UpstreamFailure) -> str:
    """The failure's message in a length fit for a log row."""
    return failure.message if len(failure.message) <= _MESSAGE_CHARS else failure.message[: _MESSAGE_CHARS - 1] + "…"
