"""Puts the rules of `api/access.py` before the schema's resolvers, once, when the schema is built.

Only a field that asks for more than its parent is wrapped, so a row of plain figures costs nothing. Where a field answers with
a union that has `NotAllowed`, a missing permission is that member, and a project that the viewer may not see its `NotFound`;
elsewhere a missing permission is an error of the field, and what may not be seen is null. A field with `OrNull` is just null.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

import msgspec
import strawberry
from graphql import (
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_list_type,
)

from api.access import (
    TYPE_RULES,
    Asked,
    Forbidden,
    In,
    NotVisible,
    OrNull,
    Rule,
    Somewhere,
    permission_of,
    require,
    require_in,
    require_somewhere,
    rules_for,
    signed_in,
)
from api.graphql.arguments import argument_at, project_named
from api.graphql.context import Context
from api.graphql.types.failures import NotAllowed, NotFound

Resolver: TypeAlias = Callable[..., Any]


class Scope(msgspec.Struct, frozen=True):
    """Where a field stands: its name, whether its parent, and whether what it answers with, is of a project."""

    name: str
    source: bool
    result: bool


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema inside a Strawberry schema: the one place that reaches for it."""
    return schema._schema


def guarded(schema: strawberry.Schema) -> None:
    """Wrap the resolvers of every field that takes a permission. Raises KeyError for a field without a rule."""
    scoped = project_types(schema)
    for name, kind in core_schema(schema).type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                entered = get_named_type(field.type).name
                rules = rules_for(name, field_name, entered)
                scope = Scope(f"{name}.{field_name}", name in scoped, entered in scoped)
                # A rule that is met already is still asked in the project of what is found.
                if rules != ("anonymous",) and (rules or (scope.result and not scope.source)):
                    _guard(field, rules, scope)


def project_types(schema: strawberry.Schema) -> frozenset[str]:
    """The names of the types whose objects say which project they are of: those whose class has `project_slug`."""
    found: set[str] = set()
    for name, kind in core_schema(schema).type_map.items():
        definition = schema.get_type_by_name(name) if isinstance(kind, GraphQLObjectType) else None
        origin = getattr(definition, "origin", None)
        if origin is not None and (hasattr(origin, "project_slug") or "project_slug" in _annotations(origin)):
            found.add(name)
    return frozenset(found)


def _annotations(origin: type) -> set[str]:
    return {name for each in origin.__mro__ for name in getattr(each, "__annotations__", {})}


def _guard(field: GraphQLField, rules: tuple[Asked, ...], scope: Scope) -> None:
    before = tuple(rule for rule in rules if not _asks_the_result(rule, scope))
    if field.subscribe is not None:
        field.subscribe = _asked_before(field.subscribe, before, scope, refusal=_raised)
        return
    if field.resolve is None:
        return
    if scope.result and not scope.source:
        needed = TYPE_RULES.get(get_named_type(field.type).name)
        if needed is not None:
            field.resolve = _asked_after(field.resolve, needed, field, scope)
    if before:
        field.resolve = _asked_before(field.resolve, before, scope, refusal=_refusal(field))


def _asks_the_result(rule: Asked, scope: Scope) -> bool:
    """Whether only what was found can say in which project the rule is asked."""
    return scope.result and not scope.source and not isinstance(rule, In | Somewhere)


def _asked_before(resolve: Resolver, rules: tuple[Asked, ...], scope: Scope, refusal: Callable[[Exception], Any]) -> Resolver:
    def checked(source: Any, info: Any, **arguments: Any) -> Any:
        context: Context = info.context
        for rule in rules:
            if isinstance(rule, OrNull):
                if not signed_in(context.viewer).may(rule.rule, source.project_slug if scope.source else None):
                    return None
                continue
            try:
                if isinstance(rule, In):
                    require_in(context.viewer, rule, project_named(context, arguments, rule.project))
                elif isinstance(rule, Somewhere):
                    require_somewhere(context.viewer, rule.rule)
                else:
                    require(context.viewer, rule, source.project_slug if scope.source else None)
            except Forbidden as error:
                context.deny(scope.name, permission_of(rule), error)
                return refusal(error)
            except NotVisible as error:
                context.deny(scope.name, permission_of(rule), error)
                named = argument_at(arguments, rule.project) if isinstance(rule, In) else None
                return refusal(NotVisible(error.project, None if named is None else str(named)))
        return resolve(source, info, **arguments)

    return checked


def _asked_after(resolve: Resolver, rule: Rule, field: GraphQLField, scope: Scope) -> Resolver:
    """Let through only what is of a project in which the viewer meets `rule`."""
    listed = is_list_type(field.type.of_type if isinstance(field.type, GraphQLNonNull) else field.type)
    refusal = _refusal(field)

    def seen(context: Context, found: Any) -> Any:
        if found is None:
            return None
        if listed:
            viewer = context.viewer
            return [each for each in found if viewer is not None and viewer.may(rule, each.project_slug)]
        try:
            require(context.viewer, rule, found.project_slug)
        except (Forbidden, NotVisible) as error:
            context.deny(scope.name, rule, error)
            return refusal(error)
        return found

    async def awaited(context: Context, coming: Any) -> Any:
        return seen(context, await coming)

    def checked(source: Any, info: Any, **arguments: Any) -> Any:
        found = resolve(source, info, **arguments)
        return awaited(info.context, found) if hasattr(found, "__await__") else seen(info.context, found)

    return checked


def _refusal(field: GraphQLField) -> Callable[[Exception], Any]:
    """How a field says that it is refused."""
    kind = get_named_type(field.type)
    members = {member.name for member in kind.types} if isinstance(kind, GraphQLUnionType) else set()
    nullable = not isinstance(field.type, GraphQLNonNull)

    def said(error: Exception) -> Any:
        if isinstance(error, Forbidden) and "NotAllowed" in members:
            return NotAllowed(message=str(error), permission=error.permission)
        if isinstance(error, NotVisible) and "NotFound" in members:
            return NotFound(message=str(error))
        if isinstance(error, NotVisible) and nullable:
            return None
        raise error

    return said


def _raised(error: Exception) -> Literal[None]:
    raise error
