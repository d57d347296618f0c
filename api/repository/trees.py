"""Git trees as mappings: walk one, compare two, and build one by touching only the folders that change.

Only regular files count. Whatever else a tree holds (symlinks, submodules, names that are no UTF-8) is reported by
`entries_between`, so that the push check can refuse it, and left out everywhere else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
import pygit2
from pygit2.enums import DiffOption, FileMode, ObjectType

from api.repository.errors import PathTaken

REGULAR = frozenset((FileMode.BLOB, FileMode.BLOB_EXECUTABLE))

Nested = dict[str, "Nested | bytes | None"]


class Entry(msgspec.Struct, frozen=True):
    """One path that differs: its new blob (None: deleted) and its new mode. The path is bytes, for it may be no UTF-8."""

    raw_path: bytes
    blob: str | None
    mode: int

    @property
    def path(self) -> str | None:
        """The path as text; None when its bytes are no UTF-8."""
        try:
            return self.raw_path.decode()
        except UnicodeDecodeError:
            return None

    @property
    def regular(self) -> bool:
        """Whether it is an ordinary file, or was deleted."""
        return self.blob is None or self.mode in REGULAR


def blobs(git: pygit2.Repository, tree: pygit2.Tree, prefix: bytes = b"") -> Iterator[tuple[str, str]]:
    """(path, blob id) of every regular file, in Git's order."""
    for entry in tree:
        raw = prefix + (entry.raw_name or b"")
        if entry.type == ObjectType.TREE:
            yield from blobs(git, git[entry.id].peel(pygit2.Tree), raw + b"/")
        elif entry.filemode in REGULAR and (path := _text(raw)) is not None:
            yield path, str(entry.id)


def _text(raw: bytes) -> str | None:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return None


def blob_at(tree: pygit2.Tree | None, path: str) -> pygit2.Blob | None:
    """The regular file at `path`, or None."""
    return blobs_at(tree, (path,))[path]


def blobs_at(tree: pygit2.Tree | None, paths: Iterable[str]) -> dict[str, pygit2.Blob | None]:
    """The regular file at each path, or None. Each folder is read once: a look-up by a whole path reads all on its way."""
    folders: dict[str, pygit2.Tree | None] = {"": tree}

    def folder(path: str) -> pygit2.Tree | None:
        if path not in folders:
            above, _, name = path.rpartition("/")
            found = _entry(folder(above), name)
            folders[path] = found if isinstance(found, pygit2.Tree) else None
        return folders[path]

    found: dict[str, pygit2.Blob | None] = {}
    for path in paths:
        above, _, name = path.rpartition("/")
        entry = _entry(folder(above), name)
        found[path] = entry if isinstance(entry, pygit2.Blob) and entry.filemode in REGULAR else None
    return found


def came_into(git: pygit2.Repository, folder: str, old: pygit2.Tree | None, new: pygit2.Tree | None) -> Iterator[str]:
    """The paths of the regular files that are below `folder` in `new` and not in `old`."""
    before, after = _entry(old, folder), _entry(new, folder)
    if not isinstance(after, pygit2.Tree) or (before is not None and before.id == after.id):
        return
    prefix = f"{folder}/".encode()
    known = {path for path, _ in blobs(git, before, prefix)} if isinstance(before, pygit2.Tree) else set()
    yield from (path for path, _ in blobs(git, after, prefix) if path not in known)


def _entry(tree: pygit2.Tree | None, name: str) -> pygit2.Object | None:
    try:
        return tree[name] if tree is not None else None
    except KeyError:
        return None


def entries_between(git: pygit2.Repository, old: pygit2.Tree | None, new: pygit2.Tree) -> Iterator[Entry]:
    """What differs from `old` (None: the empty tree) to `new`. No renames: a moved file is a deletion and an addition."""
    flags = DiffOption.INCLUDE_TYPECHANGE
    # Compared the other way round against nothing, because pygit2 compares a tree with the empty one only as the old side.
    diff = old.diff_to_tree(new, flags=flags) if old is not None else new.diff_to_tree(flags=flags, swap=True)
    for delta in diff.deltas:
        file = delta.new_file
        gone = file.mode == FileMode.UNREADABLE
        yield Entry((delta.old_file if gone else file).raw_path, None if gone else str(file.id), int(file.mode))


def rebuilt(git: pygit2.Repository, tree: pygit2.Tree | None, changes: Mapping[str, bytes | None]) -> pygit2.Oid:
    """Write the blobs and the folders that `changes` touches (None deletes), and return the new root tree.

    Folders left empty disappear. Raises PathTaken where a file and a folder would share a name.
    """
    nested: Nested = {}
    for path, data in changes.items():
        *folders, name = path.split("/")
        level = nested
        for depth, folder in enumerate(folders):
            inner = level.setdefault(folder, {})
            if not isinstance(inner, dict):
                raise PathTaken(path, "/".join(folders[: depth + 1]))
            level = inner
        if isinstance(level.get(name), dict):
            raise PathTaken(path, path + "/")
        level[name] = data
    return _written(git, tree, nested, "") or git.TreeBuilder().write()


def _written(git: pygit2.Repository, tree: pygit2.Tree | None, changes: Nested, prefix: str) -> pygit2.Oid | None:
    builder = git.TreeBuilder(tree) if tree is not None else git.TreeBuilder()
    for name, change in changes.items():
        path = prefix + name
        present = builder.get(name)
        if isinstance(change, dict):
            folder = _folder(git, present, path, change)
            inner = _written(git, folder, change, path + "/")
            _place(builder, name, inner, FileMode.TREE)
        else:
            if present is not None and present.type == ObjectType.TREE and change is not None:
                raise PathTaken(path, path + "/")
            mode = FileMode(present.filemode) if present is not None and present.filemode in REGULAR else FileMode.BLOB
            _place(builder, name, None if change is None else git.create_blob(change), mode)
    return builder.write() if len(builder) else None


def _folder(git: pygit2.Repository, present: pygit2.Object | None, path: str, changes: Nested) -> pygit2.Tree | None:
    if present is None:
        return None
    if present.type != ObjectType.TREE:
        raise PathTaken(f"{path}/{next(iter(changes))}", path)
    return git[present.id].peel(pygit2.Tree)


def _place(builder: pygit2.TreeBuilder, name: str, oid: pygit2.Oid | None, mode: FileMode) -> None:
    if oid is not None:
        builder.insert(name, oid, mode)
    elif builder.get(name) is not None:
        builder.remove(name)
