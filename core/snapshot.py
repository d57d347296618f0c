"""What the proxy runs on: a revision, indexed and immutable, and the deltas that lead from one to the next.

A full snapshot is a delta without a base. A delta names the revision it is based on and the digest of the result, so that one
which was lost, doubled or torn is refused and never half applied. Its cost is that of what changed, not of what there is.

    SnapshotError         the delta is of no use here
      DeltaUnreadable     not the JSON of a delta, or of another version
      DeltaMismatch       based on another revision, or its result is not what its maker had
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar, get_args

import msgspec

from core import digest
from core.config import Config, File, Model, Project, Provider, Routing, Settings, Token
from core.paths import SETTINGS_PATH, id_of, kind_of, project_path, routing_path, slug_of, token_path
from core.plans import ProjectPlan as ProjectPlan
from core.plans import ResolvedTimeouts as ResolvedTimeouts
from core.plans import plan_project

T = TypeVar("T", Model, Provider)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class SnapshotError(Exception):
    """A delta is of no use here."""


class DeltaUnreadable(SnapshotError):
    """The bytes are not a delta that this version understands."""


class DeltaMismatch(SnapshotError):
    """The delta is based on another revision, or does not give what its maker had."""


class Delta(msgspec.Struct, frozen=True, kw_only=True):
    """From `base` to `revision`; a full snapshot has no base. `digest` is that of the result."""

    revision: str
    base: str | None
    digest: str
    changed: dict[str, File]
    removed: tuple[str, ...] = ()
    degraded: dict[str, str] = {}  # path -> why the file at this revision is not the one in use


class _Envelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A delta as it is written: which type a file has is told by its path."""

    revision: str
    base: str | None
    digest: str
    changed: dict[str, msgspec.Raw]
    removed: tuple[str, ...] = ()
    degraded: dict[str, str] = {}


def encode_delta(delta: Delta) -> bytes:
    """Return the delta as JSON."""
    changed = {path: msgspec.Raw(digest.canonical(file)) for path, file in delta.changed.items()}
    return msgspec.json.encode(_Envelope(**{**msgspec.structs.asdict(delta), "changed": changed}))


def decode_delta(data: bytes) -> Delta:
    """Return the delta that `encode_delta` wrote. Raises DeltaUnreadable."""
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        changed = {path: _decode_file(path, raw) for path, raw in envelope.changed.items()}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DeltaUnreadable(f"not a delta that this version understands: {error}") from None
    return Delta(**{**msgspec.structs.asdict(envelope), "changed": changed})


_decoders: dict[type[File], msgspec.json.Decoder[File]] = {kind: msgspec.json.Decoder(kind) for kind in get_args(File)}


def _decode_file(path: str, raw: msgspec.Raw) -> File:
    kind = kind_of(path)
    if kind is None:
        raise DeltaUnreadable(f"not a delta that this version understands: no configuration lives at {path}")
    return _decoders[kind].decode(raw)


def full_delta(config: Config, revision: str, degraded: Mapping[str, str] | None = None) -> Delta:
    """Return the whole of `config` as a delta without a base."""
    return Delta(
        revision=revision, base=None, digest=_digest(config), changed=dict(config.files), degraded=dict(degraded or {})
    )


def difference(
    old: Config,
    old_revision: str,
    new: Config,
    new_revision: str,
    degraded: Mapping[str, str] | None = None,
    *,
    touched: Iterable[str] | None = None,
) -> Delta:
    """Return the delta that makes `new` of `old`, which differ in no path but those `touched`, where they are given."""
    paths = tuple({**old.files, **new.files} if touched is None else touched)
    return Delta(
        revision=new_revision,
        base=old_revision,
        digest=_digest(new),
        changed={
            path: new.files[path] for path in paths if path in new.files and not _same(old.files.get(path), new.files[path])
        },
        removed=tuple(path for path in paths if path in old.files and path not in new.files),
        degraded=dict(degraded or {}),
    )


def _same(old: File | None, new: File) -> bool:
    # Equal is not enough: 0.15 and 0.150 are equal and have two digests.
    return old is new or (old is not None and type(old) is type(new) and digest.canonical(old) == digest.canonical(new))


def _digest(config: Config) -> str:
    return digest.written(digest.content_sum(config.files) if config.content_sum is None else config.content_sum)


class TokenEntry(msgspec.Struct, frozen=True):
    """What a token's SHA-256 leads to. `valid_until_ms` is its expiry, or the end of grace for a former value."""

    id: str
    project: str
    token: Token
    valid_until_ms: int | None = None


