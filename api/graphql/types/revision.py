"""A revision of the configuration: a commit, with who made it and why, as far as the viewer may see what it changed."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

from typing import Annotated

import strawberry

from api.graphql.context import Context, Info
from api.graphql.ids import node_id
from api.graphql.scalars import Instant
from api.graphql.types.change import FileDiff
from api.graphql.types.nodes import Label, Node, PageInfo, labels
from api.history import Page
from api.repository.log import Commit

MOST_DIFFS = 200

Paths = Annotated[
    list[str] | None,
    strawberry.argument(
        description="Only these files, or those below these folders; all that the viewer may see when left out."
    ),
]


@strawberry.type(description="Who made a revision: a user of Waybill, or whoever pushed it.")
class RevisionAuthor:
    """The author of a commit."""

    name: str = strawberry.field(description="Their name.")
    email: str = strawberry.field(description="Their e-mail address.")


@strawberry.type(description="A revision of the configuration: one commit of its repository.")
class Revision(Node):
    """One commit. `words` is None where the viewer may see nothing that it changed: who changed what is not theirs to know."""

    words: strawberry.Private[Commit | None]

    commit: str = strawberry.field(description="The commit's id; give it as `expectedRevision` to change what was read at it.")
    committed_at: Instant | None = strawberry.field(description="When it was committed.")

    @strawberry.field(description="Who made it; null where it changed nothing that the viewer may see.")
    def author(self) -> RevisionAuthor | None:
        """As the commit has it."""
        return RevisionAuthor(name=self.words.author.name, email=self.words.author.email) if self.words else None

    @strawberry.field(description="Why: the commit's message without what Waybill noted. Null as `author` is.")
    def reason(self) -> str | None:
        """As the commit has it."""
        return self.words.reason if self.words else None

    @strawberry.field(
        description="What Waybill noted of a commit of its own: the acting user, the request, the idempotency key."
    )
    def trailers(self) -> list[Label]:
        """Empty for a commit that was pushed, whatever it says."""
        return labels(dict(self.words.trailers)) if self.words else []

    @strawberry.field(description="The revisions it was made on: one, more for a merge, none for the first.")
    def parents(self) -> list[str]:
        """Ids of commits."""
        return list(self.words.parents) if self.words else []

    @strawberry.field(description="The files that it changed, of those that the viewer may see.")
    async def changed_files(self, info: Info) -> list[str]:
        """Against the first parent."""
        return await _changed(info.context, self.commit)

    @strawberry.field(description=f"How these files differ from what they were before; at most {MOST_DIFFS}.")
    async def diff(self, info: Info, paths: Paths = None) -> list[FileDiff]:
        """Against the first parent."""
        shown = [path for path in await _changed(info.context, self.commit) if paths is None or _within(path, paths)]
        history = info.context.services.history
        return await FileDiff.of(info, await history.shown(self.commit, shown[:MOST_DIFFS], info.context.sight))

    @classmethod
    def of(cls, commit: Commit, *, seen: bool = True) -> Revision:
        """A commit; only its id and its date where nothing of it is `seen`."""
        return cls(
            id=node_id("Revision", commit.revision),
            words=commit if seen else None,
            commit=commit.revision,
            committed_at=Instant(commit.committed_at_ms),
        )

    @classmethod
    async def seen(cls, context: Context, commit: Commit) -> Revision:
        """A commit as far as the viewer may see what it changed."""
        everything = context.sight.everything
        return cls.of(commit, seen=everything or bool(await _changed(context, commit.revision)))


async def _changed(context: Context, revision: str) -> list[str]:
    return await context.services.history.changed(revision, context.sight)


def _within(path: str, paths: list[str]) -> bool:
    return any(path == wanted or path.startswith(wanted.rstrip("/") + "/") for wanted in paths)


@strawberry.type(description="A revision in a history.")
class RevisionEdge:
    """Relay's edge."""

    cursor: str = strawberry.field(description="The revision's position in this history.")
    node: Revision = strawberry.field(description="The revision.")


@strawberry.type(description="A page of a history, newest first. Later pages go on from the head that the first was read at.")
class RevisionConnection:
    """Relay's connection."""

    edges: list[RevisionEdge] = strawberry.field(description="The revisions with their cursors.")
    nodes: list[Revision] = strawberry.field(description="The same revisions, for whoever needs no cursors.")
    page_info: PageInfo = strawberry.field(
        description="Where this page lies. A page on a field can be short, or empty, and still have a next one."
    )

    @classmethod
    async def of(cls, context: Context, page: Page, after: str | None) -> RevisionConnection:
        """A page, every commit of which changed a file that the viewer may see; as it was then, they perhaps may not."""
        sight = context.sight
        nodes = [
            Revision.of(each.commit) if sight.listed is None else await Revision.seen(context, each.commit)
            for each in page.commits
        ]
        edges = [RevisionEdge(cursor=each.cursor, node=node) for each, node in zip(page.commits, nodes, strict=True)]
        return cls(
            edges=edges,
            nodes=[edge.node for edge in edges],
            page_info=PageInfo(
                has_next_page=page.more,
                has_previous_page=after is not None,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=page.end,
            ),
        )
