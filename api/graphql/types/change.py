"""What every change of the configuration answers with: the commit, its files, their difference, and who does not run it yet."""

# mypy: disallow-untyped-decorators=False
# Strawberry types its field decorators as Any.

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import TypeAlias

import strawberry

from api.graphql.context import Info

Versions: TypeAlias = Mapping[str, bytes | None]
ASKED_WAIT_S = 0.25


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
    unified: str = strawberry.field(description="The difference in unified form, three lines of context.")
    before: str | None = strawberry.field(description="The whole file before; null where it was not there.")
    after: str | None = strawberry.field(description="The whole file after; null where it is there no more.")

    @classmethod
    def of(cls, path: str, before: bytes | None, after: bytes | None) -> FileDiff:
        """The difference of two versions of a file; None where it is not there."""
        change = FileChange.ADDED if before is None else FileChange.DELETED if after is None else FileChange.MODIFIED
        return cls(path=path, change=change, unified=unified(path, before, after), before=_text(before), after=_text(after))


def _text(data: bytes | None) -> str | None:
    return data.decode(errors="replace") if data is not None else None


def unified(path: str, before: bytes | None, after: bytes | None) -> str:
    """A unified difference as `git diff` writes it."""
    old, new = ((data or b"").decode(errors="replace").splitlines(keepends=True) for data in (before, after))
    names = (f"a/{path}" if before is not None else "/dev/null", f"b/{path}" if after is not None else "/dev/null")
    lines = difflib.unified_diff(old, new, *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


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
    def diff(self) -> list[FileDiff]:
        """Made only when it is asked for."""
        return [FileDiff.of(path, self.before.get(path), self.after.get(path)) for path in self.changed_files]


@strawberry.interface(description="A mutation that changed the configuration, or would, in a dry run.")
class ConfigurationChange:
    """What the success of every committing mutation has in common."""

    change: ChangeResult = strawberry.field(description="The commit and what is in it.")