class Snapshot:
    """One revision, never changed once it is made; requests keep the one they began with."""

    __slots__ = ("_content_sum", "_files", "_plans", "_tokens", "degraded", "models", "providers", "revision", "settings")

    def __init__(self, revision: str, files: dict[str, File], content_sum: int, degraded: Mapping[str, str]) -> None:
        """Only for `build` and `apply`, which fill in the indexes."""
        self.revision = revision
        self.degraded = degraded
        self.settings = Settings(format=1)
        self.models: Mapping[str, Model] = {}
        self.providers: Mapping[str, Provider] = {}
        self._files = files
        self._content_sum = content_sum
        self._tokens: dict[bytes, TokenEntry] = {}
        self._plans: dict[str, ProjectPlan] = {}

    @classmethod
    def build(cls, full: Delta) -> Snapshot:
        """Return the snapshot of a full delta. Raises DeltaMismatch."""
        if full.base is not None:
            raise DeltaMismatch(f"{full.revision} is a change to {full.base}, not a full snapshot")
        return cls("", {}, 0, {})._changed(full)

    def apply(self, delta: Delta) -> Snapshot:
        """Return the next snapshot; this one stays as it is. Raises DeltaMismatch."""
        if delta.base != self.revision:
            raise DeltaMismatch(f"{delta.revision} is a change to {delta.base or 'nothing'}, and {self.revision} is in use")
        return self._changed(delta)

    def token(self, sha256: bytes) -> TokenEntry | None:
        """Return what a token's SHA-256 (32 bytes) leads to, valid or past its `valid_until_ms`."""
        return self._tokens.get(sha256)

    def token_of(self, project: str, id: str) -> TokenEntry | None:
        """The entry of a token by its id, with its present value."""
        path = token_path(project, id)
        return next((entry for _, entry in _entries(path, self._files.get(path))), None)

    def plan(self, slug: str) -> ProjectPlan | None:
        """Return the project's plan, compiled on its first use in this snapshot."""
        plan = self._plans.get(slug)
        if plan is None:
            project = self._files.get(project_path(slug))
            if not isinstance(project, Project):
                return None
            routing = self._files.get(routing_path(slug))
            given = routing if isinstance(routing, Routing) else Routing()
            plan = self._plans[slug] = plan_project(slug, project, given, self.settings, self.models, self.providers)
        return plan

    def _changed(self, delta: Delta) -> Snapshot:
        files = dict(self._files)
        changes: dict[str, File | None] = {**dict.fromkeys(delta.removed), **delta.changed}
        total = self._content_sum
        for path, file in changes.items():
            total = digest.replaced(total, path, files.pop(path, None), file)
            if file is not None:
                files[path] = file
        if digest.written(total) != delta.digest:
            raise DeltaMismatch(f"the result is not {delta.revision}: its digest is another")
        result = Snapshot(delta.revision, files, total, delta.degraded)
        result._index(self, changes)
        return result

    def _index(self, before: Snapshot, changes: Mapping[str, File | None]) -> None:
        """Carry the indexes over, what changed apart."""
        settings = self._files.get(SETTINGS_PATH)
        self.settings = settings if isinstance(settings, Settings) else self.settings
        self.models = _indexed(before.models, "models/", changes, Model)
        self.providers = _indexed(before.providers, "providers/", changes, Provider)
        self._tokens = _indexed_tokens(before._tokens, before._files, changes)
        if any(_concerns_all(path) for path in changes):
            return  # plans are compiled again as requests come: a few microseconds each
        touched = {slug_of(path) for path in changes if "/tokens/" not in path}
        # Copied first, in one step: a large delta is applied in a thread while requests still add plans to `before`.
        self._plans = {slug: plan for slug, plan in before._plans.copy().items() if slug not in touched}


def _concerns_all(path: str) -> bool:
    return path == SETTINGS_PATH or path.startswith(("models/", "providers/"))


def _indexed(before: Mapping[str, T], folder: str, changes: Mapping[str, File | None], kind: type[T]) -> Mapping[str, T]:
    """Return values of one kind by their id; the very same mapping when none of them changed."""
    found = {id_of(path): file for path, file in changes.items() if path.startswith(folder)}
    if not found:
        return before
    kept = {name: value for name, value in before.items() if name not in found}
    return kept | {name: file for name, file in found.items() if isinstance(file, kind)}


def _indexed_tokens(
    before: dict[bytes, TokenEntry], files: Mapping[str, File], changes: Mapping[str, File | None]
) -> dict[bytes, TokenEntry]:
    """Return the entries by SHA-256; those of `files`, as they were, are taken out first: a hash may move between files."""
    concerned = [path for path in changes if "/tokens/" in path]
    if not concerned:
        return before
    entries = dict(before)
    for path in concerned:
        for sha256, _ in _entries(path, files.get(path)):
            entries.pop(sha256, None)
    for path in concerned:
        entries.update(_entries(path, changes[path]))
    return entries


def _entries(path: str, token: File | None) -> list[tuple[bytes, TokenEntry]]:
    if not isinstance(token, Token):
        return []
    name, slug = id_of(path), slug_of(path) or ""
    expiry = _unix_ms(token.expires_at)
    entries = [(bytes.fromhex(token.sha256), TokenEntry(name, slug, token, expiry))]
    if token.former is not None:
        ends = [end for end in (_unix_ms(token.former.valid_until), expiry) if end is not None]
        entries.append((bytes.fromhex(token.former.sha256), TokenEntry(name, slug, token, min(ends))))
    return entries


def _unix_ms(instant: datetime | None) -> int | None:
    return None if instant is None else (instant - _EPOCH) // _MILLISECOND
