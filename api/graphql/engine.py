"""From a document's text to its answer: parsed and validated once, measured each time, executed by graphql-core.

Strawberry makes the schema; this drives it, so that the caches hit, anonymous requests are refused before their document costs
anything, and one event of a subscription is executed once for everybody who asked the same (`Shared`).
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Mapping
from typing import Any, Final, TypeAlias, cast

import msgspec
from graphql import (
    DocumentNode,
    ExecutionResult,
    Executor,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    create_source_event_stream,
    execute_subscription_event,
    parse,
    validate,
)

from api.access import FIELD_RULES, Unauthenticated
from api.graphql.bounds import MAX_WAIT_S, BoundedExecutor, TooCostly
from api.graphql.limits import MAX_TOKENS, MAX_TOKENS_ANONYMOUS, Lengths, measured

Variables: TypeAlias = Mapping[str, Any]
_CACHED_DOCUMENTS: Final = 512
_CACHED_DOCUMENT_CHARS: Final = 16_384
_ROOT_TYPES: Final = {
    OperationType.QUERY: "Query",
    OperationType.MUTATION: "Mutation",
    OperationType.SUBSCRIPTION: "Subscription",
}


class RequestRefused(Exception):
    """The request never began to execute: its answer has `errors` and no `data`."""

    def __init__(self, errors: list[GraphQLError]) -> None:
        super().__init__(errors[0].message)
        self.errors = errors


class Parsed(msgspec.Struct):
    """One document: its tree, its operations by name, and what validation said of it (None: not asked yet)."""

    document: DocumentNode
    operations: dict[str | None, OperationDefinitionNode]
    serial: int  # tells documents apart for as long as the process lives
    errors: list[GraphQLError] | None = None


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One operation ready to execute."""

    parsed: Parsed
    node: OperationDefinitionNode
    name: str | None
    variables: Variables
    cost: int  # of what may be asked at once: limits.MAX_COST

    @property
    def kind(self) -> OperationType:
        """Query, mutation or subscription."""
        return self.node.operation


