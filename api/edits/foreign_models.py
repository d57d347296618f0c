"""Models that a project cannot use because their provider is another project's own: to route to one would do nothing. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from api.edits import EditRejected
from api.edits.documents import loaded
from core.config import Config, Model, Provider
from core.paths import model_path, provider_path, routing_path


def refuse_foreign_models(
    config: Config, slug: str, before: Mapping[str, bytes], after: Mapping[str, bytes | None], hides: Callable[[str], bool]
) -> None:
    """Raise EditRejected for one that the project's routing names anew. Of what is hidden from whoever asks, the check at the
    commit says that it is not there."""
    path = routing_path(slug)
    known = frozenset(_models(path, before.get(path)))
    for position, id in enumerate(_models(path, after.get(path))):
        model = config.files.get(model_path(id))
        if id in known or not isinstance(model, Model):
            continue
        provider = config.files.get(provider_path(model.provider))
        if isinstance(provider, Provider) and provider.project not in (None, slug) and not hides(provider_path(model.provider)):
            reason = f"the provider of `{id}` is another project's own: no request of this project could go there"
            raise EditRejected(f"models[{position}].id", reason)


def _models(path: str, data: bytes | None) -> list[str]:
    models = loaded(path, data).get("models") if data is not None else None
    found = [entry.get("id") if isinstance(entry, dict) else None for entry in models] if isinstance(models, list) else []
    return [id if isinstance(id, str) else "" for id in found]
