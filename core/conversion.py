"""Plain values to typed ones, with every error of a value at once, each with its place and how to mend it.

`msgspec` converts in one step and stops at its first complaint. Only when it complains is the value walked again, field by
field, to find them all and to say them in a reader's words.
"""

from __future__ import annotations

import difflib
import functools
import re
import types
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect

from core.fields import FieldError
from core.yaml_strict import Place

T = TypeVar("T")

MOST_FAULTS = 100  # a file of a megabyte can hold more faults than anybody wants to read, or wait for
# How a policy names the field that its own check refuses: "`half_life_minutes` must be …".
_NAMED = re.compile(r"`(\w+)` (.+)", re.DOTALL)
# What stands below these is never quoted: a key pasted into the wrong place must not reach a log.
_SECRET = frozenset({"credential", "secret", "headers", "sha256", "former", "prefix"})


class Fault(msgspec.Struct, frozen=True):
    """What is wrong at one place of a value."""

    place: Place
    reason: str


class Misfit(Exception):
    """The value does not fit its type; `faults` are all of them (or the first hundred), in their order in the value."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{written(fault.place)}: {fault.reason}" for fault in faults))
        self.faults = faults


def convert(value: object, kind: type[T]) -> T:
    """Return `value` as a `kind`. Raises Misfit."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise Misfit(tuple(islice(_faults(value, kind, ()), MOST_FAULTS)) or (Fault((), str(error)),)) from None


def written(place: Place) -> str:
    """Return a place as people write it: `policies[0].window_minutes`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place)
    return text.removeprefix(".")


def _faults(value: Any, kind: Any, place: Place) -> Iterator[Fault]:
    if get_origin(kind) in (Union, types.UnionType):
        kind = _member(value, kind)
    base = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(value, dict):
        yield from _struct_faults(value, kind, place)
    elif get_origin(base) is tuple and isinstance(value, list):
        for position, item in enumerate(value):
            yield from _faults(item, get_args(base)[0], (*place, position))
    elif get_origin(base) is dict and isinstance(value, dict):
        key_kind, value_kind = get_args(base)
        for key, item in value.items():
            yield from _leaf_faults(key, key_kind, (*place, key))
            yield from _faults(item, value_kind, (*place, key))
    elif get_origin(kind) in (Union, types.UnionType) and isinstance(value, dict):
        yield from _tagged_faults(value, kind, place)
    else:
        yield from _leaf_faults(value, kind, place)


def _member(value: Any, union: Any) -> Any:
    """Return the one member of a union that `value` is meant for, else the union: a mapping means its only structure."""
    structures = [member for member in get_args(union) if isinstance(member, type) and issubclass(member, msgspec.Struct)]
    return structures[0] if isinstance(value, dict) and len(structures) == 1 else union


def _tagged_faults(value: dict[str, Any], union: Any, place: Place) -> Iterator[Fault]:
    """Faults of one structure out of several that a tag tells apart, such as a policy's `kind`."""
    by_tag = {member.__struct_config__.tag: member for member in get_args(union)}
    tag_field = next(iter(by_tag.values())).__struct_config__.tag_field
    tag = value.get(tag_field)
    if tag_field not in value:
        yield Fault((*place, tag_field), f"is missing: give one of {_listed(by_tag)}")
    elif not isinstance(tag, str) or tag not in by_tag:
        yield Fault((*place, tag_field), f"{_shown(tag)} is not known{_nearest(tag, by_tag)}; give one of {_listed(by_tag)}")
    else:
        yield from _struct_faults(value, by_tag[tag], place)


def _struct_faults(value: dict[str, Any], kind: type[msgspec.Struct], place: Place) -> Iterator[Fault]:
    hints = _hints(kind)
    config = kind.__struct_config__
    found = False
    for key, item in value.items():
        if key in hints:
            faults = list(islice(_faults(item, hints[key], (*place, key)), MOST_FAULTS))
        elif key == config.tag_field:
            faults = []
        else:
            known = [*hints, config.tag_field] if config.tag_field else list(hints)
            faults = [Fault((*place, key), f"is no setting here{_nearest(key, known)}; known are {_listed(known)}")]
        found = found or bool(faults)
        yield from faults
    for field in inspect.type_info(kind).fields:  # type: ignore[attr-defined]  # a Struct's info is a StructType
        if field.required and field.name not in value:
            found = True
            yield Fault((*place, field.name), f"is missing: give {_wanted(field.type)}")
    if not found:
        yield from _meaning_faults(value, kind, place)


