"""One request as a log row shows it. Plain attributes, so that a feed's batch costs what its fields cost and no more."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Final, cast

import strawberry

from api.access import signed_in
from api.database.request_logs import LogFilter, LogRow
from api.graphql.context import Info
from api.graphql.errors import BadInput
from api.graphql.ids import node_id
from api.graphql.scalars import BigInt, Instant, NanoUsd
from api.graphql.types.limit_use import words_for
from api.graphql.types.nodes import Label, Node, PageInfo, labels

if TYPE_CHECKING:
    from api.graphql.types.project import Project
    from api.graphql.types.trace import RequestTrace
    from core import events
    from core.events import Status


@strawberry.enum(description="How a request ended.")
class RequestStatus(Enum):
    """The statuses of log rows; attempts use the same words."""

    SUCCESS = strawberry.enum_value("success", name="success", description="The client got its answer.")
    BUDGET_EXCEEDED = strawberry.enum_value("budget_exceeded", name="budget_exceeded", description="A limit refused it.")
    TIMEOUT = strawberry.enum_value("timeout", name="timeout", description="It was answered 504.")
    REJECTED = strawberry.enum_value(
        "rejected", name="rejected", description="It was refused before any attempt, for another reason than a limit."
    )
    CANCELLED = strawberry.enum_value("cancelled", name="cancelled", description="The client left.")
    ERROR = strawberry.enum_value("error", name="error", description="Any other failure, or a crash without an end.")


@strawberry.enum(description="What kind of call a row is about.")
class CallType(Enum):
    """The call types of log rows."""

    COMPLETION = strawberry.enum_value("completion", name="completion", description="Chat completions, responses and messages.")
    EMBEDDING = strawberry.enum_value("embedding", name="embedding", description="Embeddings.")
    PASSTHROUGH = strawberry.enum_value(
        "passthrough", name="passthrough", description="Another path that the project lets through."
    )
    ROUTING = strawberry.enum_value("routing", name="routing", description="A call that a routing policy made.")


@strawberry.enum(description="Which way a list of rows is read.", name="RequestLogOrder")
class LogOrder(Enum):
    """Orders of rows, by position."""

    NEWEST_FIRST = strawberry.enum_value("newest_first", description="From the newest row back; `after` goes on to older ones.")
    OLDEST_FIRST = strawberry.enum_value("oldest_first", description="From the oldest row on; `after` goes on to newer ones.")


@strawberry.type(description="Tokens of a call, in one convention for every provider.")
class Usage:
    """`core.money.Usage`, with totals that include their parts."""

    input_tokens: BigInt = strawberry.field(description="All input, cached and cache-written included.")
    output_tokens: BigInt = strawberry.field(description="All output, reasoning included.")
    total_tokens: BigInt = strawberry.field(description="Input and output.")
    cached_input_tokens: BigInt = strawberry.field(description="Input that the provider had cached.")
    cache_write_tokens: BigInt = strawberry.field(description="Input that the provider wrote into its cache.")
    reasoning_tokens: BigInt = strawberry.field(description="Output spent on reasoning.")
    estimated: bool = strawberry.field(description="Whether the provider did not say and Waybill counted.")


@strawberry.type(description="One request at a model endpoint: where it went, how it ended, what it cost.")
class RequestLog(Node):
    """A log row."""

    trace_id: str = strawberry.field(description="The id that the client got as `x-waybill-trace-id`.")
    cursor: str = strawberry.field(description="The row's position; the feed and the query take it as `after`.")
    at: Instant = strawberry.field(description="When the request arrived.")
    project_slug: str = strawberry.field(description="The project's slug when the request arrived.")
    token_id: str = strawberry.field(description="The id of the token that it came with.")
    model: str | None = strawberry.field(description="The model that answered; null where none did.")
    provider: str | None = strawberry.field(description="The provider of that model.")
    status: RequestStatus = strawberry.field(description="How it ended.")
    call_type: CallType = strawberry.field(description="What kind of call it was.")
    http_status: int = strawberry.field(description="The HTTP status that the client got.")
    dialect: str = strawberry.field(description="The dialect that the client spoke, such as openai_chat.")
    stream: bool = strawberry.field(description="Whether the answer was streamed.")
    error_code: str | None = strawberry.field(description="The code of the error that the client got.")
    said: strawberry.Private[str]  # that error's message
    input_tokens: BigInt | None = strawberry.field(description="All input tokens; null where nothing was used.")
    output_tokens: BigInt | None = strawberry.field(description="All output tokens; null where nothing was used.")
    cached_input_tokens: BigInt | None = strawberry.field(description="Input that the provider had cached.")
    cache_write_tokens: BigInt | None = strawberry.field(description="Input that the provider wrote into its cache.")
    reasoning_tokens: BigInt | None = strawberry.field(description="Output spent on reasoning.")
    estimated: bool = strawberry.field(description="Whether tokens are Waybill's count, because the provider gave none.")
    cost: NanoUsd | None = strawberry.field(description="USD; null where the model has no price.")
    latency_ms: float = strawberry.field(description="From arrival to the last byte, in milliseconds.")
    first_byte_ms: float | None = strawberry.field(description="From arrival to the client's first byte, in milliseconds.")
    attempts: int = strawberry.field(description="How many upstream calls were made.")
    revision: str = strawberry.field(description="The commit of the configuration that decided.")
    cause: str | None = strawberry.field(
        description="Of a call that a routing policy made: the `traceId` of the request that it was made for."
    )
    labels: list[Label] = strawberry.field(description="Labels of the token and the project, as they were.")

    @classmethod
    def of(cls, row: LogRow) -> RequestLog:
        """A recorded row."""
        return cls(
            id=node_id("RequestLog", row.request_id),
            trace_id=row.request_id,
            cursor=str(row.position),
            at=Instant(row.at_ms),
            project_slug=row.project,
            token_id=row.token,
            model=row.model,
            provider=row.provider,
            status=STATUSES[row.status],
            call_type=CALL_TYPES[row.call_type],
            http_status=row.http_status,
            dialect=row.dialect,
            stream=row.stream,
            error_code=row.error_code or None,
            said=row.error,
            input_tokens=_big(row.input_tokens),
            output_tokens=_big(row.output_tokens),
            cached_input_tokens=_big(row.cached_input_tokens),
            cache_write_tokens=_big(row.cache_write_tokens),
            reasoning_tokens=_big(row.reasoning_tokens),
            estimated=row.estimated,
            cost=NanoUsd(row.cost_nano_usd) if row.cost_nano_usd is not None else None,
            latency_ms=row.latency_ms,
            first_byte_ms=row.first_byte_ms,
            attempts=row.attempts,
            revision=row.revision,
            cause=row.cause,
            labels=labels(row.labels),
        )

    @strawberry.field(description="That error's message.")
    def error(self, info: Info) -> str | None:
        """Without what other projects used."""
        return words_for(signed_in(info.context.viewer), self.said)

    @strawberry.field(description="The project, as it is now; null when it was deleted.")
    def project(self, info: Info) -> Annotated[Project, strawberry.lazy("api.graphql.types.project")] | None:
        """By slug, which never changes."""
        from api.graphql.types.project import Project  # the two types name each other

        return Project.at(info.context.services.catalogue(), self.project_slug)

    @strawberry.field(description="The calls that routing policies made for this request, each a row of its own.")
    async def routing_calls(self, info: Info) -> list[RequestLog]:
        """Through a loader: one query for a whole page of rows."""
        return [RequestLog.of(row) for row in await info.context.loaders.routing_calls.load(self.trace_id)]

    @strawberry.field(description="The whole reasoning and every attempt; null when it is no longer kept.")
    async def trace(self, info: Info) -> Annotated[RequestTrace, strawberry.lazy("api.graphql.types.trace")] | None:
        """Through a loader: one query for a whole page of rows."""
        from api.graphql.types.trace import RequestTrace  # heavy, and rarely asked for

        event = await info.context.loaders.traces.load(self.trace_id)
        return RequestTrace.of(event, signed_in(info.context.viewer)) if event is not None else None


STATUSES: Final = {status.name.lower(): status for status in RequestStatus}
MAX_VALUES: Final = 100
CALL_TYPES: Final = {call_type.name.lower(): call_type for call_type in CallType}


def _big(number: int | None) -> BigInt | None:
    return BigInt(number) if number is not None else None


@strawberry.type(description="A request log row in its list.")
class RequestLogEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The row's position.")
    node: RequestLog = strawberry.field(description="The row.")


@strawberry.type(
    description="A page of request log rows. A filter on what few rows have ends it early, after 50,000 rows were looked at, "
    "with few or none: `hasNextPage` then, and the `endCursor` to go on from."
)
class RequestLogConnection:
    """Relay's connection."""

    edges: list[RequestLogEdge] = strawberry.field(description="The rows with their cursors.")
    nodes: list[RequestLog] = strawberry.field(description="The rows alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")


