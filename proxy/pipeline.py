"""One request, from its head to its waybill: identify -> admit -> route -> attempt -> stream -> settle -> record.

Whatever happens on the way, a request of a known token leaves exactly one `RequestFinished` in the journal, before the last
byte of its answer is sent. The server cancels the task when the client leaves; that, too, is an end and is recorded.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from core.events import AttemptFinished
from core.limits import reasons
from core.plans import Able
from core.routing.decision import Decision
from core.routing.engine import Given
from proxy import refusals, verdicts
from proxy.attempts import Attempt, AttemptFailed, StreamBroken
from proxy.balances import Openings
from proxy.booking import Booking
from proxy.call import Call
from proxy.content import Content
from proxy.dialects import anthropic
from proxy.dialects.table import COUNT_TOKENS, MODELS, PORTS, Port, models, spoken
from proxy.identity import identify, split_path
from proxy.journal import JournalUnavailable
from proxy.judges import Judges
from proxy.refusals import Refusal
from proxy.running import Running, WayUnavailable
from proxy.server import SERVER_LEAVES, BodyTimeout, BodyTooLarge, ClientGone, ClientStalled, Request
from proxy.streaming import KEEP_ALIVE_S, forward
from proxy.tokenizing import Tokenizers

_log = logging.getLogger("waybill.proxy")
_JSON = (b"content-type", b"application/json")
_NOTHING_DROPPED: Mapping[str, str] = {}
_NO_BUDGETS: Mapping[str, float] = {}
_NOTHING_GIVEN: Mapping[int, Given] = {}
_NOT_COUNTED: Mapping[str, int | None] = {}
CLOCK_S = 0.001  # the loop's clock counts milliseconds: what ran out may have up to one left by it
CUT_OFF = 503
CLIENT_GONE = 499  # nginx's word for a client that left: in rows, never on the wire


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What one proxy process takes on at once."""

    body_bytes: int = 32 * 1024 * 1024
    requests: int = 10_000
    keep_alive_s: float = KEEP_ALIVE_S  # of silence, after which a committed stream gets a comment


