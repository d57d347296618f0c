"""Every operation and every guarded field, asked by everybody, on their own and on a foreign project, against a second
opinion: `access_expectations.yaml`, which is written from the product's text and not from the code."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest
import pytest_asyncio
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
    is_composite_type,
)

from api.access import FIELD_RULES, In, rules_for
from api.clock import now_ms
from api.graphql.guard import core_schema
from api.graphql.ids import node_id
from api.graphql.schema import build_schema
from tests.api.access_subjects import FILE, FOREIGN, OWN, expectations, members, settle
from tests.api.conftest import Api, running
from tests.api.journalled import finished, request_id

SCHEMA = core_schema(build_schema())
ROOTS = {"Query": "query", "Mutation": "mutation", "Subscription": "subscription"}
PROJECTS = {"own": OWN, "foreign": FOREIGN}
REQUESTS = {OWN: request_id(1), FOREIGN: request_id(2)}
# Too long for a reason: whoever gets past the guard is stopped right behind it, and nothing changes.
REASON = "x" * 2001
# Open to all who are signed in, or reached only through a root field that has a line: nothing to ask anybody for.
PLAIN = frozenset({"signed-in", "anonymous"})


def root_fields() -> list[str]:
    return [f"{root}.{field}" for root in ROOTS for field in SCHEMA.type_map[root].fields]  # type: ignore[attr-defined]  # objects


def guarded_fields() -> list[str]:
    """Fields below the roots that take a permission of their own."""
    return [
        f"{name}.{field_name}"
        for name, kind in SCHEMA.type_map.items()
        if isinstance(kind, GraphQLObjectType) and name not in ROOTS and not name.startswith("__")
        for field_name, field in kind.fields.items()
        if not set(rules_for(name, field_name, get_named_type(field.type).name)) <= PLAIN and not _of_payload(name)
    ]


def _of_payload(name: str) -> bool:
    """Whether a type is only what a mutation answers: its fields are asked in the project of what they hold."""
    unions = [kind for kind in SCHEMA.type_map.values() if isinstance(kind, GraphQLUnionType)]
    return any(name == member.name for union in unions for member in union.types)


@pytest.fixture(scope="module")
def keys() -> dict[str, str]:
    return {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def api(tmp_path_factory: Any, keys: dict[str, str]) -> AsyncIterator[Api]:
    async def prepare(layout: Any) -> None:
        keys.update(await settle(layout))

    async with running(tmp_path_factory.mktemp("matrix") / "data", prepare) as api:
        await api.record(
            *(
                finished(number, project=slug, token="laptop", at_ms=now_ms(), content={"prompt": "hi"})
                for number, slug in ((1, OWN), (2, FOREIGN))
            )
        )
        yield api


def test_every_operation_has_an_expectation() -> None:
    missing = sorted(set(root_fields()) - set(expectations()["operations"]))
    assert not missing, (
        f"{FILE.name} does not say who may use {', '.join(missing)}: add a line for each under `operations`, "
        "written from what the product says of people, not from api/access.py; the head of that file says how"
    )


def test_every_guarded_field_has_an_expectation() -> None:
    missing = sorted(set(guarded_fields()) - set(expectations()["fields"]))
    assert not missing, (
        f"{FILE.name} does not say who may read {', '.join(missing)}: add an entry with a `document` for each under `fields`, "
        "written from what the product says of people, not from api/access.py; the head of that file says how"
    )


def test_no_expectation_is_left_over() -> None:
    assert set(expectations()["operations"]) <= set(root_fields())
    assert set(expectations()["fields"]) <= set(guarded_fields())


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", sorted(set(root_fields()) & set(expectations()["operations"])))
async def test_an_operation_lets_in_whom_it_should(api: Api, keys: dict[str, str], name: str) -> None:
    row = expectations()["operations"][name]
    for where, slug in PROJECTS.items() if "own" in row else (("own", OWN),):
        document, variables = operation(name, slug, row.get("arguments", {}))
        expected = {subject: expectation(row, where, subject) for subject in (*keys, "anonymous")}
        if name.startswith("Subscription"):
            asked = [_followed(api, document, variables, keys.get(who), expected[who]) for who in expected]
        else:
            asked = [_asked(api, document, variables, keys.get(who)) for who in expected]
        answers = dict(zip(expected, await asyncio.gather(*asked), strict=True))
        assert answers == expected, f"{name} on the {where} project"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", sorted(set(guarded_fields()) & set(expectations()["fields"])))
async def test_a_field_is_shown_to_whom_it_should(api: Api, keys: dict[str, str], name: str) -> None:
    row = expectations()["fields"][name]
    for where, slug in PROJECTS.items() if "own" in row else (("own", OWN),):
        expected = {subject: subject in members(row.get(where, row.get("may"))) for subject in keys}
        answers = await asyncio.gather(*(_shown(api, filled(row["document"], slug), keys[who]) for who in expected))
        assert dict(zip(expected, answers, strict=True)) == expected, f"{name} on the {where} project"


def expectation(row: dict[str, Any], where: str, subject: str) -> str:
    """What the table says of a subject: allowed, refused, hidden or unknown."""
    if subject in members(row[where] if "own" in row else row["may"]):
        return "allowed"
    if subject == "anonymous":
        return "unknown"
    if "own" not in row:
        return "refused"
    if subject not in members(row.get("somewhere", "everybody")):
        return "refused"
    sees = subject in members(expectations()["sees"][where])
    return "refused" if sees and not row.get("hides") else "hidden"


def operation(name: str, slug: str, given: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """A document that uses a root field on a project, and its variables."""
    root, _, field_name = name.partition(".")
    field: GraphQLField = SCHEMA.type_map[root].fields[field_name]  # type: ignore[attr-defined]  # an object type
    rule = FIELD_RULES.get(name)
    named = rule.project.split(".")[-1] if isinstance(rule, In) else None
    variables = {
        arg: _value(found.type, arg, slug, given, named)
        for arg, found in field.args.items()
        if isinstance(found.type, GraphQLNonNull) or arg in given or arg == named
    }
    declared = ", ".join(f"${arg}: {field.args[arg].type}" for arg in variables)
    passed = ", ".join(f"{arg}: ${arg}" for arg in variables)
    selection = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    text = f"{ROOTS[root]}{f'({declared})' if declared else ''} {{ {field_name}{f'({passed})' if passed else ''}{selection} }}"
    return text, variables


def _value(kind: Any, name: str, slug: str, given: dict[str, Any], named: str | None) -> Any:
    """Something that a required argument may be; what names a project names this one."""
    if name in given:
        return filled(given[name], slug)
    if name in (named, "slug", "project", "projectSlug"):
        return slug
    kind = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
    if isinstance(kind, GraphQLList):
        return []
    if isinstance(kind, GraphQLInputObjectType):
        return {
            field_name: _value(field.type, field_name, slug, given, named)
            for field_name, field in kind.fields.items()
            if isinstance(field.type, GraphQLNonNull) or field_name in given or field_name in (named, "reason")
        }
    if isinstance(kind, GraphQLEnumType):
        return next(iter(kind.values))
    made_up: dict[str, Any] = {"Int": 1, "Float": 1.0, "Boolean": False, "DateTime": "2026-11-23T00:00:00Z", "Decimal": "1"}
    return REASON if name == "reason" else made_up.get(kind.name, "x")


def filled(template: Any, slug: str) -> Any:
    if not isinstance(template, str):
        return template
    project_ids = {OWN: "01jd8q3v5n9z2k4m6p7r0t1w3x", FOREIGN: "01jd8q4c7f2y8b5h1g6s9d0e4a"}
    values = {
        "{project}": slug,
        "{request}": REQUESTS[slug],
        "{node}": node_id("Project", project_ids[slug]),
        "{user}": node_id("User", "nobody"),
    }
    for mark, value in values.items():
        template = template.replace(mark, value)
    return template


async def _asked(api: Api, document: str, variables: dict[str, Any], key: str | None) -> str:
    answer = await api.post(document, key, **variables)
    return "unknown" if answer.status_code == 401 else _outcome(answer.json())


async def _followed(api: Api, document: str, variables: dict[str, Any], key: str | None, expected: str) -> str:
    """What the first message of a subscription says; silence is the welcome of whoever was let in."""
    if key is None:
        return await _asked(api, document, variables, None)
    async with aclosing(api.stream(document, key, **variables)) as payloads:
        try:
            async with asyncio.timeout(0.5 if expected == "allowed" else 10):
                return _outcome(await anext(payloads))
        except TimeoutError:
            return "allowed"


def _outcome(answer: dict[str, Any]) -> str:
    codes = {error["extensions"]["code"] for error in answer.get("errors", ())}
    if "FORBIDDEN" in codes:
        return "refused"
    if codes:
        assert "INTERNAL" not in codes, answer
        return "hidden" if "NOT_FOUND" in codes else "allowed"
    (found,) = answer["data"].values()
    name = found.get("__typename") if isinstance(found, dict) else None
    return "refused" if name == "NotAllowed" else "hidden" if name == "NotFound" or found is None else "allowed"


async def _shown(api: Api, document: str, key: str) -> bool:
    """Whether the innermost field was answered: not with a refusal, and not with null on the way."""
    answer = (await api.post(document, key)).json()
    if answer.get("errors"):
        assert {error["extensions"]["code"] for error in answer["errors"]} <= {"FORBIDDEN", "NOT_FOUND"}, answer
        return False
    return _chain(answer["data"])[-1] is not None


def _chain(found: Any) -> list[Any]:
    values = [found]
    while isinstance(found, dict | list) and found:
        found = found[0] if isinstance(found, list) else next(iter(found.values()))
        values.append(found)
    return values
