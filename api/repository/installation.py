"""Making the bare repository, and keeping its settings and its push hook as this installation needs them."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from contextlib import suppress
from pathlib import Path

import pygit2

from api.repository import locks
from api.repository.store import BRANCH, Repository
from core.layout import Layout
from core.published import chains

# What receive-pack must hold to whatever the pushing user's own configuration says; a repository's value wins over theirs.
SETTINGS = {
    "core.hooksPath": "hooks",  # a user's global core.hooksPath would switch our check off
    "core.fsync": "committed,loose-object",  # an accepted push survives the death of the machine, as a commit of ours does
    "receive.denyNonFastForwards": "true",
    "receive.denyDeletes": "true",
    "receive.fsckObjects": "true",
    "receive.unpackLimit": "1",  # one pack to put on disk, not thirty loose objects: half the time of a push of ten files
    "receive.maxInputSize": str(256 * 1024 * 1024),
    "receive.autogc": "true",
    "gc.auto": "2000",
    "gc.pruneExpire": "2.weeks.ago",  # never younger: a commit's objects exist before the branch reaches them
    "gc.packRefs": "true",
}

_HOOK = """\
#!/bin/sh
# Written by Waybill at each start: a push is checked before it is accepted, whether or not Waybill is running.
PYTHONPATH={root} exec {python} -P -s -m api.repository.hook {data}
"""


def away(layout: Layout) -> bool:
    """Whether the repository is not there although revisions of it were published."""
    if layout.repository.exists():
        return False
    with suppress(FileNotFoundError):
        return bool(chains(path.name for path in layout.published.iterdir()))
    return False


def create(path: Path, data: Path, *, fsync: bool = True) -> Repository:
    """Make the repository at `path` unless it exists, then `install`. `data` is the data folder, with the published state."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        pygit2.init_repository(str(fresh), bare=True, initial_head=BRANCH.removeprefix("refs/heads/"))
        install(fresh, data)
        fresh.rename(path)
    else:
        install(path, data)
    return Repository(path, fsync=fsync)


def install(path: Path, data: Path) -> None:
    """Bring settings and hook up to date with this interpreter and these folders, and clear the locks of dead writers.

    Called at each start, because an upgrade or a moved folder would leave the hook pointing nowhere.
    """
    locks.sweep(path)
    config = pygit2.Repository(str(path)).config
    for name, value in SETTINGS.items():
        if name not in config or config[name] != value:
            config[name] = value
    _write_hook(path / "hooks", data)


def _write_hook(folder: Path, data: Path) -> None:
    script = _HOOK.format(
        root=shlex.quote(str(Path(__file__).resolve().parents[2])),
        python=shlex.quote(sys.executable),
        data=shlex.quote(str(data.resolve())),
    )
    hook = folder / "pre-receive"
    if hook.exists() and hook.read_text() == script and os.access(hook, os.X_OK):
        return
    folder.mkdir(exist_ok=True)
    fresh = folder / f".pre-receive.{os.getpid()}"
    fresh.write_text(script)
    fresh.chmod(0o755)
    fresh.replace(hook)