def _meaning_faults(value: dict[str, Any], kind: type[msgspec.Struct], place: Place) -> Iterator[Fault]:
    """The fault that a structure finds in itself once each of its fields is right."""
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        if isinstance(error.__cause__, FieldError):
            yield Fault((*place, *_read_place(error.__cause__.field)), error.__cause__.reason)
        elif named := _NAMED.fullmatch(str(error)):
            yield Fault((*place, named[1]), named[2])
        else:
            yield Fault(place, str(error))


def _read_place(field: str) -> Place:
    """`models[2].id` as a place."""
    parts = field.replace("[", ".[").split(".") if field else []
    return tuple(int(part[1:-1]) if part.startswith("[") else part for part in parts)


def _leaf_faults(value: Any, kind: Any, place: Place) -> Iterator[Fault]:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        yield Fault(place, _leaf_reason(value, kind, place))


def _leaf_reason(value: Any, kind: Any, place: Place) -> str:
    info = _info(kind)
    if value is None:
        return f"is empty: give {_wanted(info)}, or remove the line"
    choices = _choices(info)
    hidden = isinstance(value, str) and any(part in _SECRET for part in place)
    given = "" if hidden else f", not {_shown(value)}"
    if choices and isinstance(value, str) and not hidden:
        return f"{_shown(value)} is not known{_nearest(value, choices)}; give {_wanted(info)}"
    quoted = ": put it in quotes" if isinstance(value, int | Decimal) and _takes_text(info) else ""
    return f"must be {_wanted(info)}{given}{quoted}"


def _takes_text(info: inspect.Type) -> bool:
    if isinstance(info, inspect.UnionType):
        return any(_takes_text(member) for member in info.types)
    return _takes_text(info.type) if isinstance(info, inspect.Metadata) else isinstance(info, inspect.StrType)


def _wanted(info: inspect.Type) -> str:
    """Say in words what a type takes."""
    form = ""
    while isinstance(info, inspect.Metadata):
        form = form or (info.extra or {}).get("form", "")
        info = info.type
    if form:
        return str(form)
    match info:
        case inspect.UnionType(types=members):
            wanted = (_wanted(member) for member in members if not isinstance(member, inspect.NoneType))
            return " or ".join(dict.fromkeys(wanted))
        case inspect.LiteralType(values=values):
            return f"one of {_listed(values)}" if len(values) > 1 else _listed(values)
        case inspect.IntType():
            return f"a whole number{_range(info)}"
        case inspect.FloatType():
            return f"a number{_range(info)}"
        case inspect.StrType(min_length=least, max_length=most):
            return ("non-empty text" if least else "text") + (f" of at most {most} characters" if most else "")
        case inspect.ListType() | inspect.VarTupleType():
            return "a list"
        case inspect.DictType() | inspect.StructType():
            return "a mapping (`key: value`)"
    return _WORDS.get(type(info), "another value")


_WORDS: dict[type, str] = {
    inspect.BoolType: "true or false",
    inspect.DecimalType: "a number",
    inspect.DateTimeType: "a date and time with its zone, such as 2027-12-31T23:59:59Z",
}


def _range(info: inspect.IntType | inspect.FloatType) -> str:
    if info.ge is not None and info.le is not None:
        return f" from {info.ge} to {info.le}"
    bounds = ((info.gt, "above"), (info.ge, "at least"), (info.lt, "below"), (info.le, "at most"))
    said = [f"{word} {bound}" for bound, word in bounds if bound is not None]
    return f" {' and '.join(said)}" if said else ""


def _choices(info: inspect.Type) -> tuple[str, ...]:
    members = info.types if isinstance(info, inspect.UnionType) else (info,)
    return tuple(str(value) for member in members if isinstance(member, inspect.LiteralType) for value in member.values)


def _nearest(given: object, known: Any) -> str:
    near = difflib.get_close_matches(str(given), [str(name) for name in known], n=1)
    return f" (did you mean `{near[0]}`?)" if near else ""


def _listed(names: Any) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"' if len(value) <= 60 else "this text"
    return "a list" if isinstance(value, list) else "a mapping"


@functools.lru_cache(maxsize=256)
def _hints(kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {name: hint for name, hint in get_type_hints(kind, include_extras=True).items() if name in kind.__struct_fields__}


def _info(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)