@strawberry.input(description="Which rows are meant: what is left out is not asked about, a list means any of its values.")
class RequestLogFilter:
    """Filters of the query and of the feed."""

    project: list[str] | None = strawberry.field(default=None, description="Slugs of projects.")
    token: list[str] | None = strawberry.field(default=None, description="Ids of tokens.")
    model: list[str] | None = strawberry.field(default=None, description="Ids of models that answered.")
    status: list[RequestStatus] | None = strawberry.field(default=None, description="How they ended.")
    call_type: list[CallType] | None = strawberry.field(default=None, description="What kind of call they were.")
    cause: list[str] | None = strawberry.field(
        default=None, description="Calls that routing policies made for the requests with these trace ids."
    )
    since: Instant | None = strawberry.field(default=None, description="Arrived at this instant or later.")
    until: Instant | None = strawberry.field(default=None, description="Arrived before this instant.")

    def to_rows(self) -> LogFilter:
        """What the recorder's rows are asked. Raises BadInput for a list without end."""
        return LogFilter(
            projects=several("project", self.project),
            tokens=several("token", self.token),
            models=several("model", self.model),
            statuses=cast(
                "tuple[Status, ...] | None",
                several("status", [found.name.lower() for found in self.status] if self.status is not None else None),
            ),
            call_types=cast(
                "tuple[events.CallType, ...] | None",
                several("callType", [found.name.lower() for found in self.call_type] if self.call_type is not None else None),
            ),
            causes=several("cause", self.cause),
            since_ms=self.since,
            until_ms=self.until,
        )


def several(name: str, values: list[str] | None) -> tuple[str, ...] | None:
    """A filter's values, in order and once each; None asks nothing. Raises BadInput for a list without end."""
    if values is not None and len(values) > MAX_VALUES:
        raise BadInput(f"`filter.{name}` has {len(values)} values, at most {MAX_VALUES}")
    # So that filters that mean the same share one execution.
    return tuple(sorted(set(values))) if values is not None else None


def read_cursor(name: str, text: str | None) -> int | None:
    """The position that a cursor names. Raises BadInput for a text that is no cursor."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise BadInput(f"`{name}` is no cursor that this API gave out")
    return int(text)
