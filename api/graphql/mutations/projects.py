"""`projectCreate`, `projectUpdate`, `projectDelete`."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Annotated, TypeAlias

import strawberry

from api.edits import projects
from api.edits.documents import distinct
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Plan, commit
from api.graphql.mutations.limits_input import LimitsInput, limits_plain
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.project import Project
from api.identifiers import new_id
from api.repository.lineage import former_id
from api.repository.store import Changes
from core.config import Config
from core.paths import project_path, slug_of
from core.yaml_strict import Value

_ATTEMPTS = 20


@strawberry.input(description="A label to set.")
class LabelInput:
    """One entry of a labels map."""

    key: str = strawberry.field(description="The label's name.")
    value: str = strawberry.field(description="The label's value.")


@strawberry.input(description="Timeouts to set, in milliseconds; null unsets one, what is left out stays.")
class ProjectTimeoutsInput:
    """A wish for a project's timeouts."""

    timeout_ms: strawberry.Maybe[int | None] = strawberry.field(description="The whole request.")
    attempt_timeout_ms: strawberry.Maybe[int | None] = strawberry.field(description="One attempt, to its first content.")
    idle_timeout_ms: strawberry.Maybe[int | None] = strawberry.field(description="Between two bytes of an answer.")
    connect_timeout_ms: strawberry.Maybe[int | None] = strawberry.field(description="To connect to a provider.")

    def wished(self) -> dict[str, Value]:
        """Only what was given."""
        given = {
            "timeout_ms": self.timeout_ms,
            "attempt_timeout_ms": self.attempt_timeout_ms,
            "idle_timeout_ms": self.idle_timeout_ms,
            "connect_timeout_ms": self.connect_timeout_ms,
        }
        return {name: wish.value for name, wish in given.items() if wish is not None}


@strawberry.input(description="Other /v1 paths that the project may reach.")
class PassThroughInput:
    """`core.config.PassThrough`, all of it."""

    methods: list[str] = strawberry.field(description="GET, POST, PUT, PATCH or DELETE.")
    paths: list[str] = strawberry.field(description="Path prefixes, such as /v1/audio.")
    default_provider: str | None = strawberry.field(default=None, description="Where they go when no model says so.")
    allow_unpriced: bool = strawberry.field(default=False, description="Also under a cost limit, without a known price.")

    def plain(self) -> dict[str, Value]:
        """What the file holds."""
        shown: dict[str, Value] = {"methods": [*self.methods], "paths": [*self.paths]}
        if self.default_provider is not None:
            shown["default_provider"] = self.default_provider
        return shown | ({"allow_unpriced": True} if self.allow_unpriced else {})


@strawberry.input(description="A new project. Whoever creates it becomes its admin.")
class ProjectCreateInput(CommitInput):
    """A wish for a project."""

    name: str = strawberry.field(description="Display name; unique ignoring case.")
    slug: str | None = strawberry.field(
        default=None,
        description="URL-safe name, fixed for ever and never another project's former one; left out: derived from the name.",
    )
    description: str | None = strawberry.field(default=None, description="What it is for.")
    timeouts: ProjectTimeoutsInput | None = strawberry.field(default=None, description="Its own timeouts.")
    default_max_output_tokens: int | None = strawberry.field(
        default=None, description="The output to reckon with where a request does not say."
    )
    limits: LimitsInput | None = strawberry.field(default=None, description="Limits of all its tokens together.")
    trace_content: bool | None = strawberry.field(default=None, description="Whether traces keep what was said.")
    pass_through: PassThroughInput | None = strawberry.field(default=None, description="Other /v1 paths that it may reach.")
    labels: list[LabelInput] | None = strawberry.field(default=None, description="Copied to its log rows.")

    def fields(self) -> dict[str, Value]:
        """Further fields of the file."""
        timeouts: dict[str, Value] = (
            {name: value for name, value in self.timeouts.wished().items() if value is not None} if self.timeouts else {}
        )
        return {
            "description": self.description or None,
            "timeouts": timeouts or None,
            "limits": self.limits.plain() if self.limits else None,
            "default_max_output_tokens": self.default_max_output_tokens,
            "trace": {"content": True} if self.trace_content else None,
            "pass_through": self.pass_through.plain() if self.pass_through else None,
            "labels": plain_labels(self.labels),
        }


