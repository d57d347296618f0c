"""Providers: making one, changing it, deleting it. Pure: a key that is to be sealed comes with what seals it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeAlias, get_args

import msgspec

from api.edits import EditRejected
from api.edits.documents import Document, edited, loaded, with_fields, written
from api.edits.users import users_of
from api.presets import PROVIDERS
from core.config import Config, ProviderKind
from core.origins import DEFAULT_BASE_URLS, origin_of
from core.paths import kind_of, provider_path
from core.yaml_strict import Value

# (provider id, origin) -> what stands under `credential`: a reference, or a box for that provider and that origin alone.
Seal: TypeAlias = Callable[[str, str], Mapping[str, Value]]


class CredentialWish(msgspec.Struct, frozen=True):
    """A credential to write; `seal` None: none at all."""

    seal: Seal | None


def created(provider_id: str, fields: Mapping[str, Value], credential: CredentialWish | None) -> dict[str, bytes]:
    """The file of a new provider; a `preset` says what is left out. Raises EditRejected."""
    path = provider_path(provider_id)
    if kind_of(path) is None:
        raise EditRejected("providerId", "must be lower-case letters, digits and single hyphens, at most 63")
    document: Document = {key: value for key, value in _from_preset(fields).items() if value is not None}
    if document.get("kind") not in get_args(ProviderKind):
        raise EditRejected("kind", f"give a `kind`, one of {', '.join(get_args(ProviderKind))}, or a `preset`")
    return {path: written(_with_credential(provider_id, document, credential))}


def updated(
    files: Mapping[str, bytes], provider_id: str, fields: Mapping[str, Value], credential: CredentialWish | None
) -> dict[str, bytes]:
    """The provider's file with these fields set (None: unset). Raises EditRejected where its key would go somewhere else."""
    path = provider_path(provider_id)

    def change(document: Document) -> Document:
        changed = with_fields(document, fields)
        if credential is None and document.get("credential") is not None:
            _refuse_elsewhere(document, changed)
        return _with_credential(provider_id, changed, credential)

    return edited(path, files[path], change)


def with_key(files: Mapping[str, bytes], provider_id: str, credential: CredentialWish) -> dict[str, bytes]:
    """The provider's file with another credential."""
    return updated(files, provider_id, {}, credential)


def deleted(config: Config, provider_id: str, visible: Collection[str] | None) -> dict[str, bytes | None]:
    """The provider's file, gone. Raises EditRejected naming the models and, of those that are `visible` (None: all), the
    projects that use it."""
    path = provider_path(provider_id)
    users = users_of(config, path)
    if users.models or users.projects:
        raise EditRejected(
            "providerId",
            f"provider {provider_id} is in use by {users.told(visible)}: change them first, or disable the provider",
        )
    return {path: None}


def owner_of(data: bytes | None) -> str | None:
    """The project that a provider's file names as its own; None where it has none, or there is no file."""
    if data is None:
        return None
    owner = loaded("providers", data).get("project")
    return owner if isinstance(owner, str) else None


def _from_preset(fields: Mapping[str, Value]) -> dict[str, Value]:
    name = fields.get("preset")
    if name is None:
        return dict(fields)
    preset = PROVIDERS.get(str(name).lower())
    if preset is None:
        raise EditRejected("preset", f"there is no preset `{name}`; there are {', '.join(PROVIDERS)}")
    if fields.get("kind") not in (None, preset.kind):
        raise EditRejected("kind", f"the preset `{preset.id}` is of kind `{preset.kind}`")
    # The address is written even where it is its kind's default: what a key is bound to should be seen where it stands.
    simulated = preset.kind == "simulated"
    base_url = fields.get("base_url") or (None if simulated else preset.base_url)
    return {"kind": preset.kind, "preset": preset.written, **_without(fields, "kind", "preset"), "base_url": base_url}


def _without(fields: Mapping[str, Value], *names: str) -> dict[str, Value]:
    return {key: value for key, value in fields.items() if key not in names}


def _with_credential(provider_id: str, document: Document, wish: CredentialWish | None) -> Document:
    if wish is None:
        return document
    if wish.seal is None:
        return with_fields(document, {"credential": None})
    if document.get("kind") == "simulated":
        raise EditRejected("credential", "a simulated provider has none: it answers inside the proxy")
    return {**document, "credential": {**wish.seal(provider_id, _origin(document))}}


def _refuse_elsewhere(before: Document, after: Document) -> None:
    if before.get("base_url") == after.get("base_url"):
        return
    origin = _origin(after)
    try:
        bound = _origin(before)
    except EditRejected:
        bound = "another address"
    if bound != origin:
        reason = f"the key was given for {bound} and would go to {origin}: give it again with the new address"
        raise EditRejected("credential", reason)


def _origin(document: Document) -> str:
    """Where the provider's key may go. Raises EditRejected."""
    address = document.get("base_url") or DEFAULT_BASE_URLS.get(str(document.get("kind")))
    if not isinstance(address, str) or not address:
        raise EditRejected("baseUrl", f"is missing: a provider of kind `{document.get('kind')}` has no default address")
    try:
        return origin_of(address)
    except ValueError as error:
        raise EditRejected("baseUrl", str(error)) from None
