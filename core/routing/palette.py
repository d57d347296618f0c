"""Every policy and its parameters as a frontend needs them to draw a form: made from the very types that validate them."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, TypeAlias, get_args

import msgspec
from msgspec import inspect

from core.fields import MODEL_ID_PATTERN
from core.routing.policies import ASKED, Policy

ParameterType: TypeAlias = Literal["boolean", "integer", "number", "string", "enum", "model", "list", "map", "object"]
DOCUMENTATION = "docs/concepts-routing.md"


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter, or one item of a list or a map (then without a name).

    `minimum` and `maximum` are of numbers, `max_length` of characters or items, `fields` those of an object. Without a
    `default` a parameter is either `required` or may stay away; `model` is the id of a registered model.
    """

    name: str = ""
    title: str = ""
    type: ParameterType
    help: str = ""
    unit: str = ""
    required: bool = False
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    items: Parameter | None = None
    fields: tuple[Parameter, ...] = ()


class PolicyDescription(msgspec.Struct, frozen=True, kw_only=True):
    """One policy of the palette."""

    kind: str
    title: str
    help: str
    documentation: str  # a path in the repository of the product, with its anchor
    calls_a_model: bool  # it costs time and money of its own
    parameters: tuple[Parameter, ...]


@cache
def palette() -> tuple[PolicyDescription, ...]:
    """All policies, in the order of their registry."""
    return tuple(_policy(kind) for kind in get_args(Policy))


def _policy(policy: type[msgspec.Struct]) -> PolicyDescription:
    kind = str(policy.__struct_config__.tag)
    return PolicyDescription(
        kind=kind,
        title=_title(kind),
        help=(policy.__doc__ or "").strip(),
        documentation=f"{DOCUMENTATION}#{kind}",
        calls_a_model=kind in ASKED,
        parameters=_fields(inspect.type_info(policy)),
    )


def _title(name: str) -> str:
    words = name.replace("-", " ").replace("_", " ")
    return {"llm": "LLM"}.get(words, words[:1].upper() + words[1:])


def _fields(info: inspect.Type) -> tuple[Parameter, ...]:
    assert isinstance(info, inspect.StructType)
    return tuple(_parameter(field) for field in info.fields)


def _parameter(field: inspect.Field) -> Parameter:
    described = _of(field.type)
    default = None if field.default is msgspec.NODEFAULT else msgspec.json.decode(msgspec.json.encode(field.default))
    return msgspec.structs.replace(
        described, name=field.encode_name, title=_title(field.encode_name), required=field.required, default=default
    )


def _of(info: inspect.Type) -> Parameter:
    """A type without the name of what has it."""
    if isinstance(info, inspect.Metadata):
        inner = _of(info.type)
        said = (info.extra_json_schema or {}).get("description", inner.help)
        return msgspec.structs.replace(inner, help=said, unit=(info.extra or {}).get("unit", inner.unit))
    match info:
        case inspect.UnionType(types=members):
            [present] = [member for member in members if not isinstance(member, inspect.NoneType)]
            return _of(present)
        case inspect.BoolType():
            return Parameter(type="boolean")
        case inspect.IntType() | inspect.FloatType():
            return _number(info)
        case inspect.LiteralType(values=values):
            return Parameter(type="enum", choices=tuple(str(value) for value in values))
        case inspect.StrType(pattern=pattern, max_length=most):
            return Parameter(type="model" if pattern == MODEL_ID_PATTERN else "string", max_length=most)
        case inspect.VarTupleType(item_type=item, max_length=most):
            return Parameter(type="list", items=_of(item), max_length=most)
        case inspect.DictType(value_type=value, max_length=most):
            return Parameter(type="map", items=_of(value), max_length=most)
        case inspect.StructType():
            return Parameter(type="object", fields=_fields(info), help=(info.cls.__doc__ or "").strip())
    raise TypeError(f"no form can be drawn for {info!r}")


def _number(info: inspect.IntType | inspect.FloatType) -> Parameter:
    return Parameter(
        type="integer" if isinstance(info, inspect.IntType) else "number",
        minimum=info.gt if info.ge is None else info.ge,
        maximum=info.lt if info.le is None else info.le,
        exclusive_minimum=info.gt is not None,
        exclusive_maximum=info.lt is not None,
    )
