"""One attempt: the call to one candidate's upstream, and its answer on the way to the client.

    AttemptFailed    the client has seen nothing of it: the next candidate may be tried
    StreamBroken     the client has seen part of it: all that is left is to say so, in the stream

A provider that finds fault with the request itself raises `UpstreamRefused`: that goes to the client, without fallback.
"""

from __future__ import annotations

import asyncio
from typing import Literal

from core.events import AttemptFinished, Status
from core.money import PriceTable, Usage, cost_nano_usd
from core.plans import ResolvedTimeouts
from core.routing.candidates import Candidate
from proxy.call import Call, brief
from proxy.passing import relayed_headers
from proxy.providers import Endpoint, Relay
from proxy.providers.answers import UnaryAnswer, WrongAnswer, trace_message
from proxy.providers.outcomes import outcome
from proxy.running import AnyExchange, Way
from proxy.upstream import AnswerTooLarge, Sink, UpstreamError, UpstreamRequest, UpstreamTimeout

MAX_ANSWER_BYTES = 32 * 1024 * 1024
MAX_ERROR_BYTES = 1024 * 1024
# A stream whose every answer has finished is given this long for its usage chunk and its [DONE].
CLOSING_S = 5.0


class AttemptFailed(Exception):
    """This candidate brought no answer, and the client has seen nothing of it."""

    def __init__(
        self,
        reason: str,
        *,
        status: Literal["error", "timeout"] = "error",
        http_status: int | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status: Literal["error", "timeout"] = status
        self.http_status = http_status
        self.retry_after_s = retry_after_s


class StreamBroken(Exception):
    """The stream failed after its commit."""

    def __init__(self, reason: str, *, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.timed_out = timed_out


class Deadlines:
    """The instants (loop clock, seconds) that bound one attempt."""

    __slots__ = ("attempt_by", "connect_s", "idle_s", "request_by")

    def __init__(self, timeouts: ResolvedTimeouts, arrived: float, now: float, stream: bool) -> None:
        self.request_by = arrived + timeouts.timeout_ms / 1_000
        allowed_ms = timeouts.attempt_timeout_streamed_ms if stream else timeouts.attempt_timeout_ms
        self.attempt_by = min(now + allowed_ms / 1_000, self.request_by)
        self.connect_s = timeouts.connect_timeout_ms / 1_000
        self.idle_s = timeouts.idle_timeout_ms / 1_000

    def uncommitted_by(self, now: float) -> float:
        """Until when the next bytes may take while the client has seen nothing."""
        return min(self.attempt_by, now + self.idle_s)


class Attempt:
    """One upstream call in progress and what is known of it. `close()` leaves nothing running, whatever happened."""

    __slots__ = (
        "call",
        "candidate",
        "deadlines",
        "endpoint",
        "exchange",
        "first_byte_ms",
        "first_content_ms",
        "handle",
        "http_status",
        "loop",
        "provider",
        "relay",
        "started_ms",
        "usage",
    )

    def __init__(self, call: Call, candidate: Candidate, timeouts: ResolvedTimeouts, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        self.call = call
        self.candidate = candidate
        self.provider = candidate.provider
        self.loop = loop
        self.deadlines = Deadlines(timeouts, call.started, now, call.stream)
        self.started_ms = call.elapsed_ms()
        self.exchange: AnyExchange | None = None
        self.endpoint: Endpoint | None = None
        self.relay: Relay | None = None
        self.http_status: int | None = None
        self.first_byte_ms: float | None = None
        self.first_content_ms: float | None = None
        self.usage: Usage | None = None
        self.handle: int | None = None  # that of the statistics, while the attempt is in flight

    @property
    def committed(self) -> tuple[AnyExchange, Relay]:
        """The two ends of a stream that has begun."""
        assert self.exchange is not None
        assert self.relay is not None
        return self.exchange, self.relay

    async def open(self, way: Way, request: UpstreamRequest) -> AnyExchange:
        """Send the request and wait for the head of a 200. Raises AttemptFailed or UpstreamRefused."""
        deadlines = self.deadlines
        try:
            # Nothing has come yet, so the time between bytes does not count: a whole answer may take its time to begin.
            exchange = await way.open(request, connect_timeout_s=deadlines.connect_s, by=deadlines.attempt_by)
        except UpstreamError as error:
            raise _failed(error) from None
        self.exchange = exchange
        self.endpoint = way.endpoint
        self.http_status = exchange.status
        self.first_byte_ms = self.call.elapsed_ms()
        if exchange.status != 200:
            await self._refused(exchange, way.endpoint)
        return exchange

    async def whole_answer(self, exchange: AnyExchange, endpoint: Endpoint) -> UnaryAnswer:
        """The answer of a call that is not streamed. Raises AttemptFailed."""
        body = await self._body(exchange, MAX_ANSWER_BYTES)
        try:
            answer = endpoint.read_answer(body)
        except WrongAnswer as error:
            raise AttemptFailed(str(error), http_status=200) from None
        self.first_content_ms = self.call.elapsed_ms()
        self.usage = answer.usage_or_estimate(self._input_estimate)
        return answer

    async def first_content(self, exchange: AnyExchange, relay: Relay) -> bytes:
        """The stream up to and including its first content. Raises AttemptFailed."""
        self.relay = relay
        while True:
            now = self.loop.time()
            if now >= self.deadlines.attempt_by:  # reading cannot tell while there is always something to be read
                raise AttemptFailed("no content in time", status="timeout", http_status=self.http_status)
            try:
                data = await exchange.read(self.deadlines.uncommitted_by(now))
            except UpstreamError as error:
                raise _failed(error, self.http_status) from None
            out = relay.feed(data) if data else relay.finish()
            if relay.error is not None and not relay.committed:
                raise AttemptFailed(relay.error.message, http_status=relay.error.status or self.http_status)
            if relay.committed:
                self.first_content_ms = self.call.elapsed_ms()
                return out

    async def forward(self, exchange: AnyExchange, relay: Relay, send: Sink) -> bytes:
        """Give a committed stream to `send` until that says False, or the end comes near; look at the relay then.

        Returns what was not sent: it is to leave with the end. Raises StreamBroken.
        """
        if relay.closing:
            return await self._closing_content(exchange, relay)
        last = b""
        going = True

        def take(data: bytes) -> bool:
            nonlocal last, going
            last = relay.feed(data)
            going = not (relay.closing or relay.ended or relay.error is not None)
            if going and last:
                out, last = last, b""
                going = send(out)
            return going

        try:
            await exchange.pour(take, self.deadlines.request_by, self.deadlines.idle_s)
        except UpstreamTimeout as error:
            error.__traceback__ = None
            raise StreamBroken(f"The provider sent nothing for too long ({error}).", timed_out=True) from None
        except UpstreamError as error:
            error.__traceback__ = None
            return _broken_off(relay, error)
        return last if not going else relay.finish()

    async def _closing_content(self, exchange: AnyExchange, relay: Relay) -> bytes:
        """What follows the last answer's end: usage and `[DONE]`, which are not waited for long."""
        try:
            data = await exchange.read(min(self.deadlines.request_by, self.loop.time() + CLOSING_S))
        except UpstreamTimeout as error:
            error.__traceback__ = None
            return relay.finish()
        except UpstreamError as error:
            error.__traceback__ = None
            return _broken_off(relay, error)
        return relay.feed(data) if data else relay.finish()

    def finished(
        self, status: Status, error: str = "", http_status: int | None = None, retry_after_s: int | None = None
    ) -> AttemptFinished:
        """The attempt as the trace keeps it; usage is an estimate where the stream was cut or the client left."""
        usage = self._used()
        if usage is None and status == "cancelled":
            usage = Usage(input_tokens=self._input_estimate, estimated=True)  # the provider has read the prompt all the same
        return AttemptFinished(
            model=self.candidate.id,
            provider=self.provider,
            status=status,
            started_ms=self.started_ms,
            first_byte_ms=self.first_byte_ms,
            first_content_ms=self.first_content_ms,
            ended_ms=self.call.elapsed_ms(),
            http_status=http_status or self.http_status,
            error=self.reported(error) if error else "",
            usage=usage,
            cost_nano_usd=_cost(self.candidate.prices, usage),
            retry_after_ms=None if retry_after_s is None else retry_after_s * 1_000,
        )

    def without_key(self, said: bytes) -> bytes:
        """A provider's words, its key taken out of them."""
        return said if self.endpoint is None else self.endpoint.without_key(said)

    def reported(self, error: str) -> str:
        """A failure in words fit for a log row."""
        return brief(self.without_key(error.encode(errors="replace")).decode())

    def relayed_headers(self) -> list[tuple[bytes, bytes]]:
        """What the client sees of the provider's headers, and which model they came from."""
        assert self.exchange is not None
        return [*relayed_headers(self.exchange.headers), (b"x-waybill-model", self.candidate.id.encode())]

    def close(self) -> None:
        """Stop the upstream call, unless it has ended, or only its last bytes are on the way."""
        if self.exchange is None:
            return
        if self.relay is not None and self.relay.ended:
            self.exchange.release()
        else:
            self.exchange.close()

    @property
    def _input_estimate(self) -> int:
        return 0 if self.call.facts is None else self.call.facts.input_tokens_estimate

    def _used(self) -> Usage | None:
        if self.usage is None and self.relay is not None and (self.relay.committed or self.relay.usage is not None):
            return self.relay.usage_or_estimate(self._input_estimate)
        return self.usage

    async def _refused(self, exchange: AnyExchange, endpoint: Endpoint) -> None:
        """Raise what an answer other than 200 means."""
        try:
            body = await self._body(exchange, MAX_ERROR_BYTES)
        except AttemptFailed:
            body = b""  # the status alone says enough
        failure = endpoint.read_failure(exchange.status, exchange.headers, body, self.call.at_ms)
        if outcome(exchange.status) == "client_error":
            raise failure.refusal()
        raise AttemptFailed(trace_message(failure), http_status=exchange.status, retry_after_s=failure.retry_after_s)

    async def _body(self, exchange: AnyExchange, max_bytes: int) -> bytes:
        parts: list[bytes] = []
        total = 0
        try:
            while data := await exchange.read(self.deadlines.uncommitted_by(self.loop.time())):
                parts.append(data)
                total += len(data)
                if total > max_bytes:
                    raise AnswerTooLarge(max_bytes)
                if exchange.ended:
                    break
        except UpstreamError as error:
            raise _failed(error, self.http_status) from None
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _broken_off(relay: Relay, error: UpstreamError) -> bytes:
    """The connection is gone: an end for a stream whose answers are whole; else raises StreamBroken."""
    out = relay.finish()
    if not relay.ended:
        raise StreamBroken(f"The provider's stream broke off: {error}.")
    return out


def _failed(error: UpstreamError, http_status: int | None = None) -> AttemptFailed:
    error.__traceback__ = None  # the exchange keeps it: with its trace, all that was read would wait for the collector
    if isinstance(error, UpstreamTimeout):
        return AttemptFailed(f"no answer in time ({error})", status="timeout", http_status=http_status)
    return AttemptFailed(str(error), http_status=http_status)


def _cost(prices: PriceTable | None, usage: Usage | None) -> int | None:
    if prices is None or usage is None:
        return None
    return cost_nano_usd(prices, usage)