class Pipeline:
    """Handles every request of one proxy process. `running` is the one reference that a reload replaces."""

    def __init__(self, booking: Booking, openings: Openings, tokenizers: Tokenizers, bounds: Bounds) -> None:
        self.running: Running | None = None
        self._booking = booking
        self._openings = openings
        self._judges = Judges(booking)
        self._tokenizers = tokenizers
        self._metrics = booking.metrics
        self._progress = booking.progress
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()

    async def __call__(self, request: Request) -> None:
        """Answer one request."""
        call = Call(request.path, request.arrived)
        self._metrics.active += 1
        try:
            await self._serve(request, call)
        except Refusal as refusal:
            self._refuse(request, call, refusal)
        except BodyTooLarge as error:
            self._refuse(request, call, refusals.RequestTooLarge(str(error)))
        except BodyTimeout as error:
            self._refuse(request, call, refusals.BodyTooSlow(str(error)))
        except JournalUnavailable as error:
            self._booking.unadmit(call)
            reason = f"The proxy cannot record requests, so it takes none: {error}."
            self._refuse(request, call, refusals.JournalUnavailable(reason))
        except (asyncio.CancelledError, ClientGone, ClientStalled) as left:
            if left.args == (SERVER_LEAVES,):
                self._booking.end(call, "error", CUT_OFF, "shut_down", "the proxy was stopped before the answer was complete")
            else:
                self._booking.end(
                    call, "cancelled", CLIENT_GONE, "client_gone", "the client left before its answer was complete"
                )
            if isinstance(left, asyncio.CancelledError):
                raise
        except Exception:
            _log.exception("request %s failed inside the proxy", call.id)
            self._refuse(request, call, refusals.InternalFault(f"The proxy failed; its log has the reason under {call.id}."))
        finally:
            self._metrics.active -= 1

    # --- identify, admit, route ---

    async def _serve(self, request: Request, call: Call) -> None:
        path, slug = split_path(request.path)
        port = PORTS.get(path)
        call.dialect = spoken(path, request.headers) if port is None else port.dialect
        running = self.running
        if running is None:
            raise refusals.NotReady("The proxy has no configuration yet; it is fetching one.")
        snapshot = running.snapshot
        call.revision = snapshot.revision
        entry = identify(snapshot, request.headers, slug, call.at_ms)
        plan = call.plan = snapshot.plan(entry.project)
        if plan is None:
            raise refusals.InvalidToken(f"The project {entry.project} of this token has no valid configuration.")
        if port is not None:
            _require_method(request, "POST")
            call.entry = entry  # from here on there will be a row
            call.call_type = port.call_type
            await self._complete(request, call, running, port)
        elif path == COUNT_TOKENS:
            _require_method(request, "POST")
            counted = anthropic.CountRequest.parse(await self._body(request))
            exact = await self._exact_input(running, counted.named, counted.typed)
            self._answer(request, call, "count_tokens", counted.answer(exact))
        elif path == MODELS or path.startswith(MODELS + "/"):
            _require_method(request, "GET")
            self._answer(request, call, "models", models(path, plan.listed, call.dialect))
        else:
            raise refusals.NotFound(f"There is nothing at {request.path}.")

    def _answer(self, request: Request, call: Call, kind: str, body: bytes) -> None:
        """An answer that Waybill knows by itself: a counter, not a row."""
        self._metrics.unrecorded[kind] += 1
        request.respond(200, [_JSON, *self._marks(call)], body)

    async def _body(self, request: Request) -> bytes:
        if self._metrics.active > self._bounds.requests:
            raise refusals.Overloaded(f"This proxy already serves {self._bounds.requests} requests; try again in a second.")
        return await request.body(self._bounds.body_bytes)

    async def _complete(self, request: Request, call: Call, running: Running, port: Port) -> None:
        plan, entry = call.known_plan, call.known_entry
        body = await self._body(request)
        asked = port.parse(body, request.query)
        call.stream = asked.stream
        call.facts = asked.facts()
        if plan.project.trace.content:
            call.content = Content(body)
        able = plan.able[port.dialect]
        now_ms = call.now_ms()
        call.terms = running.book.terms(plan, entry, now_ms)
        if call.terms.opening:
            await self._openings.known(call.terms)
            now_ms = call.now_ms()
        if blocks := self._booking.ledger.exhausted(call.terms, able.candidates, now_ms):
            call.blocks.update(blocks)
        given = await self._judges.given(call, running, able.ranking, asked) if able.ranking.asked else _NOTHING_GIVEN
        call.decision = self._decide(call, able, given)
        if self._progress.wanted is not None:
            self._progress.routed(call)
        if await self._try_in_order(request, call, asked, running):
            return
        # Only limits are in the way of a model that was not tried: what its tokenizer counts may be less than the bound.
        exact = {model: await self._exact_input(running, model, asked.typed) for model in call.decision.order}
        if any(exact.values()):
            call.attempts.clear()  # they were skipped, and are looked at anew
        if not any(exact.values()) or not await self._try_in_order(request, call, asked, running, exact):
            raise verdicts.left_out(plan.slug, call.decision, call.blocks, call.now_ms())

    def _decide(self, call: Call, able: Able, given: Mapping[int, Given]) -> Decision:
        """Rank the candidates that limits left; `given` is what policies said that were asked."""
        terms, facts, ranking = call.terms, call.facts, able.ranking
        assert terms is not None
        assert facts is not None
        booking, now_ms = self._booking, call.now_ms()
        decision = ranking.decide(
            facts,
            booking.statistics,
            now_ms,
            dropped=reasons(call.blocks) if call.blocks else _NOTHING_DROPPED,
            given=given,
            budgets=booking.ledger.remaining(terms, able.candidates, now_ms) if ranking.weighs_budgets else _NO_BUDGETS,
            project=call.known_plan.slug,
        )
        return msgspec.structs.replace(decision, unable=able.unable) if able.unable else decision

    async def _exact_input(self, running: Running, model_id: str, typed: Any) -> int | None:
        """The tokens of a request as a model's own tokenizer counts them, where that is known and installed."""
        model = running.snapshot.models.get(model_id)
        if model is None:
            return None
        return await self._tokenizers.count(running.snapshot.providers[model.provider].kind, model.upstream_name, typed)

    # --- attempt, stream ---

    async def _try_in_order(
        self, request: Request, call: Call, asked: Any, running: Running, exact: Mapping[str, int | None] = _NOT_COUNTED
    ) -> bool:
        """Answer the request; false where no candidate had room. Raises a Refusal where all that had room failed."""
        candidates = {candidate.id: candidate for candidate in call.known_plan.candidates}
        assert call.decision is not None
        failures: dict[str, AttemptFailed] = {}
        failed: AttemptFinished | None = None
        for model_id in call.decision.order:
            grant = self._booking.reserve(call, model_id, failed, exact_input=exact.get(model_id))
            failed = None
            if isinstance(grant, tuple):
                call.skip(candidates[model_id], grant)
                continue
            attempt = Attempt(call, candidates[model_id], call.known_plan.timeouts, self._loop)
            if self._loop.time() >= attempt.deadlines.request_by - CLOCK_S:
                raise refusals.TimedOut(f"The request was not answered within its {call.known_plan.timeouts.timeout_ms} ms.")
            self._booking.begin(attempt)
            try:
                await self._attempt(request, call, asked, running, attempt, grant.cap)
                return True
            except AttemptFailed as failure:
                # Its trace holds this frame and so itself: all that the attempt had read would wait for the collector.
                failure.__traceback__ = failure.__context__ = None
                failures[model_id] = failure
                failed = self._booking.end_attempt(
                    attempt, failure.status, failure.reason, failure.http_status, failure.retry_after_s
                )
            except refusals.UpstreamRefused as refusal:
                self._booking.end_attempt(attempt, "error", refusal.message)
                call.relayed = attempt.relayed_headers()
                raise
            except BaseException as error:
                # None of these says anything of the model.
                blameless = isinstance(error, asyncio.CancelledError | ClientGone | ClientStalled | JournalUnavailable)
                self._booking.end_attempt(attempt, "cancelled" if blameless else "error")
                raise
            finally:
                attempt.close()
        if failures:
            raise verdicts.all_failed(failures)
        return False

    async def _attempt(
        self, request: Request, call: Call, asked: Any, running: Running, attempt: Attempt, output_cap: int | None
    ) -> None:
        model_id = attempt.candidate.id
        try:
            way = running.way(model_id, call.dialect)
        except WayUnavailable as error:
            raise AttemptFailed(str(error)) from None
        endpoint = way.endpoint
        exchange = await attempt.open(way, endpoint.build(asked, request.headers, output_cap))
        if self._progress.wanted is not None:
            self._progress.first_byte(call, model_id, exchange.status)
        headers = [*attempt.relayed_headers(), *self._marks(call)]
        if asked.stream:
            relay = endpoint.relay(asked, call.id)
            first = await attempt.first_content(exchange, relay)
            await self._stream(request, call, attempt, headers, first)
        else:
            answer = await attempt.whole_answer(exchange, endpoint)
            if call.content is not None:
                call.content.answer(answer.body)
            self._succeed(call, attempt)
            request.respond(200, headers, answer.body)

    async def _stream(
        self, request: Request, call: Call, attempt: Attempt, headers: list[tuple[bytes, bytes]], first: bytes
    ) -> None:
        """Forward a committed stream to its end; a failure becomes the dialect's error event, never a false end."""
        exchange, relay = attempt.committed
        call.first_byte_ms = call.elapsed_ms()
        request.start(200, headers)
        try:
            last = await forward(request, attempt, exchange, relay, first, self._bounds.keep_alive_s)
        except StreamBroken as broken:
            refusal = refusals.TimedOut(broken.reason) if broken.timed_out else refusals.AllModelsFailed(broken.reason)
            self._break(call, attempt, refusal.code, broken.reason, timed_out=broken.timed_out)
            request.finish(refusals.event(call.dialect, refusal, call.id))
            return
        end = last + (relay.tail if relay.error is None else attempt.without_key(relay.tail))
        if call.content is not None:
            call.content.stream(end)
        if relay.error is not None:
            self._break(call, attempt, relay.error.type, relay.error.message)
        else:
            self._succeed(call, attempt)
        request.finish(end)

    # --- settle, record ---

    def _succeed(self, call: Call, attempt: Attempt) -> None:
        self._booking.end_attempt(attempt, "success")
        self._booking.end(call, "success", 200)

    def _break(self, call: Call, attempt: Attempt, code: str, reason: str, *, timed_out: bool = False) -> None:
        self._booking.end_attempt(attempt, "timeout" if timed_out else "error", reason)
        self._booking.end(call, "error", 200, code, attempt.reported(reason))

    def _refuse(self, request: Request, call: Call, refusal: Refusal) -> None:
        """Record and send an answer of Waybill's own."""
        status = refusals.status(call.dialect, refusal)
        if call.entry is None:
            self._metrics.unrecorded[refusal.code] += 1
        self._booking.end(call, refusal.log_status, status, refusal.code, refusal.message)
        if call.first_byte_ms is None:  # else the answer has begun: leaving it without an end makes the server cut it
            relayed = [header for header in call.relayed if header[0] != b"content-type"]
            id_header = b"request-id" if call.dialect == "anthropic" else b"x-request-id"
            if not any(name == id_header for name, _ in relayed):
                relayed.append((id_header, call.id.encode()))
            headers = [*refusals.headers(refusal), *relayed, *self._marks(call)]
            request.respond(status, headers, refusals.body(call.dialect, refusal, call.id))

    def _marks(self, call: Call) -> tuple[tuple[bytes, bytes], ...]:
        trace = (b"x-waybill-trace-id", call.id.encode())
        return (trace, (b"x-waybill-revision", call.revision.encode())) if call.revision else (trace,)


def _require_method(request: Request, method: str) -> None:
    if request.method != method and not (method == "GET" and request.method == "HEAD"):
        reason = f"{request.path} is asked with {method}, not with {request.method}."
        raise refusals.MethodNotAllowed(reason, allow="GET, HEAD" if method == "GET" else method)
