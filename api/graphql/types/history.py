"""Files as they were, and who wrote which line of them."""

from __future__ import annotations

import strawberry

from api.graphql.context import Context
from api.graphql.types.change import TOO_LARGE
from api.graphql.types.revision import Revision
from api.history import Blame as BlamedField
from api.history import FileAt
from api.history.texts import is_binary, is_large, size_of, text_of


@strawberry.type(description="A file of the configuration at one revision.")
class ConfigurationFile:
    """A file as it was."""

    path: str = strawberry.field(description="Its path in the repository.")
    revision: str = strawberry.field(description="The commit that it was read at.")
    blob: str = strawberry.field(description="The id of its content: equal for equal contents.")
    size: int = strawberry.field(description="How many bytes it has.")
    binary: bool = strawberry.field(description="Whether it is no text; then `text` is empty.")
    truncated: bool = strawberry.field(description=f"Whether `text` is empty because {TOO_LARGE}.")
    text: str = strawberry.field(description="Its content.")

    @classmethod
    def of(cls, context: Context, file: FileAt) -> ConfigurationFile:
        """A file of the repository, as far as there is room for it in this answer."""
        size, binary = size_of(file.content), is_binary(file.content)
        fits = not binary and not is_large(file.content) and context.room.takes(size)
        return cls(
            path=file.path,
            revision=file.revision,
            blob=file.blob,
            size=size,
            binary=binary,
            truncated=not binary and not fits,
            text=text_of(file.content, shown=fits) or "",
        )


@strawberry.type(description="One line and the revision that it is from.")
class BlameLine:
    """One line of a blamed field."""

    line: int = strawberry.field(description="Its number in the file, from 1.")
    text: str = strawberry.field(description="The line.")
    revision: Revision = strawberry.field(description="The revision that wrote it as it is.")


@strawberry.type(description="Who set a field of a file, when and why.")
class Blame:
    """The lines of a field with their commits."""

    path: str = strawberry.field(description="The file.")
    field: str = strawberry.field(description="The field, as it was asked for.")
    at_revision: str = strawberry.field(description="The commit that the file was read at.")
    revision: Revision = strawberry.field(description="The revision that changed one of the field's lines last.")
    lines: list[BlameLine] = strawberry.field(description="The field's lines, its key included.")

    @classmethod
    async def seen(cls, context: Context, found: BlamedField, field: str) -> Blame:
        """As far as the viewer may see what these revisions changed: a line can be older than the file's place here."""
        commits = {commit.revision: commit for _, commit in (*found.lines, ("", found.last))}
        revisions = {id: await Revision.seen(context, commit) for id, commit in commits.items()}
        lines = [
            BlameLine(line=found.first_line + number, text=text, revision=revisions[commit.revision])
            for number, (text, commit) in enumerate(found.lines)
        ]
        last = revisions[found.last.revision]
        return cls(path=found.path, field=field, at_revision=found.revision, revision=last, lines=lines)
