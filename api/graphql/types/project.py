"""A project: its settings as they are published, and what it used today."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from enum import Enum
from typing import Annotated, cast

import strawberry

from api.access import signed_in
from api.catalogue import Catalogue, ProjectEntry
from api.clock import now_ms
from api.database.usage import DAY_MS, Day, Figures
from api.graphql.context import Info
from api.graphql.errors import BadInput
from api.graphql.ids import node_id
from api.graphql.types.limit_use import NO_REPORTS, LimitUse, seen
from api.graphql.types.limits import Limits
from api.graphql.types.nodes import Label, Node, PageInfo, labels, page_size
from api.graphql.types.routing import ProjectRouting
from api.graphql.types.token import TokenConnection, tokens_of
from api.graphql.types.usage import UsageFigures, UsageTrend
from core import config
from core.config import Timeouts
from core.limits import Scope
from core.paths import routing_path

MOST_DAYS, TREND_DAYS = 31, 7
# Of letters that a header may hold: a snippet that is run as it was copied is then answered that there is no such token.
PLACEHOLDER = "sk-lr-YOUR-TOKEN"


@strawberry.enum(description="What projects are put in order by.")
class ProjectMeasure(Enum):
    """Columns of the list."""

    SLUG = strawberry.enum_value("slug", description="The slug.")
    NAME = strawberry.enum_value("name", description="The name, upper and lower case alike.")
    COST = strawberry.enum_value("cost", description="Today's cost.")
    CALLS = strawberry.enum_value("calls", description="Today's calls.")
    TOKENS = strawberry.enum_value("tokens", description="The number of tokens.")


@strawberry.enum(description="Which way a list is sorted.")
class SortDirection(Enum):
    """Directions."""

    ASC = strawberry.enum_value("asc", description="The smallest first.")
    DESC = strawberry.enum_value("desc", description="The largest first.")


@strawberry.input(description="An order of projects; of equal ones the slug decides, the same way.")
class ProjectOrder:
    """What and which way."""

    field: ProjectMeasure = strawberry.field(default=ProjectMeasure.SLUG, description="By what.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which way.")


@strawberry.type(description="Timeouts in milliseconds; null where the project leaves it to the installation.")
class ProjectTimeouts:
    """`core.config.Timeouts` of a project."""

    timeout_ms: int | None = strawberry.field(description="The whole request.")
    attempt_timeout_ms: int | None = strawberry.field(description="One attempt, to its first content.")
    idle_timeout_ms: int | None = strawberry.field(description="Between two bytes of an answer.")
    connect_timeout_ms: int | None = strawberry.field(description="To connect to a provider.")

    @classmethod
    def of(cls, timeouts: Timeouts) -> ProjectTimeouts:
        """Timeouts as the file has them."""
        return cls(
            timeout_ms=timeouts.timeout_ms,
            attempt_timeout_ms=timeouts.attempt_timeout_ms,
            idle_timeout_ms=timeouts.idle_timeout_ms,
            connect_timeout_ms=timeouts.connect_timeout_ms,
        )


@strawberry.type(description="What an application needs to connect; tokens are shown once, when they are made.")
class ConnectionInfo:
    """For an SDK's configuration."""

    base_url: str = strawberry.field(description="The base URL for the OpenAI SDK; the token decides the project.")
    project_base_url: str = strawberry.field(description="The same with the project in the path.")
    masked_token: str = strawberry.field(description="What a token looks like, for a snippet; not a token.")


@strawberry.type(description="Somebody with a role in a project.")
class Member:
    """`core.config.Member`."""

    user: str = strawberry.field(description="The user's e-mail.")
    role: str = strawberry.field(description="The name of their role in it.")


@strawberry.type(description="Other /v1 paths that a project may reach; none without methods and paths.")
class PassThrough:
    """`core.config.PassThrough`."""

    methods: list[str] = strawberry.field(description="The methods that pass.")
    paths: list[str] = strawberry.field(description="The path prefixes that pass.")
    default_provider: str | None = strawberry.field(description="Where they go when no model says so.")
    allow_unpriced: bool = strawberry.field(description="Whether they pass under a cost limit without a known price.")

    @classmethod
    def of(cls, found: config.PassThrough) -> PassThrough:
        """As the file has it."""
        return cls(
            methods=[*found.methods],
            paths=[*found.paths],
            default_provider=found.default_provider,
            allow_unpriced=found.allow_unpriced,
        )


