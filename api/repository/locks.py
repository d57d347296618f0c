"""Lock files that a killed writer left behind.

Git and libgit2 move a branch by creating `<ref>.lock` exclusively, writing the new value and renaming it over the ref; `git
pack-refs` does the same with `packed-refs.lock`. A process killed in between leaves the file, and every later writer, push or
API, stops. Such a lock is held for milliseconds, and its owner is one of two: a writer of ours, which holds a kernel lock on
`waybill-writer` all the while, or a git process, which works in the repository's folder. One that is `YOUNG_S` old with
neither alive is a dead writer's; so is one that is `STALE_AFTER_S` old, whatever can be seen of its owner. It is moved aside
before it is deleted: if its owner does wake up, its rename fails, and the branch keeps one of the two values.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import time
from collections.abc import Iterator
from pathlib import Path

STALE_AFTER_S = 5.0
YOUNG_S = 0.3
# How long one push may keep others from writing: several times what a check takes on a busy machine.
TURN_S = 5.0
_PAUSE_S = 0.02


@contextlib.contextmanager
def writing(repository: Path, *, wait: bool = True) -> Iterator[bool]:
    """Be the only writer of ours while the block runs; the kernel lets go when this process dies.

    Yields False, without it, when another one is at work and `wait` is off.
    """
    with (repository / "waybill-writer").open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def take_turn(repository: Path) -> None:
    """Keep other writers away until the git process that runs this hook has ended, at most `TURN_S`.

    Without it, a push meets a branch that moved during its check wherever commits come faster than checks end. Git moves the
    branch after the hook, so the lock passes to a process that waits for git.
    """
    with (repository / "waybill-writer").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        git = os.getppid()
        if os.fork() == 0:
            try:
                _wait_for_the_end_of(git)
            finally:
                os._exit(0)


def _wait_for_the_end_of(process: int) -> None:
    null = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(null, stream)  # git takes an open output of its hook for a hook at work
    end = select.poll()
    end.register(os.pidfd_open(process), select.POLLIN)
    end.poll(TURN_S * 1_000)


def held(repository: Path) -> Iterator[Path]:
    """The lock files that stop a branch from moving."""
    for name in ("HEAD.lock", "packed-refs.lock", "config.lock"):
        if (path := repository / name).exists():
            yield path
    yield from (repository / "refs").rglob("*.lock")


def sweep(repository: Path, stale_after_s: float = STALE_AFTER_S) -> tuple[str, ...]:
    """Remove the locks of dead writers; return their names. Never touches a living one's."""
    if not any(True for _ in held(repository)):
        return ()
    with writing(repository, wait=False) as alone:
        return swept(repository, stale_after_s, alone=alone)


def swept(repository: Path, stale_after_s: float, *, alone: bool) -> tuple[str, ...]:
    """The same, for one who knows whether it is `alone`: in `writing`, so that no writer of ours can be the owner."""
    limit_s = min(stale_after_s, YOUNG_S) if alone and not _git_is_at_work(repository) else stale_after_s
    return tuple(path.name for path in held(repository) if _age_s(path) >= limit_s and _removed(path))


def wait_until_free(repository: Path, stale_after_s: float = STALE_AFTER_S, *, alone: bool = False) -> bool:
    """Wait for young locks to go and remove dead writers'; False if others hold one lock after another all the while."""
    give_up = time.monotonic() + 2 * stale_after_s
    while any(True for _ in held(repository)):
        if alone:
            swept(repository, stale_after_s, alone=True)
        else:
            sweep(repository, stale_after_s)
        if time.monotonic() > give_up:
            return False
        time.sleep(_PAUSE_S)
    return True


def _git_is_at_work(repository: Path) -> bool:
    """Whether a git process, other than the one that runs this as its hook, is in the repository's folder."""
    try:
        processes = [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return True  # no /proc: nothing can be said
    ours, place = {os.getpid(), os.getppid()}, repository.resolve()
    return any(int(process.name) not in ours and _works_in(process, place) for process in processes)


def _works_in(process: Path, place: Path) -> bool:
    try:
        return (process / "comm").read_text().startswith("git") and (process / "cwd").readlink().is_relative_to(place)
    except OSError:
        return False  # it has ended; another user's cannot be in a folder of mode 0700


def _age_s(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _removed(path: Path) -> bool:
    aside = path.with_name(f"{path.name}.stale-{os.getpid()}")
    try:
        path.rename(aside)
        aside.unlink()
    except FileNotFoundError:
        return False
    return True
