"""`waybill check PATH|REV`: the check that a push, a mutation and the proxy go through, on anything that holds files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from core import files
from core.files import ConfigError, ConfigErrors, kind_of
from core.layout import Layout
from waybill.errors import BadArgument, DataFolderUnusable
from waybill.template import read_files


def check(target: str, data: Path) -> int:
    """Print every error, one a line, and return 1; or say that all is well and return 0."""
    content, what = read_target(target, data)
    errors = [*_as_files(Path(target).expanduser(), content)]
    read = 0
    try:
        read = len(files.load(content).files)
    except ConfigErrors as found:
        errors += found.errors
    if errors:
        print(ConfigErrors(errors), file=sys.stderr)  # noqa: T201  # the command's answer
        print(f"{what}: {_counted(len(errors), 'error')}", file=sys.stderr)  # noqa: T201  # the same
        return 1
    print(f"{what}: {_counted(read, 'file')}, no errors")  # noqa: T201  # the same
    return 0


def _as_files(root: Path, content: Mapping[str, bytes]) -> Iterator[ConfigError]:
    """What a push refuses whatever the files say: secrets in clear, links. Only of files that are read: what else lies in a
    working copy (an ignored .env, say) need not be meant for a push."""
    from api.repository.checks import file_faults

    configuration = {path: data for path, data in content.items() if kind_of(path) is not None}
    yield from file_faults(configuration)
    for path in configuration:
        if (root / path).is_symlink():
            yield ConfigError(path, 1, "", "this is a symbolic link: only ordinary files can be pushed")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def read_target(target: str, data: Path) -> tuple[dict[str, bytes], str]:
    """The files, and what they are in words: of a folder, of a bare repository's `main`, or of a revision of --data's."""
    path = Path(target).expanduser()
    if (path / "objects").is_dir() and (path / "HEAD").is_file():
        return files_at(path, "main")
    if path.is_dir():
        return read_files(path), str(path)
    if path.is_file():
        raise BadArgument(f"{target}: a file is checked with all that it refers to: give the folder that holds waybill.yaml")
    repository = Layout(data.expanduser().absolute()).repository
    if not repository.is_dir():
        raise BadArgument(f"{target}: no such folder, and {data} has no repository to look for a revision")
    return files_at(repository, target)


def files_at(path: Path, revision: str) -> tuple[dict[str, bytes], str]:
    """The files of a repository's revision, and what they are in words. Raises BadArgument where there is none."""
    import pygit2

    from api.repository.errors import RepositoryAway
    from api.repository.store import Repository

    repository = Repository(path)
    try:
        commit = repository.git.revparse_single(revision).peel(pygit2.Commit)
    except RepositoryAway:
        raise DataFolderUnusable(f"{path}: not a Git repository that can be read") from None
    except (KeyError, ValueError, pygit2.GitError):
        raise BadArgument(f"{revision}: neither a folder nor a revision of {path}") from None
    try:
        return repository.contents(str(commit.id)), f"{path} at {str(commit.id)[:12]}"
    except pygit2.GitError as error:
        raise DataFolderUnusable(f"{path}: {error}") from None
