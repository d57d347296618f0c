"""Puts the rules of `api/access.py` before the schema's resolvers, once, when the schema is built.

Only a field that asks for more than its parent is wrapped, so a row of plain figures costs nothing. Where a field answers with
a union that has `NotAllowed`, a missing permission is that member; elsewhere it is an error of the field.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry
from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, GraphQLUnionType, get_named_type

from api.access import Forbidden, Rule, require, rules_for
from api.graphql.types.failures import NotAllowed


def core_schema(schema: strawberry.Schema) -> GraphQLSchema:
    """The graphql-core schema inside a Strawberry schema: the one place that reaches for it."""
    return schema._schema


def guarded(schema: strawberry.Schema) -> None:
    """Wrap the resolvers of every field that takes a permission. Raises KeyError for a field without a rule."""
    for name, kind in core_schema(schema).type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field_name, field in kind.fields.items():
                rules = rules_for(name, field_name, get_named_type(field.type).name)
                if rules and rules != ("anonymous",):
                    _guard(field, rules)


def _guard(field: GraphQLField, rules: tuple[Rule, ...]) -> None:
    kind = get_named_type(field.type)
    answers_refusal = isinstance(kind, GraphQLUnionType) and any(member.name == "NotAllowed" for member in kind.types)
    if field.subscribe is not None:
        field.subscribe = _checked(field.subscribe, rules, answers_refusal=False)
    elif field.resolve is not None:
        field.resolve = _checked(field.resolve, rules, answers_refusal)


def _checked(resolve: Callable[..., Any], rules: tuple[Rule, ...], answers_refusal: bool) -> Callable[..., Any]:
    def checked(source: Any, info: Any, **arguments: Any) -> Any:
        try:
            for rule in rules:
                require(info.context.viewer, rule)
        except Forbidden as error:
            if answers_refusal:
                return NotAllowed(message=str(error), permission=error.permission)
            raise
        return resolve(source, info, **arguments)

    return checked
