"""Which subscriptions share an answer: those that select the same below their root field, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from api.graphql.engine import Engine
from api.graphql.guard import core_schema
from api.graphql.schema import build_schema
from api.graphql.shared import operation_key

ENGINE = Engine(core_schema(build_schema()))
SAME = "subscription { requestLogFeed { cursor events { model trace { cost } } } }"


def key(query: str, **variables: Any) -> Any:
    return operation_key(ENGINE.prepare(query, None, variables, anonymous=False))


@pytest.mark.parametrize(
    "other",
    [
        "subscription Named { requestLogFeed { cursor events { model trace { cost } } } }",
        "subscription{requestLogFeed(after:\"3\"){cursor,events{model,trace{cost}}}}",
        "subscription($a: String) { requestLogFeed(after: $a) { cursor events { model trace { cost } } } }",
    ],
)  # fmt: skip
def test_names_spaces_and_the_cursor_make_no_difference(other: str) -> None:
    assert key(SAME) == key(other) == key(other, a="5")


@pytest.mark.parametrize(
    "other",
    [
        "subscription { requestLogFeed { cursor events { model } } }",
        "subscription { requestLogFeed { events { model trace { cost } } cursor } }",
        "subscription { requestLogFeed { cursor events { m: model trace { cost } } } }",
        "subscription { feed: requestLogFeed { cursor events { model trace { cost } } } }",
        "subscription { requestLogFeed { cursor events { model trace { ...T } } } } fragment T on RequestTrace { cost }",
        "subscription { requestLogFeed { cursor events { model trace @skip(if: true) { cost } } } }",
    ],
)
def test_another_selection_is_another_answer(other: str) -> None:
    assert key(SAME) != key(other)


def test_variables_below_the_root_field_are_part_of_it_with_their_defaults() -> None:
    read = "subscription($with: Boolean! = %s) { requestLogFeed { cursor events { model @include(if: $with) } } }"
    assert key(read % "true", **{"with": True}) != key(read % "true", **{"with": False})
    assert key(read % "true") != key(read % "false")
    spread = "subscription { requestLogFeed { ...B } } fragment B on RequestLogBatch { %s }"
    assert key(spread % "cursor") != key(spread % "gap { from }")
    assert key(spread % "cursor") == key(spread % "  cursor")


def test_the_firehose_is_shared_by_the_same_document_alone() -> None:
    firehose = "subscription { requestLogFirehose }"
    assert key(firehose) == key(firehose) != key("subscription { fire: requestLogFirehose }")
