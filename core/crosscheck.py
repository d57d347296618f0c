"""What the files of a revision must be to each other: names that exist, names that are unique. One pass, over all of them or
over those that a change can have broken (`core/references.py`).

A fault stands in one file and can have been caused in another (a model that was deleted while a project uses it), so each one
names both, and `files.py` reports it where somebody changed something.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from core.config import PROJECT_ROLES, File, Model, Project, Provider, Roles, Routing, Settings, Token
from core.paths import ROLES_PATH, SETTINGS_PATH, model_path, project_path, provider_path
from core.references import Claim, claims
from core.routing.policies import models_named
from core.yaml_strict import Place


class CrossFault(msgspec.Struct, frozen=True):
    """`reason` stands at `place` in `path`; a change of `cause` can have made it. An orphan lacks its project's file."""

    path: str
    place: Place
    reason: str
    cause: str
    orphan: bool = False


class Uniqueness:
    """Names that may be there once. Of two files with the same one, the changed one is at fault, else the later path."""

    def __init__(self, changed: Collection[str]) -> None:
        self._changed = changed
        self._first: dict[str, tuple[str, Place]] = {}
        self.faults: list[CrossFault] = []

    def claim(self, claim: Claim, path: str) -> None:
        """Note what `path` alone may say, and the fault where another file says it."""
        own = path, claim.place
        holder = self._first.setdefault(claim.key, own)
        if holder == own:
            return
        first, second = sorted((holder, own), key=lambda held: (held[0] in self._changed, held[0]))
        self._first[claim.key] = first
        (keeper, _), (offender, place) = first, second
        where = "this file" if keeper == offender else keeper
        self.faults.append(CrossFault(offender, place, f"{claim.what} is that of {where}: it must be unique", keeper))


def cross_faults(files: Mapping[str, File], changed: Collection[str], among: Iterable[str] | None = None) -> list[CrossFault]:
    """Return every fault between files, or those of the files in `among`.

    `changed` (paths) only decides which one of two equals is at fault.
    """
    unique = Uniqueness(changed)
    faults: list[CrossFault] = []
    if not isinstance(files.get(SETTINGS_PATH), Settings):
        faults.append(CrossFault(SETTINGS_PATH, (), "is missing: a configuration begins with `format: 1` in it", SETTINGS_PATH))
    roles = files.get(ROLES_PATH)
    known_roles = PROJECT_ROLES | (roles.roles.keys() if isinstance(roles, Roles) else frozenset())
    for path in files if among is None else among:
        file = files.get(path)
        if file is None:
            continue
        faults += _faults(path, file, files, known_roles)
        for claim in claims(file):
            unique.claim(claim, path)
    return faults + unique.faults


def _faults(path: str, file: File, files: Mapping[str, File], roles: Collection[str]) -> Iterable[CrossFault]:
    """What one file names and is not there, or is not as it must be."""
    if isinstance(file, Token):
        return _token_faults(path, file, files)
    if isinstance(file, Routing):
        return _routing_faults(path, file, files)
    if isinstance(file, Project):
        return _project_faults(path, file, files, roles)
    if isinstance(file, Model):
        return _model_faults(path, file, files)
    if isinstance(file, Provider) and file.project is not None:
        return _missing_project(path, file.project, ("project",), files)
    return ()


def _orphan(path: str, files: Mapping[str, File]) -> Iterator[CrossFault]:
    project = project_path(path.split("/", 2)[1])
    if project not in files:
        yield CrossFault(path, (), f"its project has no {project}", project, orphan=True)


def _token_faults(path: str, token: Token, files: Mapping[str, File]) -> Iterator[CrossFault]:
    yield from _orphan(path, files)
    for position, entry in enumerate(token.models):
        yield from _missing_model(path, entry.id, ("models", position, "id"), files)


def _routing_faults(path: str, routing: Routing, files: Mapping[str, File]) -> Iterator[CrossFault]:
    yield from _orphan(path, files)
    for position, model in enumerate(routing.models):
        yield from _missing_model(path, model.id, ("models", position, "id"), files)
    for position, policy in enumerate(routing.policies):
        for place, name in models_named(policy):
            yield from _missing_model(path, name, ("policies", position, *place), files)


def _project_faults(path: str, project: Project, files: Mapping[str, File], roles: Collection[str]) -> Iterator[CrossFault]:
    for position, member in enumerate(project.members):
        if member.role not in roles:
            reason = f"there is no role `{member.role}`: known are {', '.join(f'`{role}`' for role in sorted(roles))}"
            yield CrossFault(path, ("members", position, "role"), reason, ROLES_PATH)
    default = project.pass_through.default_provider
    if default is not None and provider_path(default) not in files:
        yield missing(path, ("pass_through", "default_provider"), "provider", default, provider_path(default))


def _model_faults(path: str, model: Model, files: Mapping[str, File]) -> Iterator[CrossFault]:
    provider = files.get(provider_path(model.provider))
    if not isinstance(provider, Provider):
        yield missing(path, ("provider",), "provider", model.provider, provider_path(model.provider))
    elif model.simulation is not None and provider.kind != "simulated":
        reason = f"provider `{model.provider}` is of kind `{provider.kind}`: only models of a simulated one have it"
        yield CrossFault(path, ("simulation",), reason, provider_path(model.provider))


def _missing_model(path: str, model: str, place: Place, files: Mapping[str, File]) -> Iterator[CrossFault]:
    if f"models/{model}.yaml" not in files:
        yield missing(path, place, "model", model, model_path(model))


def _missing_project(path: str, slug: str, place: Place, files: Mapping[str, File]) -> Iterator[CrossFault]:
    if project_path(slug) not in files:
        yield missing(path, place, "project", slug, project_path(slug))


def missing(path: str, place: Place, what: str, name: str, cause: str) -> CrossFault:
    """The fault of a file that names something at `place` that is not there; `cause` would be its file."""
    return CrossFault(path, place, f"there is no {what} `{name}`: {cause} would be its file", cause)
