"""Documents for a fuzzer: schemathesis draws them from the schema, and names that exist are put into some of their arguments,
so that they come as far as the resolvers; some arguments travel as variables, which are read by other code."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import graphql
import msgspec
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes

# What has broken parsers, file names, database columns and terminals elsewhere.
TEXTS: Final = (
    "", " ", "0", "-1", "null", "\x00", "a\x00b", "\x1b[2J", "\n", "é", "e\u0301", "\u202e", "\ufeff", "\U0001f600" * 40,
    "../../etc/passwd", "/", ".", "..", "-n", "--help", "HEAD", "HEAD~1", "main", "refs/heads/main", "@{-1}",
    "projects/demo.yaml", "waybill.yaml", "models[id=x].limits", "limits.rules[0].value", "a[", "[]",
    "limits.rules[99999999999999999999]", "'; DROP TABLE users; --", "%s%n", "{{7*7}}", "x" * 300, "9" * 400, "1e400",
    "-1e-400", "NaN", "Infinity", "0" * 40, "f" * 40, "UHJvamVjdDo", "UHJvamVjdDpkZW1v", "VXNlcjow",
    "9223372036854775808", "-9223372036854775809", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-02-30T00:00:00Z",
)  # fmt: skip
NUMBERS: Final = (0, 1, -1, 2, 200, 201, 2**31 - 1, -(2**31), 2**31, 2**53 - 1, 2**53, -(2**53), 2**63, 10**30)
VALUES: Final[tuple[Any, ...]] = (
    *TEXTS,
    *NUMBERS,
    None,
    True,
    False,
    0.5,
    1e308,
    [],
    {},
    [[]],
    [None],
    {"": None},
    "a" * 5_000,
)

_words = st.sampled_from(TEXTS) | st.text(max_size=30)
_edges = st.sampled_from(("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "0001-01-01T00:00:00+14:00", "soon"))
_instants = _edges | st.datetimes().map(lambda moment: moment.isoformat() + "Z")
_money = st.decimals(allow_nan=True, allow_infinity=True).map(str) | st.sampled_from(("1e999999999", "0.1", "-1", "1" * 200))
_json = st.sampled_from(("x", "cheapest", "")).map(nodes.String) | st.integers(-5, 5).map(nodes.Int)


def register_scalars() -> None:
    """Tell schemathesis what our scalars look like, and which texts to try."""
    for name, strategy in {
        "String": _words.map(nodes.String),
        "ID": _words.map(nodes.String),
        "Secret": _words.map(nodes.String),
        "DateTime": _instants.map(nodes.String),
        "Decimal": _money.map(nodes.String),
        "BigInt": st.sampled_from(NUMBERS).map(nodes.Int),
        "JSON": _json,
    }.items():
        schemathesis.graphql.scalar(name, strategy)


class Sent(msgspec.Struct, frozen=True):
    """One request: which operation it is for, its document and its variables."""

    operation: str
    query: str
    variables: dict[str, Any]


class Documents:
    """Draws documents for every root field of a schema, those of subscriptions too."""

    def __init__(self, sdl: str, dice: random.Random) -> None:
        register_scalars()
        self.schema = graphql.build_schema(sdl)
        self.dice = dice
        self.known: Mapping[str, Sequence[str]] = {}
        self._operations = [*_operations(sdl), *_operations(_subscriptions_as_queries(self.schema), "Subscription")]

    @property
    def count(self) -> int:
        """How many operations there are."""
        return len(self._operations)

    def rounds(self, examples: int) -> Iterator[Sent]:
        """`examples` documents of each operation at most, then again, with no end."""
        while True:
            self.dice.shuffle(self._operations)
            for root, operation in self._operations:
                label = f"{root}.{operation.label.partition('.')[2]}"
                for text in _drawn(operation, examples, self.dice.randrange(2**32)):
                    yield self._sent(label, graphql.parse(text))

    def _sent(self, label: str, document: graphql.DocumentNode) -> Sent:
        document = graphql.visit(document, _Known(self.known, self.dice))
        root, _, name = label.partition(".")
        kind = getattr(self.schema, f"{root.lower()}_type")
        (node,) = document.definitions
        (field, *_) = node.selection_set.selections
        variables: dict[str, Any] = {}
        declared = ""
        if field.arguments and self.dice.random() < 0.5:
            types = kind.fields[name].args
            variables = {
                each.name.value: _shaken(graphql.value_from_ast_untyped(each.value), self.dice) for each in field.arguments
            }
            declared = "(" + ", ".join(f"${each}: {types[each].type}" for each in variables) + ")"
            passed = tuple(replace(each, value=graphql.VariableNode(name=each.name)) for each in field.arguments)
            field = replace(field, arguments=passed)
        selections = graphql.print_ast(graphql.SelectionSetNode(selections=(field,)))
        return Sent(label, f"{root.lower()}{declared} {selections}", variables)


class _Known(graphql.Visitor):
    """Puts names that exist where a name belongs, mostly."""

    def __init__(self, known: Mapping[str, Sequence[str]], dice: random.Random) -> None:
        super().__init__()
        self.known = known
        self.dice = dice

    def enter_argument(self, node: graphql.ArgumentNode, *_: object) -> graphql.ArgumentNode | None:
        value = self._named(node.name.value, node.value)
        return value and graphql.ArgumentNode(name=node.name, value=value)

    def enter_object_field(self, node: graphql.ObjectFieldNode, *_: object) -> graphql.ObjectFieldNode | None:
        value = self._named(node.name.value, node.value)
        return value and graphql.ObjectFieldNode(name=node.name, value=value)

    def _named(self, name: str, value: graphql.ValueNode) -> graphql.ValueNode | None:
        known = self.known.get(name)
        if not known or not isinstance(value, graphql.StringValueNode) or self.dice.random() < 0.2:
            return None
        return nodes.String(self.dice.choice(known))


def _operations(sdl: str, root: str | None = None) -> list[tuple[str, Any]]:
    schema = schemathesis.graphql.from_file(sdl)
    schema.config.update(base_url="http://127.0.0.1/graphql")
    found = [result.ok() for result in schema.get_all_operations()]
    return [(root or operation.label.partition(".")[0], operation) for operation in found]


def _subscriptions_as_queries(schema: graphql.GraphQLSchema) -> str:
    """schemathesis leaves subscriptions out: this schema has them for its queries."""
    arguments = schema.to_kwargs() | {"query": schema.subscription_type, "mutation": None, "subscription": None}
    return graphql.print_schema(graphql.GraphQLSchema(**arguments))


def _drawn(operation: Any, examples: int, number: int) -> list[str]:
    drawn: list[str] = []

    @seed(number)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def draw(case: Any) -> None:
        drawn.append(case.body)

    draw()
    return drawn


def _shaken(value: Any, dice: random.Random) -> Any:
    """`value`, here and there with something else in it."""
    if dice.random() < 0.1:
        return dice.choice(VALUES)
    if isinstance(value, dict):
        return {name: _shaken(each, dice) for name, each in value.items()}
    if isinstance(value, list):
        return [_shaken(each, dice) for each in value]
    return value
