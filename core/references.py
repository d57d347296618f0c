"""What the files of a configuration say of each other, as an index that is carried from revision to revision.

A check of a change then looks at the files that the change can have broken, and never walks over all of them. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from unicodedata import normalize

import msgspec

from core.config import PROJECT_ROLES, Config, File, Model, Project, Provider, References, Routing, Token
from core.paths import ROLES_PATH, model_path, project_path, provider_path
from core.routing.policies import models_named
from core.yaml_strict import Place


class Claim(msgspec.Struct, frozen=True):
    """Something that only one file may say: `key` is what is compared, `place` where it stands, `what` it is in words."""

    key: str
    place: Place
    what: str


def claims(file: File) -> Iterator[Claim]:
    """What this file alone may say."""
    if isinstance(file, Token):
        yield Claim(f"sha256 {file.sha256}", ("sha256",), "this SHA-256")
        if file.former is not None:
            yield Claim(f"sha256 {file.former.sha256}", ("former", "sha256"), "this SHA-256")
    elif isinstance(file, Project):
        yield Claim(name_key(file.name), ("name",), "this name (upper and lower case alike)")
        yield Claim(f"id {file.id}", ("id",), "this id")


def name_key(name: str) -> str:
    """The key of `References.claims` for a project's name."""
    # Letters with accents are written in two ways, which look the same; casefold can undo the composing.
    return f"name {normalize('NFC', normalize('NFC', name.strip()).casefold())}"


def named(path: str, file: File) -> Iterator[str]:
    """The files that must be there, or be as they are, for this one to be right."""
    if isinstance(file, Token | Routing):
        yield project_path(path.split("/", 2)[1])
        yield from (model_path(entry.id) for entry in file.models)
        if isinstance(file, Routing):
            yield from (model_path(model) for policy in file.policies for _, model in models_named(policy))
    elif isinstance(file, Project):
        if any(member.role not in PROJECT_ROLES for member in file.members):
            yield ROLES_PATH
        if file.pass_through.default_provider is not None:
            yield provider_path(file.pass_through.default_provider)
    elif isinstance(file, Model):
        yield provider_path(file.provider)
    elif isinstance(file, Provider) and file.project is not None:
        yield project_path(file.project)


def references(files: Mapping[str, File]) -> References:
    """Build the index of a checked configuration."""
    users: dict[str, set[str]] = {}
    for path, file in files.items():
        for other in named(path, file):
            users.setdefault(other, set()).add(path)
    return References(
        claims={claim.key: path for path, file in files.items() for claim in claims(file)},
        users={path: frozenset(found) for path, found in users.items()},
    )


def indexed(config: Config) -> Config:
    """Return a configuration that is known to be sound with its index, so that the next check costs what changed."""
    return config if config.index is not None else msgspec.structs.replace(config, index=references(config.files))


def carried(before: Config, files: Mapping[str, File], changed: Iterable[str]) -> References | None:
    """Return the index of `files`, which differ from `before` in `changed` alone; None where `before` has none."""
    if before.index is None:
        return None
    paths = tuple(changed)
    if 2 * len(paths) > len(files):
        return references(files)  # each step below copies what it touches: for most of the files, a new one is cheaper
    held, users = dict(before.index.claims), dict(before.index.users)
    for path in paths:
        _withdraw(path, before.files.get(path), held, users)
    for path in paths:
        file = files.get(path)
        if file is not None:
            held.update((claim.key, path) for claim in claims(file))
            for other in named(path, file):
                users[other] = users.get(other, frozenset()) | {path}
    return References(claims=held, users=users)


def _withdraw(path: str, file: File | None, held: dict[str, str], users: dict[str, frozenset[str]]) -> None:
    if file is None:
        return
    for claim in claims(file):
        if held.get(claim.key) == path:
            del held[claim.key]
    for other in set(named(path, file)):
        left = users.get(other, frozenset()) - {path}
        if left:
            users[other] = left
        else:
            users.pop(other, None)


def concerned(before: Config, files: Mapping[str, File], changed: Iterable[str]) -> Iterable[str] | None:
    """Return the files that a change of `changed`, from a sound `before` to `files`, can have broken; None for all of them."""
    if before.index is None:
        return None
    found = dict.fromkeys(changed)
    for path in tuple(found):
        file = files.get(path)
        if file is not None:
            held = (before.index.claims.get(claim.key) for claim in claims(file))
            found.update(dict.fromkeys(other for other in held if other is not None))
        # A model or a project is only named: as long as it is there, its content breaks nothing elsewhere.
        if not isinstance(file, Model | Project):
            found.update(dict.fromkeys(before.index.users.get(path, ())))
    return found
