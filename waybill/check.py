"""`waybill check PATH|REV`: the check that a push, a mutation and the proxy go through, on anything that holds files."""

from __future__ import annotations

import sys
from pathlib import Path

from core import files
from core.files import ConfigErrors
from core.layout import Layout
from waybill.errors import BadArgument, DataFolderUnusable
from waybill.template import read_files


def check(target: str, data: Path) -> int:
    """Print every error, one a line, and return 1; or say that all is well and return 0."""
    content, what = read_target(target, data)
    try:
        config = files.load(content)
    except ConfigErrors as found:
        for error in found.errors:
            print(error, file=sys.stderr)  # noqa: T201  # the command's answer
        print(f"{what}: {len(found.errors)} errors", file=sys.stderr)  # noqa: T201  # the same
        return 1
    print(f"{what}: {len(config.files)} files, no errors")  # noqa: T201  # the same
    return 0


def read_target(target: str, data: Path) -> tuple[dict[str, bytes], str]:
    """The files, and what they are in words: of a folder, of a bare repository's `main`, or of a revision of --data's."""
    path = Path(target).expanduser()
    if (path / "objects").is_dir() and (path / "HEAD").is_file():
        return files_at(path, "main")
    if path.is_dir():
        return read_files(path), str(path)
    repository = Layout(data.expanduser().absolute()).repository
    if not repository.is_dir():
        raise BadArgument(f"{target}: no such folder, and {data} has no repository to look for a revision")
    return files_at(repository, target)


def files_at(path: Path, revision: str) -> tuple[dict[str, bytes], str]:
    """The files of a repository's revision, and what they are in words. Raises BadArgument where there is none."""
    import pygit2

    from api.repository.store import Repository

    repository = Repository(path)
    try:
        commit = repository.git.revparse_single(revision).peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        raise BadArgument(f"{revision}: neither a folder nor a revision of {path}") from None
    try:
        return repository.contents(str(commit.id)), f"{path} at {str(commit.id)[:12]}"
    except pygit2.GitError as error:
        raise DataFolderUnusable(f"{path}: {error}") from None
