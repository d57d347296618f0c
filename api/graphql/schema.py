"""The schema: root fields, each a line to the module that answers it, and the guard that `api/access.py` puts before them."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

import strawberry

from api.access import signed_in
from api.graphql.context import Info
from api.graphql.guard import guarded
from api.graphql.ids import BadNodeId, read_node_id
from api.graphql.mutations.members import MemberMutations
from api.graphql.mutations.models import ModelMutations
from api.graphql.mutations.people import PeopleMutations
from api.graphql.mutations.projects import ProjectMutations
from api.graphql.mutations.providers import ProviderMutations
from api.graphql.mutations.revert import RevertMutations
from api.graphql.mutations.roles import RoleMutations
from api.graphql.mutations.routing import RoutingMutations
from api.graphql.mutations.settings import SettingsMutations
from api.graphql.mutations.tokens import TokenMutations
from api.graphql.queries import nodes, projects, request_logs
from api.graphql.queries.explain import ExplainQueries
from api.graphql.queries.history import HistoryQueries
from api.graphql.queries.limit_events import LimitEventQueries
from api.graphql.queries.limits import LimitQueries
from api.graphql.queries.models import ModelQueries
from api.graphql.queries.proxies import ProxyQueries
from api.graphql.queries.usage import UsageQueries
from api.graphql.queries.users import PeopleQueries
from api.graphql.scalars import Json, schema_config
from api.graphql.subscriptions import request_log_feed
from api.graphql.subscriptions.limit_events import LimitEventSubscriptions
from api.graphql.subscriptions.proxies import ProxySubscriptions
from api.graphql.subscriptions.request_log_feed import RequestLogBatch
from api.graphql.subscriptions.revisions import RevisionSubscriptions
from api.graphql.subscriptions.traces import TraceSubscriptions
from api.graphql.types.model import Model
from api.graphql.types.nodes import Node, page_size
from api.graphql.types.project import Project, ProjectConnection, ProjectOrder
from api.graphql.types.provider import Provider
from api.graphql.types.request_log import LogOrder, RequestLog, RequestLogConnection, RequestLogFilter
from api.graphql.types.revision import Revision
from api.graphql.types.role import Role
from api.graphql.types.user import User
from api.graphql.types.viewer import Viewer

First = Annotated[int | None, strawberry.argument(description="How many, at most 200; 50 when left out.")]
After = Annotated[str | None, strawberry.argument(description="The cursor that the page follows.")]
Filter = Annotated[RequestLogFilter | None, strawberry.argument(description="Which rows; all when left out.")]
Order = Annotated[LogOrder, strawberry.argument(description="Newest first, or oldest first to fill a gap.")]
FeedAfter = Annotated[
    str | None,
    strawberry.argument(description='The cursor to go on after; from now when left out, "0" from the oldest row kept.'),
]


@strawberry.type(description="What can be read.")
class Query(
    ExplainQueries, HistoryQueries, LimitEventQueries, LimitQueries, ModelQueries, PeopleQueries, ProxyQueries, UsageQueries
):
    """Root of queries."""

    @strawberry.field(description="The user behind this request.")
    def viewer(self, info: Info) -> Viewer:
        """Never anonymous: the guard came first."""
        return Viewer.of(signed_in(info.context.viewer))

    @strawberry.field(description="Anything by its id.")
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="An id that this API gave out.")]
    ) -> Node | None:
        """Asks for what the type of the thing takes."""
        return await nodes.node(info.context, id)

    @strawberry.field(description="Projects, by slug unless `order` says otherwise.")
    async def projects(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        search: Annotated[str | None, strawberry.argument(description="A part of the slug or the name, ignoring case.")] = None,
        order: Annotated[ProjectOrder | None, strawberry.argument(description="In which order; by slug when left out.")] = None,
    ) -> ProjectConnection:
        """From the published configuration."""
        return await projects.page(info, search, page_size(first), after, order or ProjectOrder())

    @strawberry.field(description="The project with this slug; null when there is none.")
    def project(
        self, info: Info, slug: Annotated[str, strawberry.argument(description="The project's slug.")]
    ) -> Project | None:
        """From the published configuration."""
        return Project.at(info.context.services.catalogue(), slug)

    @strawberry.field(description="Requests that are over.")
    async def request_logs(
        self, info: Info, filter: Filter = None, first: First = None, after: After = None, order: Order = LogOrder.NEWEST_FIRST
    ) -> RequestLogConnection:
        """From the recorded rows."""
        return await request_logs.page(info.context, filter, first, after, order)

    @strawberry.field(description="One request with its trace; null when it is not, or no longer, recorded.")
    async def request_log(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its node id, or its `x-waybill-trace-id`.")],
    ) -> RequestLog | None:
        """By either of its ids."""
        try:
            type_name, key = read_node_id(id)
        except BadNodeId:
            type_name, key = "RequestLog", id
        return await request_logs.one(info.context.services.engine, key if type_name == "RequestLog" else id)


@strawberry.type(description="What can be changed.")
class Mutation(
    MemberMutations,
    ModelMutations,
    PeopleMutations,
    ProjectMutations,
    ProviderMutations,
    RevertMutations,
    RoleMutations,
    RoutingMutations,
    SettingsMutations,
    TokenMutations,
):
    """Root of mutations, made of its parts."""


@strawberry.type(description="What can be followed as it happens.")
class Subscription(LimitEventSubscriptions, ProxySubscriptions, RevisionSubscriptions, TraceSubscriptions):
    """Root of subscriptions."""

    @strawberry.subscription(description="Requests as they end, in batches, each with the cursor to go on after.")
    async def request_log_feed(
        self, info: Info, filter: Filter = None, after: FeedAfter = None
    ) -> AsyncIterator[RequestLogBatch]:
        """See `subscriptions/request_log_feed.py`."""
        async with aclosing(request_log_feed.typed(info.context, filter, after)) as batches:
            async for batch in batches:
                yield batch

    @strawberry.subscription(description="The same rows as JSON, encoded once for all who follow: for high rates.")
    async def request_log_firehose(self, info: Info, filter: Filter = None, after: FeedAfter = None) -> AsyncIterator[Json]:
        """See `subscriptions/request_log_feed.py`."""
        async with aclosing(request_log_feed.firehose(info.context, filter, after)) as batches:
            async for batch in batches:
                yield Json(batch)


def build_schema() -> strawberry.Schema:
    """The schema with every field guarded. Raises KeyError for a field without a rule of access."""
    types = [Model, Project, Provider, RequestLog, Revision, Role, User, Viewer]
    schema = strawberry.Schema(Query, Mutation, Subscription, config=schema_config(), types=types)
    guarded(schema)
    return schema
