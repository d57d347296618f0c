"""What every change of the configuration answers with: the commit, its files, their difference, and who does not run it yet."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeAlias

import strawberry

from api.graphql.context import Info
from api.graphql.lookahead import selected
from api.history.texts import MAX_ANSWER_BYTES, MAX_LINES, Compared, compared
from api.repository.log import Sides
from api.repository.store import MAX_FILE_BYTES

Versions: TypeAlias = Mapping[str, bytes | None]
ASKED_WAIT_S = 0.25
TOO_LARGE = (
    f"the file is larger than {MAX_FILE_BYTES >> 20} MiB, or the files of one answer would be together more than"
    f" {MAX_ANSWER_BYTES >> 20} MiB"
)


@strawberry.enum(description="What happened to a file.")
class FileChange(Enum):
    """Kinds of change to one file."""

    ADDED = strawberry.enum_value("ADDED", description="It was not there.")
    MODIFIED = strawberry.enum_value("MODIFIED", description="It has other contents.")
    DELETED = strawberry.enum_value("DELETED", description="It is there no more.")


@strawberry.type(description="How one file differs between two revisions.")
class FileDiff:
    """One file's part of a difference."""

    path: str = strawberry.field(description="The file's path in the repository.")
    change: FileChange = strawberry.field(description="What happened to it.")
    binary: bool = strawberry.field(
        description="Whether a version of it is no text: `unified` says only that they differ, `before` and `after` are empty."
    )
    truncated: bool = strawberry.field(
        description=f"Whether something is left out because {TOO_LARGE}, or because a version that is to be compared has more"
        f" than {MAX_LINES:,} lines: `unified` says so, and `before` and `after` can be empty."
    )
    unified: str = strawberry.field(description="The difference in unified form, three lines of context.")
    before: str | None = strawberry.field(description="The whole file before; null where it was not there.")
    after: str | None = strawberry.field(description="The whole file after; null where it is there no more.")

    @classmethod
    async def of(cls, info: Info, versions: Sequence[Sides]) -> list[FileDiff]:
        """How these files differ, as far as it is asked for and there is room for it in this answer; compared in a thread."""
        asked = selected(info)
        texts, unified = not asked.isdisjoint({"before", "after"}), "unified" in asked
        room = info.context.room
        found = await asyncio.to_thread(compared, versions, room, texts=texts, unified=unified)
        return [cls._of(each) for each in found]

    @classmethod
    def _of(cls, found: Compared) -> FileDiff:
        return cls(
            path=found.path,
            change=FileChange.ADDED if found.added else FileChange.DELETED if found.deleted else FileChange.MODIFIED,
            binary=found.binary,
            truncated=found.truncated,
            unified=found.unified,
            before=found.before,
            after=found.after,
        )


@strawberry.type(description="What a mutation did to the configuration, or would do.")
class ChangeResult:
    """One change, committed or tried."""

    revision: str = strawberry.field(description="The commit that has the change; in a dry run the one that it was checked on.")
    changed_files: list[str] = strawberry.field(description="Paths of the files that were changed; none if all was so already.")
    dry_run: bool = strawberry.field(description="Whether nothing was committed.")
    replayed: bool = strawberry.field(
        description="Whether this is what an earlier try with the same idempotency key did: this one did nothing."
    )
    before: strawberry.Private[Versions]
    after: strawberry.Private[Versions]
    pending: strawberry.Private[Sequence[str] | None] = None  # None: nobody has waited for the proxies yet

    @strawberry.field(
        description="Ids of connected proxies that do not run this revision yet. Where the mutation itself does not wait for"
        " them, asking for this does, for at most a quarter of a second."
    )
    async def pending_proxies(self, info: Info) -> list[str]:
        """Waits only for whoever asks."""
        if self.pending is not None or self.dry_run:
            return list(self.pending or ())
        return list(await info.context.services.publisher.wait_until_running(self.revision, ASKED_WAIT_S))

    @strawberry.field(description="How the changed files differ.")
    async def diff(self, info: Info) -> list[FileDiff]:
        """Made only when it is asked for."""
        return await FileDiff.of(
            info, [Sides(path, self.before.get(path), self.after.get(path)) for path in self.changed_files]
        )


@strawberry.interface(description="A mutation that changed the configuration, or would, in a dry run.")
class ConfigurationChange:
    """What the success of every committing mutation has in common."""

    change: ChangeResult = strawberry.field(description="The commit and what is in it.")