@strawberry.input(description="What to change about a project; what is left out stays.")
class ProjectUpdateInput(CommitInput):
    """A wish for a project's file."""

    slug: str = strawberry.field(description="The project.")
    name: str | None = strawberry.field(default=None, description="A new display name; unique ignoring case.")
    description: str | None = strawberry.field(default=None, description='What it is for; "" for nothing.')
    timeouts: ProjectTimeoutsInput | None = strawberry.field(default=None, description="Timeouts to set or unset.")
    default_max_output_tokens: strawberry.Maybe[int | None] = strawberry.field(
        description="The output to reckon with where a request does not say; null unsets it."
    )
    limits: strawberry.Maybe[LimitsInput | None] = strawberry.field(
        description="Limits of all its tokens together, in place of those it has; null takes them away. Needs `limit:write`."
    )
    trace_content: bool | None = strawberry.field(default=None, description="Whether traces keep what was said.")
    pass_through: strawberry.Maybe[PassThroughInput | None] = strawberry.field(
        description="Other /v1 paths that it may reach; null for none."
    )
    labels: list[LabelInput] | None = strawberry.field(default=None, description="Its labels, in place of those it has.")

    def fields(self) -> dict[str, Value]:
        """Only what was given; None unsets."""
        wished: dict[str, Value] = {}
        if self.name is not None:
            wished["name"] = self.name
        if self.description is not None:
            wished["description"] = self.description or None
        if self.timeouts is not None:
            wished["timeouts"] = self.timeouts.wished()
        if self.default_max_output_tokens is not None:
            wished["default_max_output_tokens"] = self.default_max_output_tokens.value
        if self.trace_content is not None:
            wished["trace"] = {"content": self.trace_content}
        if self.pass_through is not None:
            wished["pass_through"] = self.pass_through.value.plain() if self.pass_through.value is not None else None
        if self.labels is not None:
            wished["labels"] = plain_labels(self.labels)
        return wished | limits_plain(self.limits)


@strawberry.input(description="A project to delete, with its routing and tokens.")
class ProjectDeleteInput(CommitInput):
    """A wish for an end."""

    slug: str = strawberry.field(description="The project.")


@strawberry.type(description="The project was created, or would be.")
class ProjectCreated(ConfigurationChange):
    """A new project."""

    project: Project = strawberry.field(description="The project.")


@strawberry.type(description="The project was changed, or would be.")
class ProjectUpdated(ConfigurationChange):
    """A project with other settings."""

    project: Project = strawberry.field(description="The project as it is now, or would be.")


@strawberry.type(description="The project was deleted, or would be; what was recorded of it stays, under its slug.")
class ProjectDeleted(ConfigurationChange):
    """A project that is no more."""

    slug: str = strawberry.field(description="The slug that it had.")


ProjectCreatePayload: TypeAlias = Annotated[
    ProjectCreated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ProjectCreatePayload", description="What came of a new project."),
]
ProjectUpdatePayload: TypeAlias = Annotated[
    ProjectUpdated | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ProjectUpdatePayload", description="What came of a change to a project."),
]
ProjectDeletePayload: TypeAlias = Annotated[
    ProjectDeleted | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("ProjectDeletePayload", description="What came of the deletion of a project."),
]


