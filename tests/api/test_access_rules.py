"""Every field of the schema has a rule, and the rules are asked where a viewer enters what they guard."""

from __future__ import annotations

import pytest
from graphql import GraphQLInterfaceType, GraphQLNonNull, GraphQLObjectType, GraphQLUnionType, get_named_type

from api.access import (
    ALL_PERMISSIONS,
    FIELD_RULES,
    TYPE_RULES,
    Forbidden,
    In,
    OrNull,
    Somewhere,
    Unauthenticated,
    Viewer,
    permission_of,
    require,
    rules_for,
)
from api.grants import GLOBAL_ROLES, Grants
from api.graphql.guard import core_schema
from api.graphql.queries.nodes import FINDERS
from api.graphql.schema import build_schema
from core.config import Config

SCHEMA = core_schema(build_schema())
OBJECTS = {
    name: kind for name, kind in SCHEMA.type_map.items() if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
}
ROOTS = ("Query", "Mutation", "Subscription")
KNOWN_RULES = ALL_PERMISSIONS | {"anonymous", "signed-in", "project:delete"}


@pytest.mark.parametrize("name", sorted(OBJECTS))
def test_every_field_has_a_rule(name: str) -> None:
    for field_name, field in OBJECTS[name].fields.items():
        rules_for(name, field_name, get_named_type(field.type).name)
        assert name in TYPE_RULES or f"{name}.{field_name}" in FIELD_RULES


def test_a_field_without_a_rule_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"New\.field has no rule"):
        rules_for("New", "field", "String")


def test_every_root_field_is_named_and_no_rule_is_left_over() -> None:
    fields = {f"{name}.{field}" for name, kind in OBJECTS.items() for field in kind.fields}
    assert {name for name in fields if name.split(".")[0] in ROOTS} <= set(FIELD_RULES)
    assert set(FIELD_RULES) <= fields
    assert set(TYPE_RULES) == set(OBJECTS) - set(ROOTS)
    assert {permission_of(rule) for rule in FIELD_RULES.values()} | set(TYPE_RULES.values()) <= KNOWN_RULES


def test_login_is_the_only_anonymous_field() -> None:
    assert [name for name, rule in FIELD_RULES.items() if rule == "anonymous"] == ["Mutation.login"]


def test_a_field_asks_for_what_its_type_takes_and_its_parent_did_not() -> None:
    assert rules_for("RequestLog", "model", "String") == ()
    assert rules_for("RequestLog", "project", "Project") == ("project:read",)
    assert rules_for("RequestTrace", "content", "JSON") == ("content:read",)
    assert rules_for("Project", "today", "UsageFigures") == (OrNull("report:read"),)
    assert rules_for("Mutation", "projectDelete", "ProjectDeletePayload") == (In("project:delete", "input.slug"),)
    assert rules_for("Query", "requestLogs", "RequestLogConnection") == (Somewhere("report:read"),)


@pytest.mark.parametrize(
    ("role", "grants", "lacks"),
    [
        ("admin", ALL_PERMISSIONS, set()),
        ("operator", ALL_PERMISSIONS - {"user:write", "settings:write"}, {"user:write", "settings:write"}),
        ("viewer", {"project:read", "model:read", "report:read"}, {"project:write", "content:read", "user:read"}),
        ("deleted-role", set(), ALL_PERMISSIONS),
    ],
)
def test_a_global_role_grants_exactly_its_permissions(role: str, grants: set[str], lacks: set[str]) -> None:
    viewer = Grants(Config()).viewer(Viewer(user_id="u", email="u@example.org", role=role))
    assert viewer.permissions == grants == GLOBAL_ROLES.get(role, frozenset())
    for permission in lacks:
        with pytest.raises(Forbidden, match=permission):
            require(viewer, permission)  # type: ignore[arg-type]
    require(viewer, "signed-in")


def test_nobody_meets_no_rule_but_anonymous() -> None:
    require(None, "anonymous")
    for rule in ("signed-in", "project:read"):
        with pytest.raises(Unauthenticated):
            require(None, rule)  # type: ignore[arg-type]


# What somebody has who may make a change, beside the permission to make it.
BESIDE = {"user:write": {"user:read"}, "model:write": {"model:read"}}


def losses(kind: GraphQLObjectType, known: frozenset[str] = frozenset()) -> set[str]:
    """The permissions that an answer of this type takes where no field may be null: a refusal there loses all of it."""
    asked: set[str] = set()
    for name, field in kind.fields.items():
        entered = get_named_type(field.type)
        if isinstance(field.type, GraphQLNonNull):
            asked |= {permission_of(rule) for rule in rules_for(kind.name, name, entered.name)}
            if isinstance(entered, GraphQLObjectType) and entered.name not in known:
                asked |= losses(entered, known | {kind.name})
    return asked - {"signed-in", "anonymous"}


@pytest.mark.parametrize("mutation", sorted(OBJECTS["Mutation"].fields))
def test_whoever_makes_a_change_may_read_all_that_its_answer_needs(mutation: str) -> None:
    """Else the change is made, and the answer, with a token's value or a password, is lost."""
    asked = permission_of(FIELD_RULES[f"Mutation.{mutation}"])
    payload = get_named_type(OBJECTS["Mutation"].fields[mutation].type)
    members = payload.types if isinstance(payload, GraphQLUnionType) else (payload,)
    needed = set().union(*(losses(member) for member in members if isinstance(member, GraphQLObjectType)))
    assert needed <= {asked, "project:read"} | BESIDE.get(asked, set())


def test_everything_in_the_schema_is_described() -> None:
    missing: list[str] = []
    for name, kind in SCHEMA.type_map.items():
        if name.startswith("__") or name in ("String", "Int", "Float", "Boolean", "ID"):
            continue
        if not kind.description:
            missing.append(name)
        for field_name, field in getattr(kind, "fields", {}).items():
            if not field.description:
                missing.append(f"{name}.{field_name}")
            missing += [
                f"{name}.{field_name}({arg})" for arg, found in getattr(field, "args", {}).items() if not found.description
            ]
        missing += [f"{name}.{value}" for value, found in getattr(kind, "values", {}).items() if not found.description]
    assert missing == []


def test_nodes_are_identified_by_id() -> None:
    node = SCHEMA.type_map["Node"]
    assert isinstance(node, GraphQLInterfaceType)
    assert {kind.name for kind in SCHEMA.get_possible_types(node)} == set(FINDERS)
