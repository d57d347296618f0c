"""What lies in `published/` and `proxies/`: names, order and content. Pure; the API writes the first, each proxy its own file.

Each publication n is `delta-<n>.json`, on top of n - 1; some are a whole configuration too, `full-<n>.json`. A reader starts at
the newest full one that it can read and applies the deltas after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from core.snapshot import Delta, DeltaMismatch

_NAME = re.compile(r"(full|delta)-(\d{12})\.json")


class Chain(msgspec.Struct, frozen=True):
    """A full publication and the unbroken run of deltas after it, by number."""

    full: int
    deltas: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The files, in the order in which they apply."""
        return (full_name(self.full), *map(delta_name, self.deltas))


class Refused(msgspec.Struct, frozen=True):
    """A revision that a proxy could not run, and why."""

    revision: str
    error: str


class ProxyState(msgspec.Struct, frozen=True, kw_only=True):
    """What `proxies/<id>.json` says: the publication that this proxy runs, and the one that it refused since, if any."""

    proxy_id: str
    pid: int
    revision: str | None
    sequence: int
    at_ms: int
    refused: Refused | None = None


def full_name(sequence: int) -> str:
    """The file of a full publication."""
    return f"full-{sequence:012d}.json"


def delta_name(sequence: int) -> str:
    """The file of a delta."""
    return f"delta-{sequence:012d}.json"


def chains(names: Iterable[str]) -> list[Chain]:
    """Every way to start, the newest full one first. Names that are none of ours (a file being written) are ignored."""
    fulls, deltas = _numbers(names)
    return [Chain(full, _run(deltas, full + 1)) for full in sorted(fulls, reverse=True)]


def newest(names: Iterable[str]) -> int:
    """The highest publication there is; 0 when there is none."""
    fulls, deltas = _numbers(names)
    return max(fulls | deltas, default=0)


def superseded(names: Iterable[str]) -> list[str]:
    """The files that nobody will start from: all but the two newest fulls and the deltas after the older of them."""
    fulls, deltas = _numbers(names)
    kept = sorted(fulls)[-2:]
    if not kept:
        return []
    return [full_name(n) for n in sorted(fulls - set(kept))] + [delta_name(n) for n in sorted(deltas) if n <= kept[0]]


def folded(full: Delta, deltas: Iterable[Delta]) -> Delta:
    """The full delta that gives what `full` and then `deltas` give, at the cost of one. Raises DeltaMismatch."""
    changed, last = dict(full.changed), full
    for delta in deltas:
        if delta.base != last.revision:
            raise DeltaMismatch(f"{delta.revision} is a change to {delta.base or 'nothing'}, not to {last.revision}")
        for path in delta.removed:
            changed.pop(path, None)
        changed.update(delta.changed)
        last = delta
    return msgspec.structs.replace(last, base=None, changed=changed, removed=())


def _numbers(names: Iterable[str]) -> tuple[set[int], set[int]]:
    found = [match for name in names if (match := _NAME.fullmatch(name))]
    return {int(match[2]) for match in found if match[1] == "full"}, {int(match[2]) for match in found if match[1] == "delta"}


def _run(numbers: set[int], start: int) -> tuple[int, ...]:
    end = start
    while end in numbers:
        end += 1
    return tuple(range(start, end))