async def project_create(context: Context, wish: ProjectCreateInput) -> ProjectCreated | Failure:
    """Make a project under the slug that was given, else under the first free one that its name gives."""
    viewer = context.viewer
    assert viewer is not None, "the guard of this field lets nobody else through"
    project_id, email = new_id(), viewer.email
    for attempt in range(_ATTEMPTS):
        slug = wish.slug if wish.slug is not None else await asyncio.to_thread(_free_slug, context, wish)
        creates = "slug" if wish.slug is not None or attempt == _ATTEMPTS - 1 else None
        plan = Plan(edit=partial(_created, wish, slug, project_id, email), creates=creates)
        landed = await commit(context, wish, plan)
        if isinstance(landed, Conflict):
            continue  # somebody else took the slug meanwhile
        if isinstance(landed, Failure):
            return landed
        made = slug_of(landed.change.changed_files[0]) or slug
        project = Project.at(landed.catalogue, made)
        if project is None:
            return NotFound(message=f"the project {made!r} was deleted meanwhile")
        # Whoever creates a project is its admin from then on, so in this very answer.
        context.viewer = landed.catalogue.grants.viewer(viewer)
        return ProjectCreated(change=landed.change, project=project)
    raise AssertionError("the last attempt returns")


def _created(
    wish: ProjectCreateInput, slug: str, project_id: str, email: str, _config: Config, _files: Mapping[str, bytes]
) -> Changes:
    return projects.created(slug, project_id, wish.name, email, wish.fields())


def _free_slug(context: Context, wish: ProjectCreateInput) -> str:
    """Read at the head, so that a slug that was just taken is seen, and one that a former project had; blocks."""
    repository = context.services.repository
    head = repository.head()

    def is_taken(slug: str) -> bool:
        if head is None:
            return False
        return repository.is_there(head, f"projects/{slug}") or former_id(repository, head, slug) is not None

    return projects.derived_slug(wish.name, is_taken)


async def project_update(context: Context, wish: ProjectUpdateInput) -> ProjectUpdated | Failure:
    """Change a project's own file."""
    landed = await commit(
        context,
        wish,
        Plan(
            reads=(project_path(wish.slug),),
            missing=missing_project(wish.slug),
            edit=lambda _config, files: projects.updated(files, wish.slug, wish.fields()),
        ),
    )
    if isinstance(landed, Failure):
        return landed
    project = Project.at(landed.catalogue, wish.slug)
    if project is None:
        return NotFound(message=f"the project {wish.slug!r} was deleted meanwhile")
    return ProjectUpdated(change=landed.change, project=project)


async def project_delete(context: Context, wish: ProjectDeleteInput) -> ProjectDeleted | Failure:
    """Delete a project's folder; its tokens are over when every proxy runs the revision."""
    landed = await commit(
        context,
        wish,
        Plan(
            reads=(project_path(wish.slug),),
            reads_below=f"projects/{wish.slug}",
            missing=missing_project(wish.slug),
            edit=lambda _config, files: projects.deleted(files),
            waits=True,
        ),
    )
    return landed if isinstance(landed, Failure) else ProjectDeleted(change=landed.change, slug=wish.slug)


def missing_project(slug: str) -> str:
    """What is said of a project that is not there."""
    return f"there is no project {slug!r}"


def plain_labels(labels: list[LabelInput] | None) -> dict[str, Value] | None:
    """Labels in a file; None for none. Raises EditRejected for a key that is given twice."""
    return distinct("labels", [(label.key, label.value) for label in labels]) or None if labels is not None else None


@strawberry.type(description="Changes of projects.")
class ProjectMutations:
    """A part of the root of mutations."""

    @strawberry.mutation(description="Create a project, as one commit.")
    async def project_create(
        self, info: Info, input: Annotated[ProjectCreateInput, strawberry.argument(description="The new project.")]
    ) -> ProjectCreatePayload:
        """Whoever creates it becomes its admin."""
        return await project_create(info.context, input)

    @strawberry.mutation(description="Change a project's settings, as one commit.")
    async def project_update(
        self, info: Info, input: Annotated[ProjectUpdateInput, strawberry.argument(description="What to change.")]
    ) -> ProjectUpdatePayload:
        """Its own file alone."""
        return await project_update(info.context, input)

    @strawberry.mutation(description="Delete a project with its routing and tokens, as one commit.")
    async def project_delete(
        self, info: Info, input: Annotated[ProjectDeleteInput, strawberry.argument(description="Which one.")]
    ) -> ProjectDeletePayload:
        """Answered when every connected proxy runs the new revision."""
        return await project_delete(info.context, input)
