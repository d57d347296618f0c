"""`revert`: undo one revision, as a commit.

Each file that the revision changed goes back to what it was before. A file that was changed since is a conflict with every
version; one that is back already stays. A dry run shows the difference and the validation, and commits nothing.
"""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, TypeAlias, cast

import strawberry

from api.access import Forbidden, NotVisible, Rule, require, signed_in
from api.edits import EditRejected
from api.edits.providers import owner_of
from api.graphql.context import Context, Info
from api.graphql.mutations.committing import CommitInput, Failure, Files, Plan, commit, input_problem
from api.graphql.mutations.refusals import invalid
from api.graphql.types.change import ConfigurationChange
from api.graphql.types.failures import Conflict, NotAllowed, NotFound, ValidationFailed
from api.graphql.types.revision import Revision
from api.history import Sight
from api.repository.errors import Conflict as FilesConflict
from api.repository.errors import UnknownRevision, Versions
from api.repository.log import Commit, Version
from api.repository.store import Changes
from core.config import Config, Project, Provider, Token
from core.paths import kind_of, slug_of


@strawberry.input(description="A revision to undo.")
class RevertInput(CommitInput):
    """A wish that something had not been done."""

    revision: str = strawberry.field(description="The commit to undo; a merge is undone as a whole.")


@strawberry.type(description="The revision was undone, or would be.")
class Reverted(ConfigurationChange):
    """What a revert led to."""

    reverted: Revision = strawberry.field(description="The revision that was undone.")


RevertPayload: TypeAlias = Annotated[
    Reverted | Conflict | ValidationFailed | NotAllowed | NotFound,
    strawberry.union("RevertPayload", description="What came of undoing a revision."),
]


async def revert(context: Context, wish: RevertInput) -> Reverted | Failure:
    """Undo a revision. What its files take is asked as for any change of them."""
    if problem := input_problem(wish):
        return invalid([problem])
    try:
        undone = await context.services.history.commit(wish.revision)
    except UnknownRevision:
        return _missing(wish)
    paths = await context.services.history.changed(wish.revision, Sight(projects=None, models=True))
    sight = context.sight
    versions = await context.services.history.versions(wish.revision, paths)
    hidden = next((each.path for each in versions if not (sight.sees(each.path) or _was_seen(context, each))), None)
    if hidden is not None:
        context.deny("Mutation.revert", "project:read", NotVisible(slug_of(hidden) or hidden))
        return _missing(wish)
    try:
        for rule, project in _needed(versions):
            require(context.viewer, rule, project)
    except Forbidden as error:
        context.deny("Mutation.revert", cast("Rule", error.permission), error)
        return NotAllowed(message=str(error), permission=error.permission)

    def edit(config: Config, files: Files) -> Changes:
        return undoing(undone, versions, wish.expected_revision, files)

    waits = any("/tokens/" in path or path.endswith("/project.yaml") for path in paths)
    landed = await commit(context, wish, Plan(edit=edit, reads_if_there=tuple(paths), waits=waits))
    if isinstance(landed, Failure):
        return landed
    return Reverted(change=landed.change, reverted=Revision.of(undone))


def _was_seen(context: Context, version: Version) -> bool:
    """Whether a file that is not there any more was of a provider that the viewer could see: they may want it back."""
    if kind_of(version.path) is not Provider or version.path in context.services.catalogue().config.files:
        return False
    viewer = signed_in(context.viewer)
    try:
        return all(viewer.may("model:read", owner_of(data)) for data in (version.before, version.after) if data is not None)
    except EditRejected:
        return False  # whose it was cannot be read


def _needed(versions: list[Version]) -> Iterator[tuple[Rule, str | None]]:
    """What it takes beside what the changes of files take: a file that comes back brings back what it grants."""
    for version in versions:
        kind, slug = kind_of(version.path), slug_of(version.path)
        if kind is None:
            yield "settings:write", None  # what is no configuration belongs to whoever runs the installation
        elif version.after is None and kind is Project:
            yield "member:write", slug
        elif version.after is None and kind is Token:
            yield "token:write", slug


def undoing(undone: Commit, versions: list[Version], read_at: str, files: Files) -> Changes:
    """The files as they were before, where they are still as the revision left them. Raises the repository's Conflict."""
    conflicts = tuple(
        Versions(path=version.path, read=version.after, head=files.get(version.path), proposed=version.before)
        for version in versions
        if files.get(version.path) not in (version.before, version.after)
    )
    if conflicts:
        raise FilesConflict(read_at, conflicts)
    return {version.path: version.before for version in versions if files.get(version.path) != version.before}


def _missing(wish: RevertInput) -> NotFound:
    return NotFound(message=f"the branch has no revision {wish.revision[:40]!r}, or it changed files that you may not see")


@strawberry.type
class RevertMutations:
    """The part of the mutation root that takes back."""

    @strawberry.mutation(
        description="Undo one revision, as a commit. A dry run returns the difference and what the check finds."
    )
    async def revert(
        self, info: Info, input: Annotated[RevertInput, strawberry.argument(description="What to undo.")]
    ) -> RevertPayload:
        """See `revert`."""
        return await revert(info.context, input)
