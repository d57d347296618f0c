"""`history`, `revision`, `blame`, `file`, `projectAt`: what was, who made it so, when and why.

What the viewer may not see is not there: a file of another project has no history, no blame and no text.
"""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated

import strawberry

from api.graphql.arguments import project_named
from api.graphql.context import Context, Info
from api.graphql.errors import BadInput
from api.graphql.ids import BadNodeId, read_node_id
from api.graphql.types.history import Blame, ConfigurationFile
from api.graphql.types.nodes import page_size
from api.graphql.types.project import Project
from api.graphql.types.revision import Revision, RevisionConnection
from api.history import BadField, Topic
from api.history.fields import Step, steps_of
from api.history.reader import BadCursor
from api.repository.errors import UnknownRevision
from core.paths import project_path, token_path

AtRevision = Annotated[str | None, strawberry.argument(description="The commit to read at; the branch's head when left out.")]
Field = Annotated[
    str | None,
    strawberry.argument(description="A field of that file, such as `limits.rules[0].value` or `models[id=fast].limits`."),
]


@strawberry.type
class HistoryQueries:
    """The part of the query root that looks back."""

    @strawberry.field(
        description="The revisions, newest first: of the whole configuration, of a project, a token, a file or folder, or of a"
        " field of a file."
    )
    async def history(
        self,
        info: Info,
        project: Annotated[str | None, strawberry.argument(description="The slug or the id of a project.")] = None,
        token: Annotated[str | None, strawberry.argument(description="A token of that project, by the id in its file.")] = None,
        path: Annotated[str | None, strawberry.argument(description="A file or a folder of the repository.")] = None,
        field: Field = None,
        first: Annotated[int | None, strawberry.argument(description="How many, at most 200; 50 when left out.")] = None,
        after: Annotated[str | None, strawberry.argument(description="The cursor that the page follows.")] = None,
    ) -> RevisionConnection:
        """Narrowed to the files that the viewer may see."""
        topic = _topic(info.context, project, token, path, field)
        try:
            page = await info.context.services.history.page(topic, info.context.sight, page_size(first), after)
        except (BadCursor, UnknownRevision) as error:
            raise BadInput("`after` is no cursor of this history") from error
        return await RevisionConnection.of(info.context, page, after)

    @strawberry.field(
        description="A revision of the branch by its commit or its id, null when there is none; the published one when none is"
        " named."
    )
    async def revision(
        self,
        info: Info,
        id: Annotated[strawberry.ID | None, strawberry.argument(description="A commit's id, or a revision's node id.")] = None,
    ) -> Revision | None:
        """Its words only to whoever may see something that it changed."""
        commit = info.context.services.publisher.revision if id is None else _commit_of(id)
        return await revision_of(info.context, commit) if commit is not None else None

    @strawberry.field(description="Who set a field of a file, when and why; null where the file or the field is not there.")
    async def blame(
        self,
        info: Info,
        path: Annotated[str, strawberry.argument(description="The file's path in the repository.")],
        field: Annotated[str, strawberry.argument(description="The field, such as `limits.rules[0].value`.")],
        revision: AtRevision = None,
    ) -> Blame | None:
        """From the lines of the field."""
        try:
            found = await info.context.services.history.blame(path, _steps(field), revision, info.context.sight)
        except UnknownRevision:
            return None
        return await Blame.seen(info.context, found, field) if found is not None else None

    @strawberry.field(description="A file of the configuration at a revision; null where it was not there.")
    async def file(
        self,
        info: Info,
        path: Annotated[str, strawberry.argument(description="The file's path in the repository.")],
        revision: AtRevision = None,
    ) -> ConfigurationFile | None:
        """The text as it was committed."""
        try:
            found = await info.context.services.history.file(path, revision, info.context.sight)
        except UnknownRevision:
            return None
        return ConfigurationFile.of(info.context, found) if found is not None else None

    @strawberry.field(
        description="A project as a revision of the branch had it; null where there was none. What it used is of today."
    )
    async def project_at(
        self,
        info: Info,
        slug: Annotated[str, strawberry.argument(description="The project's slug.")],
        revision: Annotated[
            str | None, strawberry.argument(description="The commit to read at; the published one when left out.")
        ] = None,
    ) -> Project | None:
        """Files that could not be read then are left out."""
        services = info.context.services
        try:
            return Project.at(await services.history.catalogue(revision) if revision else services.catalogue(), slug)
        except UnknownRevision:
            return None


async def revision_of(context: Context, commit: str) -> Revision | None:
    """The revision that `commit` names, as far as the viewer may see what it changed; None where the branch has none."""
    try:
        return await Revision.seen(context, await context.services.history.commit(commit))
    except UnknownRevision:
        return None


def _commit_of(text: str) -> str:
    try:
        type_name, key = read_node_id(text)
    except BadNodeId:
        return text
    return key if type_name == "Revision" else text


def _topic(context: Context, project: str | None, token: str | None, path: str | None, field: str | None) -> Topic:
    """What a history is asked of. Raises BadInput for arguments that do not fit together."""
    if token is not None and project is None:
        raise BadInput("`token` is one of a project's: name its `project` too")
    if project is not None and path is not None:
        raise BadInput("give either `project` or `path`")
    if field is not None and project is None and path is None:
        raise BadInput("`field` is one of a file: name its `path`, or its `project`")
    if project is not None:
        path = _project_topic(context, project, token, of_file=field is not None)
    return Topic(path=path.strip("/") if path else None, field=_steps(field) if field is not None else ())


def _project_topic(context: Context, project: str, token: str | None, *, of_file: bool) -> str:
    slug = project_named(context, {"project": project}, "project") or project
    if token is not None:
        return token_path(slug, _token_id(token))
    return project_path(slug) if of_file else f"projects/{slug}"


def _token_id(token: str) -> str:
    """The id in a token's file name, of itself or of its node id."""
    try:
        _, key = read_node_id(token)
    except BadNodeId:
        return token
    return key.rpartition("/")[2]


def _steps(field: str) -> tuple[Step, ...]:
    try:
        return steps_of(field)
    except BadField as error:
        raise BadInput(f"`field`: {error}") from error
