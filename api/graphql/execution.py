"""One operation from request to encoded payloads, the same for every transport: executed, shared where it can be, measured,
logged by name and actor (never with variables), its errors masked."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Iterable
from contextlib import aclosing
from inspect import isawaitable
from typing import Any, Final

import msgspec
import structlog
from graphql import ExecutionResult, Executor, GraphQLError, OperationType

from api.access import AccessError, Unauthenticated, signed_in
from api.graphql.context import Context
from api.graphql.engine import Engine, Operation, RequestRefused
from api.graphql.errors import ApiError, answer_errors
from api.graphql.lifetime import while_known
from api.graphql.limits import MAX_COST
from api.graphql.negotiation import Params
from api.graphql.shared import SharedPayloads, operation_key
from api.metrics import ApiMetrics

log = structlog.get_logger("api.graphql")
_encode: Final = msgspec.json.Encoder().encode


class StreamEnded(Exception):
    """The process stops, and with it a subscription that has no end of its own: whoever followed it should come again."""


class Executions:
    """Runs operations for the transports."""

    def __init__(self, engine: Engine, metrics: ApiMetrics) -> None:
        self.engine = engine
        self.metrics = metrics
        self._shared = SharedPayloads()

    def prepare(self, params: Params, context: Context) -> Operation:
        """The operation that a request asks for. Raises RequestRefused or Unauthenticated."""
        return self.engine.prepare(
            params.query, params.operation_name, params.variables or {}, anonymous=context.viewer is None
        )

    async def single(self, operation: Operation, context: Context) -> bytes:
        """The answer to a query or a mutation. Raises RequestRefused."""
        started = time.perf_counter()
        outcome = "refused"
        try:
            result = await self.engine.execute(operation, context)
            outcome = "errors" if result.errors else "ok"
            await context.note_denied()
            return encode_result(result, context.request_id, operation.cost)
        finally:
            self._finished(operation, context, outcome, time.perf_counter() - started)

    async def payloads(self, operation: Operation, context: Context) -> AsyncGenerator[bytes, None]:
        """Every answer of an operation: one of a query or a mutation, one per event of a subscription.

        Raises RequestRefused before the first, AccessError when the viewer may no longer see the stream, StreamEnded when
        the process stops: a client that was told `complete` would not come back.
        """
        if operation.kind is not OperationType.SUBSCRIPTION:
            yield await self.single(operation, context)
            return
        started = time.perf_counter()
        outcome = "refused"
        self.metrics.subscriptions.inc()
        try:
            executor, events = await self.engine.subscribe(operation, context)
            key = operation_key(operation)
            outcome = "ok"
            identities, viewer = context.services.people.identities, signed_in(context.viewer)
            async with aclosing(events), aclosing(while_known(identities, viewer, events)) as source:
                async for event in source:
                    yield await self._event(executor, event, key, context)
            raise StreamEnded
        finally:
            self.metrics.subscriptions.dec()
            await context.note_denied()
            self._finished(operation, context, outcome, time.perf_counter() - started)

    async def _event(self, executor: Executor[Any], event: Any, key: Any, context: Context) -> bytes:
        share_key = getattr(event, "share_key", None)
        if share_key is not None and context.viewer is not None:
            shared = (key, context.viewer.scope, share_key)
            payload = await self._shared.get(shared, lambda: _shareable(self.engine.execute_event(executor, event)))
            if payload is not None:
                return payload
        result = self.engine.execute_event(executor, event)
        return encode_result(await result if isawaitable(result) else result, context.request_id)

    def _finished(self, operation: Operation, context: Context, outcome: str, seconds: float) -> None:
        kind = operation.kind.value
        self.metrics.operations.labels(kind, outcome).inc()
        if kind != "subscription":
            self.metrics.operation_seconds.labels(kind).observe(seconds)
        log.info(
            "graphql",
            request_id=context.request_id,
            operation=(operation.name or (operation.node.name.value if operation.node.name else ""))[:100],
            kind=kind,
            outcome=outcome,
            duration_ms=round(seconds * 1000, 3),
            actor=context.viewer.user_id if context.viewer else None,
        )


def _shareable(result: ExecutionResult | Awaitable[ExecutionResult]) -> bytes | Awaitable[bytes | None] | None:
    """What everybody may be given of an event: nothing of one with errors, which name a request."""

    async def later(pending: Awaitable[ExecutionResult]) -> bytes | None:
        result = await pending
        return None if result.errors else encode_result(result, "")

    if isawaitable(result):
        return later(result)
    return None if result.errors else encode_result(result, "")


def encode_result(result: ExecutionResult, request_id: str, cost: int | None = None) -> bytes:
    """A result as JSON, with what it cost of what may be asked at once; parts that are JSON already are spliced in."""
    answer: dict[str, Any] = {"errors": answer_errors(result.errors, request_id)} if result.errors else {}
    answer["data"] = result.data
    if cost is not None:
        answer["extensions"] = {"cost": {"requested": cost, "limit": MAX_COST}}
    return _encode(answer)


def encode_errors(errors: Iterable[dict[str, Any]]) -> bytes:
    """An answer that never began to execute: `errors` and no `data`."""
    return _encode({"errors": list(errors)})


def refusal_errors(error: Exception, request_id: str) -> list[dict[str, Any]]:
    """The `errors` of a request that was refused, or whose stream ended, with `error`."""
    if isinstance(error, RequestRefused):
        return answer_errors(error.errors, request_id)
    if isinstance(error, AccessError | ApiError):
        return answer_errors([GraphQLError(str(error), original_error=error)], request_id)
    return answer_errors([GraphQLError("internal error", original_error=error)], request_id)


__all__ = ["Executions", "RequestRefused", "StreamEnded", "Unauthenticated", "encode_errors", "encode_result", "refusal_errors"]
