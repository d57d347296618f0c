"""Models: making one (from the price table too), changing it, cloning it, deleting it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal

from api.edits import EditRejected
from api.edits.documents import Document, edited, loaded, rewritten, with_fields, written
from api.edits.users import uses_of_model
from api.presets import ModelPreset, model_preset
from core.config import Config, Model, Prices, PriceTier, Provider
from core.paths import kind_of, model_path, provider_path
from core.yaml_strict import Value

# A provider whose name would not do as a file's: what clients and policies call a model is an id.
_FORM = "must be lower-case letters, digits and . _ / -, at most 100, no part empty or beginning with a dot"


def created(model_id: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """The file of a new model. Raises EditRejected."""
    return {_path(model_id): written({key: value for key, value in fields.items() if value is not None})}


def updated(files: Mapping[str, bytes], model_id: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """The model's file with these fields set (None: unset). `capabilities` is merged: each of its fields is set or unset."""
    path = model_path(model_id)
    return edited(path, files[path], lambda document: _changed(document, fields))


def cloned(files: Mapping[str, bytes], source: str, model_id: str, fields: Mapping[str, Value]) -> dict[str, bytes]:
    """A new model's file: that of `source`, comments and all, with these fields changed. Raises EditRejected."""
    data = files[model_path(source)]
    before = loaded(model_path(source), data)
    meant = _changed(before, fields)
    return {_path(model_id): data if meant == before else rewritten(model_path(source), data, meant)}


def deleted(config: Config, model_id: str, visible: Collection[str] | None) -> dict[str, bytes | None]:
    """The model's file, gone. Raises EditRejected naming what uses it, of the projects that are `visible` (None: all)."""
    if told := uses_of_model(config, model_id, visible):
        raise EditRejected("modelId", f"model {model_id} is in use by {told}: take it out there first, or disable it")
    return {model_path(model_id): None}


def preset_fields(config: Config, provider_id: str, upstream_name: str, at_ms: int) -> dict[str, Value]:
    """What the price table knows of a provider's model, as fields of its file. Raises EditRejected where it knows nothing."""
    provider = config.files.get(provider_path(provider_id))
    if not isinstance(provider, Provider):
        raise EditRejected("provider", f"there is no provider {provider_id!r}")
    preset = model_preset(provider, upstream_name, at_ms)
    if preset is None:
        reason = f"the price table does not know `{upstream_name}` of provider `{provider_id}`: give its prices, or none"
        raise EditRejected("upstreamName", reason)
    return _fields(preset)


def _fields(preset: ModelPreset) -> dict[str, Value]:
    prices: Value = plain_prices(preset.prices) if preset.prices is not None else None
    return {"prices": prices, "context_window": preset.context_window}


def plain_prices(prices: Prices) -> dict[str, Value]:
    """Prices as a file has them, the shortest way to write each."""
    tiers: list[Value] = [_amounts(tier) for tier in prices.tiers]
    return {**_amounts(prices), **({"tiers": tiers} if tiers else {})}


def _amounts(prices: Prices | PriceTier) -> dict[str, Value]:
    """Every field that is there but the tiers, which are not amounts."""
    found = {name: getattr(prices, name) for name in prices.__struct_fields__ if name != "tiers"}
    return {name: _shortest(amount) for name, amount in found.items() if amount is not None}


def _shortest(amount: int | Decimal) -> Value:
    return int(amount) if amount == int(amount) else Decimal(amount).normalize()


def _changed(document: Document, fields: Mapping[str, Value]) -> Document:
    wished = dict(fields)
    capabilities, own = wished.get("capabilities"), document.get("capabilities")
    if isinstance(capabilities, dict):
        base = own if isinstance(own, dict) else {}
        merged: Document = {key: value for key, value in {**base, **capabilities}.items() if value is not None}
        # A mapping that was there stays, empty; none is made to say nothing.
        wished["capabilities"] = None if not merged and own is None else merged
    return with_fields(document, wished)


def _path(model_id: str) -> str:
    path = model_path(model_id)
    if kind_of(path) is not Model:
        raise EditRejected("modelId", _FORM)
    return path
