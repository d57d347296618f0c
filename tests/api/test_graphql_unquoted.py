"""An error of graphql-core says what is wrong where, and never repeats what was sent."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLError, build_schema, graphql_sync, parse, validate

from api.graphql.unquoted import unquoted

SCHEMA = build_schema(
    """type Query { a(i: I!, e: E, b: Boolean, n: Int, o: O): Int }
    input I { key: String!, id: ID } enum E { A B } input O @oneOf { env: String file: String }"""
)
SECRET = "q7Zr-secret: found"
TYPED = f'"{SECRET}"'
VARIABLE = "query($i: I!, $e: E, $n: Int) { a(i: $i, e: $e, n: $n) }"

CASES: list[tuple[str, dict[str, Any], str]] = [
    (f"{{ a(i: {{key: {TYPED}, x: 1}}) }}", {}, "unknown field 'x', found: …"),
    (f"{{ a(i: {TYPED}) }}", {}, "to be an object, found: …"),
    (f"{{ a(i: {{id: {TYPED}}}) }}", {}, "required field 'key', found: …"),
    (f"{{ a(i: {{key: [{TYPED}]}}) }}", {}, "non string value: …"),
    (f'{{ a(i: {{key: "a"}}, e: {TYPED}) }}', {}, "Enum 'E' cannot represent non-enum value: …"),
    (f'{{ a(i: {{key: "a"}}, n: {TYPED}) }}', {}, "Int cannot represent non-integer value: …"),
    (f"{{ a({TYPED}) }}", {}, "found String …"),
    (f'{{ a(i: ""{TYPED}"") }}', {}, "to be an object, found: …"),
    (f"{{ a(i: {{key: {TYPED[:-1]}) }}", {}, "Syntax Error"),
    (VARIABLE, {"i": {"key": SECRET, "y": 2}}, "'$i' has invalid value: Expected value of type 'I' not to include unknown"),
    (VARIABLE, {"i": {"id": SECRET}}, "required field 'key', found: …"),
    (VARIABLE, {"i": {"key": {SECRET: 2}}}, "'$i' has invalid value at .key: String cannot represent a non string value: …"),
    (VARIABLE, {"i": SECRET}, "to be an object, found: …"),
    (VARIABLE, {"i": {"key": "a"}, "e": SECRET}, "'$e' has invalid value: Value … does not exist in 'E' enum"),
    (VARIABLE, {"i": {"key": "a"}, "n": SECRET}, "Int cannot represent non-integer value: …"),
    (VARIABLE, {"i": {"key": "a", SECRET * 3: 1}}, "unknown field …"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "variables", "said"), CASES)
def test_what_was_sent_is_not_repeated(query: str, variables: dict[str, Any], said: str) -> None:
    try:
        errors = validate(SCHEMA, parse(query), hide_suggestions=True)
        errors = errors or graphql_sync(SCHEMA, query, variable_values=variables, hide_suggestions=True).errors or []
    except GraphQLError as error:
        errors = [error]
    messages = [unquoted(error.message) for error in errors]
    assert messages
    assert any(said in message for message in messages), messages
    assert not any("q7Zr" in message for message in messages), messages


@pytest.mark.parametrize(
    "message",
    [
        "Cannot query field 'sk' on type 'Query'.",
        "Field 'a' must not have a selection since type 'Int' has no subfields.",
        "Variable '$x' of required type 'I!' was not provided.",
        "the document has 2 operations: name one in `operationName`",
        "Expected value of type 'I' to be valid",
    ],
)
def test_what_quotes_no_value_stays_as_it_is(message: str) -> None:
    assert unquoted(message) == message