class Engine:
    """Executes documents against one schema; `lengths` says how long the lists are now that grow with the configuration."""

    def __init__(self, schema: GraphQLSchema, lengths: Lengths = dict, *, max_wait_s: float = MAX_WAIT_S) -> None:
        self.schema = schema
        self.lengths = lengths
        self.max_wait_s = max_wait_s
        self._documents: OrderedDict[tuple[str, bool], Parsed] = OrderedDict()
        self._serials = itertools.count()

    def prepare(self, query: str, name: str | None, variables: Variables, *, anonymous: bool) -> Operation:
        """The operation that `name` picks from `query`. Raises RequestRefused, or Unauthenticated for an anonymous request
        that is anything but one anonymous field."""
        parsed = self._parse(query, anonymous)
        node = _pick(parsed, name)
        if anonymous and not _is_open_to_all(node):
            raise Unauthenticated("log in, or send an API key as `Authorization: Bearer wb-…`")
        try:
            size = measured(self.schema, parsed.document, node, variables, self.lengths)
        except GraphQLError as error:
            raise RequestRefused([error]) from error
        if parsed.errors is None:
            parsed.errors = validate(self.schema, parsed.document, hide_suggestions=True)
        if parsed.errors:
            raise RequestRefused(parsed.errors)
        return Operation(parsed=parsed, node=node, name=name, variables=variables, cost=size.cost)

    async def execute(self, operation: Operation, context: object) -> ExecutionResult:
        """The result of a query or a mutation, within what one operation may use. Raises RequestRefused for variables that do
        not fit."""
        executor = self._executor(operation, context)
        try:
            result = executor.execute_operation()
            if inspect.isawaitable(result):
                # A mutation is never left half-way: what it waits for has bounds of its own.
                async with asyncio.timeout(self.max_wait_s if operation.kind is OperationType.QUERY else None):
                    result = await result
        except TimeoutError:
            return _stopped(None, TooCostly(f"{self.max_wait_s:g} s"))
        assert isinstance(result, ExecutionResult), "nothing here is delivered in parts"
        if executor.too_costly is not None:
            return _stopped(result.data if operation.kind is OperationType.MUTATION else None, executor.too_costly)
        if result.data is None and result.errors and all(error.path is None for error in result.errors):
            raise RequestRefused([_input_error(error) for error in result.errors])
        return result

    async def subscribe(self, operation: Operation, context: object) -> tuple[Executor[Any], AsyncGenerator[Any, None]]:
        """The source of a subscription and what executes each of its events. Raises RequestRefused."""
        executor = self._executor(operation, context)
        source = create_source_event_stream(executor)
        if inspect.isawaitable(source):
            source = await source
        if isinstance(source, ExecutionResult):
            raise RequestRefused(list(source.errors or []))
        # Every source here is an async generator: it is closed when its subscriber leaves.
        return executor, cast("AsyncGenerator[Any, None]", source)

    def execute_event(self, executor: Executor[Any], event: object) -> ExecutionResult | Awaitable[ExecutionResult]:
        """The answer for one event of a subscription's source: at once, unless a field has to wait for something."""
        return execute_subscription_event(executor.build_per_event_executor(event))

    def _executor(self, operation: Operation, context: object) -> BoundedExecutor:
        built = BoundedExecutor.build(
            self.schema,
            operation.parsed.document,
            context_value=context,
            raw_variable_values=dict(operation.variables),
            operation_name=operation.name,
            hide_suggestions=True,
        )
        if isinstance(built, list):
            raise RequestRefused([_input_error(error) for error in built])
        assert isinstance(built, BoundedExecutor), "a class builds its own"
        return built

    def _parse(self, query: str, anonymous: bool) -> Parsed:
        key = (query, anonymous)
        known = self._documents.get(key)
        if known is not None:
            self._documents.move_to_end(key)
            return known
        try:
            document = parse(query, max_tokens=MAX_TOKENS_ANONYMOUS if anonymous else MAX_TOKENS)
        except GraphQLError as error:
            raise RequestRefused([error]) from error
        except RecursionError as error:
            raise RequestRefused([GraphQLError("the document nests too deeply")]) from error
        operations = {
            node.name.value if node.name else None: node
            for node in document.definitions
            if isinstance(node, OperationDefinitionNode)
        }
        parsed = Parsed(document, operations, next(self._serials))
        if len(query) <= _CACHED_DOCUMENT_CHARS:
            self._documents[key] = parsed
            if len(self._documents) > _CACHED_DOCUMENTS:
                self._documents.popitem(last=False)
        return parsed


def _pick(parsed: Parsed, name: str | None) -> OperationDefinitionNode:
    """The operation called `name`, or the only one. Raises RequestRefused."""
    if name:
        found = parsed.operations.get(name)
        if found is None:
            raise RequestRefused([GraphQLError("the document has no operation of the name in `operationName`")])
        return found
    if len(parsed.operations) != 1:
        reason = "name one in `operationName`" if parsed.operations else "add one"
        raise RequestRefused([GraphQLError(f"the document has {len(parsed.operations)} operations: {reason}")])
    return next(iter(parsed.operations.values()))


def _is_open_to_all(node: OperationDefinitionNode) -> bool:
    """Whether the operation is exactly one root field, spelt out, and that field is anonymous: several logins in one
    request would be several guesses for the price of one."""
    only, *more = node.selection_set.selections
    if more or not isinstance(only, FieldNode):
        return False
    return FIELD_RULES.get(f"{_ROOT_TYPES[node.operation]}.{only.name.value}") == "anonymous"


def _input_error(error: GraphQLError) -> GraphQLError:
    """An error of variable coercion, with its code."""
    if not error.extensions and isinstance(error.original_error, GraphQLError | None):
        error.extensions = {"code": "BAD_USER_INPUT"}
    return error


def _stopped(data: dict[str, Any] | None, error: TooCostly) -> ExecutionResult:
    """The answer of an operation that took too much: why, once."""
    return ExecutionResult(data, [GraphQLError(str(error), original_error=error)])