@strawberry.type(description="A project: an application's own models, policies, tokens and limits.")
class Project(Node):
    """`projects/<slug>/project.yaml` and what lies beside it."""

    slug: str = strawberry.field(description="URL-safe name; fixed at creation.")
    name: str = strawberry.field(description="Display name.")
    description: str = strawberry.field(description="What the project is for.")
    timeouts: ProjectTimeouts = strawberry.field(description="The project's own timeouts.")
    models: list[str] = strawberry.field(description="Ids of its models, in order of priority.")
    token_count: int = strawberry.field(description="How many tokens it has.")
    labels: list[Label] = strawberry.field(description="Labels, copied to its log rows.")
    default_max_output_tokens: int | None = strawberry.field(
        description="The output to reckon with where a request does not say; null for the model's."
    )
    trace_content: bool = strawberry.field(description="Whether traces keep what was said; reading it needs content:read.")
    members: list[Member] = strawberry.field(description="People with a role in it, in the file's order.")
    revision: str | None = strawberry.field(
        description="The commit that this answer was read at: give it as `expectedRevision` to change what was read."
    )

    catalogue: strawberry.Private[Catalogue]
    settings: strawberry.Private[config.Project]
    # A list looks these up at once for its whole page: a loader would make a task of each field of each project.
    used_today: strawberry.Private[Figures | None] = None
    used_by_day: strawberry.Private[list[Day] | None] = None

    @property
    def project_slug(self) -> str:
        """The project whose rules of access hold for this object: itself."""
        return self.slug

    @strawberry.field(description="The kinds of its policies that are enabled, in order of weight.")
    def policies(self) -> list[str]:
        """Of the same revision."""
        found = self.catalogue.config.files.get(routing_path(self.slug))
        if not isinstance(found, config.Routing):
            return []
        return [str(policy.__struct_config__.tag) for policy in found.policies if policy.enabled]

    @strawberry.field(description=f"What the project used since midnight, UTC; {NO_REPORTS}.")
    def today(self, info: Info) -> UsageFigures | None:
        """Of its list, else through a loader."""
        if self.used_today is not None:
            return UsageFigures.of(self.used_today)
        return cast("UsageFigures", self._today(info))

    async def _today(self, info: Info) -> UsageFigures:
        return UsageFigures.of(await info.context.loaders.today.load(self.slug))

    @strawberry.field(description=f"What it used in each of the last days, UTC; {NO_REPORTS}.")
    def trend(
        self,
        info: Info,
        days: Annotated[int, strawberry.argument(description="How many, today's included; at most 31.")] = TREND_DAYS,
    ) -> UsageTrend | None:
        """Of its list, else through a loader."""
        if not 1 <= days <= MOST_DAYS:
            raise BadInput(f"`days` must be between 1 and {MOST_DAYS}, not {days}")
        if self.used_by_day is not None and days <= len(self.used_by_day):
            return UsageTrend.of(self.used_by_day[-days:], _midnight())
        return cast("UsageTrend", self._trend(info, days))

    async def _trend(self, info: Info, days: int) -> UsageTrend:
        return UsageTrend.of(await info.context.loaders.days.load((self.slug, days)), _midnight())

    @strawberry.field(
        description="The limits that its requests are held to, with their present use; those of all projects together only for "
        f"whoever may see all projects; {NO_REPORTS}."
    )
    async def limit_use(self, info: Info) -> list[LimitUse] | None:
        """Through a loader."""
        uses = await info.context.loaders.limit_uses.load(Scope(self.slug))
        return seen(signed_in(info.context.viewer), uses)

    @strawberry.field(description="Its own limits, of all its tokens together.")
    def limits(self) -> Limits:
        """As the file has them."""
        return Limits.of(self.settings.limits)

    @strawberry.field(description="Other /v1 paths that it may reach.")
    def pass_through(self) -> PassThrough:
        """As the file has it."""
        return PassThrough.of(self.settings.pass_through)

    @strawberry.field(description="Its models and policies, in order.")
    def routing(self) -> ProjectRouting:
        """Of the same revision."""
        return ProjectRouting.at(self.catalogue, self.slug)

    @strawberry.field(description="Its tokens, without their values.")
    def tokens(
        self,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 200; 50 when left out.")] = None,
        after: Annotated[str | None, strawberry.argument(description="The cursor that the page follows.")] = None,
        search: Annotated[str | None, strawberry.argument(description="A part of a name, prefix or id.")] = None,
    ) -> TokenConnection:
        """Of the same revision."""
        return tokens_of(self.catalogue, self.slug, page_size(first), after, search)

    @strawberry.field(description="What an application needs to connect.")
    def connection_info(self, info: Info) -> ConnectionInfo:
        """Addresses as this process was told them."""
        url = info.context.services.proxy_url.rstrip("/")
        return ConnectionInfo(base_url=f"{url}/v1", project_base_url=f"{url}/projects/{self.slug}/v1", masked_token=PLACEHOLDER)

    @classmethod
    def of(cls, entry: ProjectEntry, catalogue: Catalogue) -> Project:
        """A project of one revision."""
        project = entry.project
        return cls(
            id=node_id("Project", project.id),
            slug=entry.slug,
            name=project.name,
            description=project.description,
            timeouts=ProjectTimeouts.of(project.timeouts),
            models=list(entry.models),
            token_count=entry.tokens,
            labels=labels(project.labels),
            default_max_output_tokens=project.default_max_output_tokens,
            trace_content=project.trace.content,
            members=[Member(user=member.user, role=member.role) for member in project.members],
            revision=catalogue.revision,
            catalogue=catalogue,
            settings=project,
        )

    @classmethod
    def at(cls, catalogue: Catalogue, slug: str) -> Project | None:
        """The project with this slug, if there is one."""
        entry = catalogue.project(slug)
        return cls.of(entry, catalogue) if entry is not None else None


def _midnight() -> int:
    moment = now_ms()
    return moment - moment % DAY_MS


@strawberry.type(description="A project in its list.")
class ProjectEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The project's position.")
    node: Project = strawberry.field(description="The project.")


@strawberry.type(description="A page of projects.")
class ProjectConnection:
    """Relay's connection."""

    edges: list[ProjectEdge] = strawberry.field(description="The projects with their cursors.")
    nodes: list[Project] = strawberry.field(description="The projects alone.")
    page_info: PageInfo = strawberry.field(description="Where this page lies.")
    total_count: int = strawberry.field(description="How many projects match.")
