"""The folder of published configurations, as the API and the push hook see it: written whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.config import Config
from core.digest import content_sum
from core.published import Chain, chains, delta_name, folded, full_name, newest, superseded
from core.snapshot import Delta, SnapshotError, decode_delta, encode_delta, full_delta


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What was published as number `sequence`; `degraded` says which files of the revision are not in use, and why.

    `touched` holds every path whose value can be another than in the publication before; None where that is not known.
    """

    sequence: int
    revision: str
    config: Config
    degraded: Mapping[str, str]
    touched: frozenset[str] | None = None


class Publications:
    """One process writes (the API's publisher); anybody reads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, *, verify: bool = False) -> Publication | None:
        """The newest state that can be read; None when there is none. `verify` proves the content by its digest."""
        for chain in chains(self._names()):
            try:
                return self._read(chain, verify)
            except (OSError, SnapshotError):
                continue  # the older full one, then none: the caller starts from the files themselves
        return None

    def newest(self) -> int:
        """The highest number there is, readable or not; 0 when there is none."""
        return newest(self._names())

    def write_full(self, publication: Publication) -> None:
        """Write the whole configuration under its number, then remove what no reader starts from any more."""
        full = full_delta(publication.config, publication.revision, publication.degraded)
        self._write(full_name(publication.sequence), encode_delta(full))
        for name in superseded(self._names()):
            (self.folder / name).unlink(missing_ok=True)

    def write_delta(self, sequence: int, delta: Delta) -> None:
        """Write the change that leads to number `sequence`."""
        self._write(delta_name(sequence), encode_delta(delta))

    def has_full(self, sequence: int) -> bool:
        """Whether the whole configuration was written under that number."""
        return (self.folder / full_name(sequence)).exists()

    def _names(self) -> list[str]:
        return [entry.name for entry in self.folder.iterdir()] if self.folder.is_dir() else []

    def _read(self, chain: Chain, verify: bool) -> Publication:
        full, *deltas = (decode_delta((self.folder / name).read_bytes()) for name in chain.names)
        whole = folded(full, deltas)
        total = int(whole.digest, 16)
        if verify and content_sum(whole.changed) != total:
            raise SnapshotError(f"the published state of {whole.revision} is not what was written")
        config = Config(files=whole.changed, content_sum=total)
        return Publication(sequence=chain.full + len(deltas), revision=whole.revision, config=config, degraded=whole.degraded)

    def _write(self, name: str, data: bytes) -> None:
        """Put a file under its name once it is whole and on disk."""
        fresh = self.folder / f".{name}.tmp"
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self.folder / name)
